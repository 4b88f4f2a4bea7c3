//! Notes which compiler builds the plugin, for its metadata.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=JMP_RUSTC={}", compiler());
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=JMP_TARGET={target}");
}

/// The version alone, `1.95.0` out of `rustc 1.95.0 (...)`; empty if the compiler does not tell.
fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(output) = Command::new(rustc).arg("--version").output() else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&output.stdout);
    text.split_whitespace()
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}
