//! `jmp check`, as a program.

#![allow(clippy::unwrap_used)]

mod family;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use jumpstarter_host::{config::load, tree};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

fn check(folder: &Path, args: &[&str]) -> Output {
    let plugins = family::built();
    Command::new(env!("CARGO_BIN_EXE_jmp-exporter"))
        .arg("check")
        .args(args)
        .args(["--insecure-plugins", "--plugins"])
        .arg(plugins)
        .env_clear()
        .env("HOME", folder)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_good_file_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = "metadata: {namespace: a, name: b}\nexport:\n  p: {type: family.driver.Parent}\n  q: {type: family.driver.Child}\n  g: {children: {r: {ref: p}}}\n";
    fs::write(folder.path().join("lab.yaml"), file).unwrap();
    let output = check(folder.path(), &["lab.yaml"]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(text(&output.stdout), "lab.yaml: ok (2 drivers, 1 plugin)\n");
    assert!(output.status.success());
}

#[test]
fn an_alias_is_looked_up() {
    let folder = tempfile::tempdir().unwrap();
    let exporters = folder.path().join(".config/jumpstarter/exporters");
    fs::create_dir_all(&exporters).unwrap();
    fs::write(
        exporters.join("bench.yaml"),
        "metadata: {namespace: a, name: b}\n",
    )
    .unwrap();
    let output = check(folder.path(), &["--exporter", "bench"]);
    let file = exporters.join("bench.yaml");
    assert_eq!(
        text(&output.stdout),
        format!("{}: ok (0 drivers, 0 plugins)\n", file.display())
    );

    let output = check(folder.path(), &["--exporter", "nope"]);
    let file = exporters.join("nope.yaml");
    let missing = format!(
        "Error: [Errno 2] No such file or directory: '{}'\n",
        file.display()
    );
    assert_eq!(text(&output.stderr), missing);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn every_mistake_of_the_settings_is_shown_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = "\
metadata: {namespace: a, name: b}
unknown: 1
export:
  p:
    type: family.driver.Parent
    config:
      asks: 5
      hnag: true
  q:
    type: family.driver.Chlid
";
    fs::write(folder.path().join("lab.yaml"), file).unwrap();
    let output = check(folder.path(), &["lab.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let stderr = text(&output.stderr);
    for part in [
        "lab.yaml:2:1: warning: unknown: unknown key, ignored\n",
        "Error: 3 mistakes in lab.yaml\n",
        "lab.yaml:7:13: export.p.config.asks: expected a text, found the integer 5; write it in quotes\n  |\n7 |       asks: 5\n  |             ^\n",
        "lab.yaml:8:7: export.p.config.hnag: unknown key, did you mean `hang`?\n  |\n8 |       hnag: true\n  |       ^^^^\n",
        "lab.yaml:10:11: export.q.type: no driver class `family.driver.Chlid` in any plugin; did you mean `family.driver.Child`",
    ] {
        assert!(stderr.contains(part), "{part}\nis not in\n{stderr}");
    }
}

#[test]
fn mistakes_of_the_file_and_of_the_settings_are_shown_together_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = "\
metadata: {name: b}
export:
  a: {ref: a}
  b: 5
  c: {type: 5}
  d: {type: family.driver.Parent, config: [1]}
  e: {children: {f: {type: family.driver.Parnt}}}
  g: {type: family.driver.Parnt}
";
    fs::write(folder.path().join("lab.yaml"), file).unwrap();
    let output = check(folder.path(), &["lab.yaml"]);
    let stderr = text(&output.stderr);
    let found: Vec<_> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("lab.yaml:"))
        .map(|line| line.split(": ").nth(1).unwrap())
        .collect();
    assert_eq!(
        found,
        [
            "metadata",
            "export.a.ref",
            "export.b",
            "export.c.type",
            "export.d.config",
            "export.e.f.type",
            "export.g.type",
        ],
        "{stderr}"
    );
    assert!(
        stderr.starts_with("Error: 7 mistakes in lab.yaml\n"),
        "{stderr}"
    );
    assert!(
        stderr.contains(
            "export.g.type: driver class `family.driver.Parnt` cannot be used, see above"
        )
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_demo_has_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    for family in ["network", "opendal", "power", "pyserial", "shell"] {
        let plugin = format!("libjumpstarter_driver_{family}.so");
        fs::copy(family::target().join(&plugin), folder.path().join(&plugin))
            .unwrap_or_else(|_| panic!("run `cargo build -p jumpstarter-driver-{family}` first"));
    }
    let make = Command::new("make")
        .args(["-s", "-C"])
        .arg(root().join("plugins/example-c"))
        .arg(format!("OUT={}", folder.path().display()))
        .status()
        .unwrap();
    assert!(make.success());
    let config = load(&root().join("configs/exporter.yaml")).unwrap();
    let registry = family::registry(&[folder.path().to_owned()], &folder.path().join("state"));
    let summary =
        tree::check(&config, Vec::new(), &registry).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((summary.drivers, summary.plugins), (7, 6));
    assert_eq!(summary.warnings, []);
}
