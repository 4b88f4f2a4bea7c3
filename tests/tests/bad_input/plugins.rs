//! Files that are no plugins, or not for this host.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use jumpstarter_tests::{Lab, Outcome, PATIENCE, Programs, run};

const ACME: &str = "power: {type: acme.driver.Power}";
const META: &str = r#"{"jmp_abi":"@ABI@","kind":"c","name":"acme","version":"2.1","drivers":[{"type":["acme.driver.Power"],"methods":[]}]}"#;

/// C that exports metadata for this version of the boundary.
fn metadata(abi: &str) -> String {
    let json = META.replace("@ABI@", abi).replace('"', "\\\"");
    format!("__attribute__((visibility(\"default\"))) const char jmp_plugin_meta[] = \"{json}\";\n")
}

fn compile(lab: &Lab, source: &str, library: &Path, flags: &[&str]) {
    let stem = library.file_stem().unwrap().to_string_lossy().into_owned();
    let file = lab.file(&format!("{stem}.c"), source);
    let mut cc = lab.foreign(Path::new("cc"));
    cc.args(["-shared", "-fPIC", "-o"])
        .arg(library)
        .arg(file)
        .args(flags);
    run(&mut cc, PATIENCE).succeeds();
}

/// The example in C under another name: a plugin that works.
fn acme() -> String {
    let source = Programs::source().join("plugins/example-c/example.c");
    let source = fs::read_to_string(source).unwrap();
    source.replace("jumpstarter_driver_example_c", "acme")
}

fn acme_flags() -> [&'static str; 2] {
    [
        "-I",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../driver-abi/include"),
    ]
}

/// What an exporter says that needs `acme.driver.Power` and finds this folder first.
fn asked_for_acme(lab: &Lab, folder: &Path) -> Outcome {
    let outcome = lab.exporter(ACME).plugins(folder).refused();
    outcome.fails(1).never_says("panicked");
    outcome
}

/// What it says about one broken file among its plugins, when it needs another one.
fn listed(lab: &Lab, folder: &Path) -> Outcome {
    let outcome = lab.jmp_exporter(["driver", "list", "--plugins", &folder.to_string_lossy()]);
    outcome.never_says("panicked");
    outcome
}

fn power_bytes(lab: &Lab) -> Vec<u8> {
    fs::read(lab.programs().plugin("power")).unwrap()
}

/// A lab and a folder with one file `acme.so` in it.
fn with_file(bytes: &[u8]) -> (Lab, PathBuf) {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[("acme.so", bytes)]);
    (lab, folder)
}

#[test]
fn a_file_that_was_cut_off() {
    let lab = Lab::new();
    let whole = power_bytes(&lab);
    let folder = lab.plugins("plugins", &[("acme.so", &whole[..whole.len() / 2])]);
    listed(&lab, &folder)
        .prints("acme.so")
        .prints("the file is cut off");
}

#[test]
fn a_file_for_another_processor() {
    let lab = Lab::new();
    let mut bytes = power_bytes(&lab);
    // e_machine: AArch64, or x86-64 where that is what we are.
    let other: u16 = if cfg!(target_arch = "aarch64") {
        62
    } else {
        183
    };
    bytes[18..20].copy_from_slice(&other.to_le_bytes());
    let folder = lab.plugins("plugins", &[("acme.so", &bytes)]);
    listed(&lab, &folder)
        .prints("built for")
        .prints("this machine is");
}

#[test]
fn a_file_that_is_no_library() {
    let (lab, folder) = with_file(b"#!/bin/sh\necho hello\n");
    listed(&lab, &folder).prints("not an ELF file");
}

#[test]
fn a_library_that_is_no_plugin() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    compile(
        &lab,
        "int answer(void) { return 42; }\n",
        &folder.join("acme.so"),
        &[],
    );
    listed(&lab, &folder).prints("not a jumpstarter driver plugin (no symbol jmp_plugin_meta)");
}

#[test]
fn metadata_without_a_door() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    compile(&lab, &metadata("1.0"), &folder.join("acme.so"), &[]);
    asked_for_acme(&lab, &folder)
        .complains("acme 2.1")
        .complains("jmp_driver_entry_v1");
}

