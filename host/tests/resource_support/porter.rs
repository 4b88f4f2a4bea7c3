//! The plugin that takes data of clients.

use std::path::Path;
use std::process::Command;

pub const PORTER: &str = "porter.driver.Porter";

/// Compiles it into a folder.
pub fn build(folder: &Path) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("cc")
        .args([
            "-std=gnu11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-fPIC",
            "-shared",
            "-O1",
            "-I",
        ])
        .arg(here.join("../driver-abi/include"))
        .arg("-o")
        .arg(folder.join("libporter.so"))
        .arg(here.join("tests/resource_support/porter.c"))
        .arg("-lpthread")
        .status()
        .expect("a C compiler");
    assert!(status.success());
}
