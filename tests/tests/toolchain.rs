//! A plugin built by another compiler than the host: the boundary does not depend on it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::{path::PathBuf, process::Command, time::Duration};

use jumpstarter_tests::{Lab, PATIENCE, Programs, run};

/// From nothing: the SDK and all it stands on.
const BUILD: Duration = Duration::from_secs(20 * 60);

/// The power plugin, built by the nightly compiler; `None`, said aloud, where there is none.
fn foreign_plugin() -> Option<PathBuf> {
    let cargo = || {
        let mut cargo = Command::new("cargo");
        // What a cargo that runs tests sets would choose its own compiler again.
        cargo
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("RUSTC")
            .env_remove("CARGO");
        cargo.arg("+nightly").current_dir(Programs::source());
        cargo
    };
    let there = cargo().arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        println!("skipped: no second compiler; `rustup toolchain install nightly` brings one");
        return None;
    }
    let target = Programs::find().folder().parent()?.join("nightly");
    let mut build = cargo();
    build
        .args([
            "build",
            "--locked",
            "-p",
            "jumpstarter-driver-power",
            "--target-dir",
        ])
        .arg(&target);
    run(&mut build, BUILD).succeeds();
    Some(target.join("debug/libjumpstarter_driver_power.so"))
}

#[test]
fn a_plugin_of_another_compiler_is_one_like_any_other() {
    let Some(plugin) = foreign_plugin() else {
        return;
    };
    let lab = Lab::new();
    let bytes = std::fs::read(&plugin).unwrap();
    let folder = lab.plugins("plugins", &[("libjumpstarter_driver_power.so", &bytes)]);
    let copy = folder.join("libjumpstarter_driver_power.so");
    let rustc = |path: PathBuf| {
        let words = ["driver".into(), "inspect".into(), path];
        let page = lab.jmp_exporter(words).succeeds().stdout.clone();
        let line = page.lines().find(|line| line.contains("rustc"));
        line.unwrap_or_else(|| panic!("no compiler in {page}"))
            .to_owned()
    };
    assert_ne!(rustc(copy), rustc(lab.programs().plugin("power")));

    let exporter = lab
        .exporter("power: {type: jumpstarter_driver_power.driver.MockPower}")
        .alone()
        .plugins(&folder)
        .start();
    exporter.j(["power", "on"]).succeeds();
    exporter
        .j(["power", "read"])
        .succeeds()
        .prints("voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA");
    exporter
        .log()
        .wait_for("power on", PATIENCE)
        .expect("its own line");
}