#[test]
fn a_symbol_that_nobody_defines() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    let source = metadata("1.0")
        + "void not_defined_anywhere(void);\nconst void *jmp_driver_entry_v1(void) { not_defined_anywhere(); return 0; }\n";
    compile(&lab, &source, &folder.join("acme.so"), &[]);
    asked_for_acme(&lab, &folder).complains("not_defined_anywhere");
}

#[test]
fn a_library_that_the_plugin_needs_and_nobody_has() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    let ghost = lab.folder("libghost.so");
    compile(&lab, "void ghost(void) {}\n", &ghost, &[]);
    let source = metadata("1.0")
        + "void ghost(void);\nconst void *jmp_driver_entry_v1(void) { ghost(); return 0; }\n";
    let ghost = ghost.to_string_lossy().into_owned();
    let soname = format!("-L{}", lab.folder("").display());
    compile(
        &lab,
        &source,
        &folder.join("acme.so"),
        &[&soname, "-lghost"],
    );
    fs::remove_file(ghost).unwrap();
    asked_for_acme(&lab, &folder)
        .complains("libghost.so: cannot open shared object file")
        .complains("Install that library or put it beside the plugin.");
}

#[test]
fn a_boundary_newer_or_older_than_ours() {
    for (abi, advice) in [("2.0", "newer jmp"), ("0.9", "newer plugin")] {
        let lab = Lab::new();
        let folder = lab.plugins("plugins", &[]);
        compile(&lab, &metadata(abi), &folder.join("libacme.so"), &[]);
        let sentence = format!("built for driver ABI {abi}; this jmp speaks 1.x.");
        asked_for_acme(&lab, &folder)
            .complains("acme 2.1")
            .complains(&sentence)
            .complains(advice);
        listed(&lab, &folder).prints(&sentence);
    }
}

#[test]
fn a_file_that_others_can_write() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    let file = folder.join("libacme.so");
    compile(&lab, &acme(), &file, &acme_flags());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    asked_for_acme(&lab, &folder)
        .complains(&file.to_string_lossy())
        .complains("can be changed by others (mode 666)")
        .complains("--insecure-plugins");

    let setup = lab.exporter(ACME).plugins(&folder);
    let exporter = setup.arg("--insecure-plugins").start();
    exporter.j(["power", "on"]).succeeds();
    exporter
        .log()
        .wait_for("can be changed by others", PATIENCE)
        .expect("a warning");
}

#[test]
fn a_folder_that_others_can_write() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    compile(&lab, &acme(), &folder.join("libacme.so"), &acme_flags());
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    asked_for_acme(&lab, &folder)
        .complains(&folder.to_string_lossy())
        .complains("777");
}

#[test]
fn two_plugins_with_one_type() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    for (name, version) in [("one.so", "2.1"), ("two.so", "2.2")] {
        let source = metadata("1.0").replace("2.1", version);
        compile(&lab, &source, &folder.join(name), &[]);
    }
    asked_for_acme(&lab, &folder)
        .complains("acme.driver.Power")
        .complains("is in both")
        .complains("one.so")
        .complains("two.so");
}

#[test]
fn a_plugin_overwritten_under_a_running_exporter() {
    let lab = Lab::new();
    let folder = lab.plugins("plugins", &[]);
    let file = folder.join("libacme.so");
    compile(&lab, &acme(), &file, &acme_flags());
    let exporter = lab.exporter(ACME).plugins(&folder).start();
    exporter.j(["power", "on"]).succeeds();
    // In place and cut off, the worst way: a process that had mapped this file would die.
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..4096]).unwrap();
    exporter.j(["power", "off"]).succeeds();
    exporter.j(["power", "read"]).succeeds();
}

#[test]
fn the_source_tree_has_a_compiler_story() {
    // The example in C is what a vendor starts from: it builds by itself, with warnings as errors.
    let lab = Lab::new();
    let mut make = Command::new("make");
    make.arg("-C")
        .arg(Programs::source().join("plugins/example-c"))
        .arg(format!("OUT={}", lab.folder("c").display()));
    run(&mut make, PATIENCE).succeeds();
    let library = lab.folder("c").join("libjumpstarter_driver_example_c.so");
    lab.jmp_exporter(["driver", "inspect", &library.to_string_lossy()])
        .succeeds()
        .prints("jumpstarter_driver_example_c.driver.Pdu");
}
