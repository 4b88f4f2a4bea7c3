//! `jmp driver`: what people see of plugins.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::build::{META, TINY, Tiny, example_c, rust_plugin, target};
use common::{C_PDU, POWER, Shelf};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Runs the command with the plugins of a shelf and nothing else.
fn driver(shelf: &Shelf, words: &[&str]) -> Output {
    run(Path::new(env!("CARGO_BIN_EXE_jmp-exporter")), shelf, words)
}

fn run(program: &Path, shelf: &Shelf, words: &[&str]) -> Output {
    Command::new(program)
        .arg("driver")
        .args(words)
        .arg("--plugins")
        .arg(shelf.plugins.path())
        .env("HOME", shelf.state.path())
        .env_remove("JMP_PLUGINS")
        .env_remove("XDG_STATE_HOME")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What `check` says is wrong.
fn check(plugin: &Path, words: &[&str]) -> String {
    let shelf = Shelf::new();
    let output = driver(
        &shelf,
        &[&["check", plugin.to_str().unwrap()], words].concat(),
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = stderr.lines().last().unwrap();
    line.strip_prefix("Error: driver plugin ")
        .unwrap()
        .to_owned()
}

#[test]
fn list_shows_drivers_and_says_why_files_are_refused() {
    let shelf = Shelf::with(&example_c());
    shelf.put(&rust_plugin("power"));
    let bad = shelf.put_as("bad.so", b"");
    let text = stdout(&driver(&shelf, &["list"]));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["NAME", "TYPE", "PLUGIN"]
    );
    let row = format!("Pdu {C_PDU} jumpstarter_driver_example_c 0.1.0");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(lines.iter().any(|line| words(line) == row), "{text}");
    assert!(
        lines
            .iter()
            .any(|line| words(line).starts_with(&format!("MockPower {POWER}"))),
        "{text}"
    );
    let refusal = format!("  driver plugin {}: the file is empty", bad.display());
    assert_eq!(lines[lines.len() - 2..], ["Refused:", &refusal]);

    let data: Value =
        serde_json::from_str(&stdout(&driver(&shelf, &["list", "-o", "json"]))).unwrap();
    let pdu = data["drivers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|driver| driver["name"] == "Pdu");
    assert_eq!(pdu.unwrap()["type"], C_PDU);
    assert_eq!(data["refused"][0]["reason"], refusal.trim());
    let yaml: Value =
        serde_yaml::from_str(&stdout(&driver(&shelf, &["list", "-o", "yaml"]))).unwrap();
    assert_eq!(yaml, data);

    let versions = stdout(&driver(&shelf, &["version"]));
    for plugin in ["example_c", "power"] {
        let line = format!("jumpstarter_driver_{plugin} 0.1.0");
        assert!(versions.lines().any(|has| has == line), "{versions}");
    }
}

#[test]
fn an_empty_list_says_where_it_looked_and_what_to_do() {
    // A program without plugins beside it.
    let folder = tempfile::tempdir_in(target()).unwrap();
    let program = folder.path().join("jmp-exporter");
    std::fs::hard_link(env!("CARGO_BIN_EXE_jmp-exporter"), &program).unwrap();
    let shelf = Shelf::new();
    let text = stdout(&run(&program, &shelf, &["list"]));
    assert_eq!(
        text,
        format!(
            "No drivers found.\n\nLooked for *.so in\n  {}\n  {}  (not there)\n  \
             /usr/local/lib/jumpstarter/plugins  (not there)\n  /usr/lib/jumpstarter/plugins  (not \
             there)\n  {}  (not there)\nPut plugins into one of these folders, or name another with \
             --plugins DIR.\n",
            shelf.plugins.path().display(),
            shelf
                .state
                .path()
                .join(".local/lib/jumpstarter/plugins")
                .display(),
            folder
                .path()
                .canonicalize()
                .unwrap()
                .join("plugins")
                .display()
        )
    );
}

#[test]
fn inspect_tells_all_about_a_file() {
    let shelf = Shelf::with(&example_c());
    let file = shelf.path("libjumpstarter_driver_example_c.so");
    let text = stdout(&driver(&shelf, &["inspect", file.to_str().unwrap()]));
    for expected in [
        "jumpstarter_driver_example_c 0.1.0\n",
        "  abi      1.0 (hash ",
        "  doors    c\n",
        "  trusted  yes",
        "    set_outlet(number: integer, on: boolean) -> {number: integer, on: boolean}\n",
        "    outlets() -> list of {number: integer, on: boolean}\n        List the outlets\n",
        "    temperatures(count?: integer) -> stream of number\n",
        "        type: jumpstarter_driver_example_c.driver.Pdu\n",
    ] {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }

    let json = stdout(&driver(
        &shelf,
        &["inspect", file.to_str().unwrap(), "-o", "json"],
    ));
    let data: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(data["metadata"]["name"], "jumpstarter_driver_example_c");
    assert_eq!(data["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(data["trusted"], true);
    assert_eq!(data["doors"], serde_json::json!(["c"]));

    std::fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let text = stdout(&driver(&shelf, &["inspect", file.to_str().unwrap()]));
    assert!(text.contains("  trusted  NO: driver plugin "), "{text}");
}

#[test]
fn inspect_finds_a_type_and_shows_its_configuration() {
    let shelf = Shelf::new();
    let metadata = r#"{"jmp_abi":"1.0","name":"acme","version":"2.1","drivers":[
        {"type":["acme.Serial"],"category":"serial","config":{"type":"object","required":["port"],
         "properties":{"port":{"type":"string","description":"Where the device is",
         "examples":["/dev/ttyUSB0"]},"baudrate":{"type":"integer","default":115200}}}},
        {"type":["acme.Other"]}]}"#;
    Tiny { metadata, ..TINY }.build(&shelf.path("acme.so"));
    let text = stdout(&driver(&shelf, &["inspect", "acme.Serial"]));
    let expected = "  Config
    baudrate: integer, 115200 if not given
    port: string, required
        Where the device is

  Example
    export:
      serial:
        type: acme.Serial
        config:
          baudrate: 115200
          port: /dev/ttyUSB0
";
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (_, shown) = text.split_once("  Config\n").unwrap();
    assert_eq!(
        sorted(&format!("  Config\n{shown}")),
        sorted(expected),
        "{text}"
    );
    assert!(!text.contains("acme.Other"), "{text}");
    // The example is a configuration.
    let (_, example) = text.split_once("  Example\n").unwrap();
    let example: Value = serde_yaml::from_str(example).unwrap();
    assert_eq!(
        example["export"]["serial"]["config"]["port"],
        "/dev/ttyUSB0"
    );

    let output = driver(&shelf, &["inspect", "acme.Seriel"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("did you mean `acme.Serial`"), "{stderr}");
}

#[test]
fn good_plugins_pass() {
    for plugin in [
        rust_plugin("power"),
        example_c(),
        rust_plugin("test-rotten"),
    ] {
        for words in [&["check"][..], &["check", "--stress"]] {
            let output = driver(
                &Shelf::new(),
                &[words, &[plugin.to_str().unwrap()]].concat(),
            );
            let text = stdout(&output);
            assert!(
                text.starts_with(&format!("{}: ok (jumpstarter_driver_", plugin.display())),
                "{text}"
            );
        }
    }
}

#[test]
fn plugins_that_end_the_process_are_told_by_how() {
    let rotten = rust_plugin("test-rotten-abi");
    let end = " while asking `jumpstarter_driver_test_rotten_abi.driver.Rotten` for a method that \
               it does not have";
    for (fault, how) in [
        ("segv", "killed by signal SIGSEGV"),
        ("abort", "killed by signal SIGABRT"),
        ("unwind", "killed by signal SIGABRT"),
        ("exit", "the process exited with 42"),
    ] {
        assert_eq!(
            check(&rotten, &["--config", &format!("fault: {fault}")]),
            format!("jumpstarter_driver_test_rotten_abi 0.1.0: {how}{end}")
        );
    }
}

#[test]
fn plugins_that_break_a_rule_are_told_which() {
    let rotten = rust_plugin("test-rotten-abi");
    let abi = "jumpstarter_driver_test_rotten_abi 0.1.0: ";
    let driver = "`jumpstarter_driver_test_rotten_abi.driver.Rotten`";
    for (fault, problem) in [
        (
            "none",
            "DRIVER accepts a call of a method that it does not have",
        ),
        (
            "open_zero",
            "DRIVER cannot be opened: plugin jumpstarter_driver_test_rotten_abi 0.1.0 \
                       opened `probe` with no handle",
        ),
        (
            "hang",
            "DRIVER does not answer a call of a method that it does not have; never answered \
                  a call that was given up",
        ),
        (
            "twice",
            "DRIVER accepts a call of a method that it does not have; answered 2 times too \
                   often",
        ),
    ] {
        assert_eq!(
            check(&rotten, &["--config", &format!("fault: {fault}")]),
            format!("{abi}{}", problem.replace("DRIVER", driver))
        );
    }
    let sdk = rust_plugin("test-rotten");
    let driver = "jumpstarter_driver_test_rotten 0.1.0: \
                  `jumpstarter_driver_test_rotten.driver.Rotten` ";
    assert_eq!(
        check(&sdk, &["--config", "fault: open_panic"]),
        format!("{driver}cannot be opened: the driver panicked: open went wrong")
    );
    let problem = check(&sdk, &["--config", "fault: close_panic"]);
    assert!(
        problem.starts_with(&format!("{driver}panicked: close went wrong")),
        "{problem}"
    );
}

#[test]
fn hostile_constructors_are_found_out() {
    let shelf = Shelf::new();
    let build = |code: &str| {
        let code = format!(
            "#include <unistd.h>\n#include <stdlib.h>\n__attribute__((constructor)) static void begin(void) {{ {code} }}"
        );
        Tiny {
            code: &code,
            ..TINY
        }
        .build(&shelf.path("x.so"))
    };
    assert_eq!(
        check(&build("*(volatile int *)0 = 1;"), &[]),
        "acme 2.1: killed by signal SIGSEGV while loading"
    );
    assert_eq!(
        check(&build("exit(3);"), &[]),
        "acme 2.1: the process exited with 3 while loading"
    );
    let started = Instant::now();
    // With a child of its own, which must not outlive the check.
    assert_eq!(
        check(
            &build("if (fork() == 0) for (;;) sleep(1); for (;;) sleep(1);"),
            &[]
        ),
        "acme 2.1: hung while loading: stopped after 10 s"
    );
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_plugin_that_hangs_while_it_is_loaded_does_not_keep_the_exporter() {
    let shelf = Shelf::new();
    Tiny {
        flags: &["-DINIT=pause()"],
        ..TINY
    }
    .build(&shelf.path("acme.so"));
    let config = shelf.state.path().join("exporter.yaml");
    let yaml = "{metadata: {namespace: lab, name: stuck}, export: {it: {type: acme.Power}}}";
    std::fs::write(&config, yaml).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let mut exporter = Command::new(env!("CARGO_BIN_EXE_jmp-exporter"))
        .args(["run", "--tls-grpc-insecure", "--tls-grpc-listener"])
        .arg(free.unwrap().to_string())
        .arg("--exporter-config")
        .arg(&config)
        .arg("--plugins")
        .arg(shelf.plugins.path())
        .env("HOME", shelf.state.path())
        .env_remove("JMP_PLUGINS")
        .env_remove("XDG_STATE_HOME")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(exporter.stderr.take().unwrap()).lines();
    let loading = log.find(|line| line.as_ref().unwrap().contains("loading driver plugin"));
    assert!(loading.is_some(), "the exporter starts to load it");
    kill(Pid::from_raw(exporter.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(exporter.wait().unwrap().code(), Some(143));
}

#[test]
fn a_plugin_may_refuse_to_open_without_its_device() {
    let sdk = rust_plugin("test-rotten");
    let words = [
        "check",
        sdk.to_str().unwrap(),
        "--config",
        "fault: open_error",
    ];
    let text = stdout(&driver(&Shelf::new(), &words));
    assert!(
        text.contains(
            "was not opened with {\"fault\":\"open_error\"}: the device is not plugged in"
        ),
        "{text}"
    );
}

#[test]
fn check_refuses_what_run_refuses() {
    let shelf = Shelf::new();
    let plugin = Tiny {
        metadata: &META.replace("1.0", "2.0"),
        ..TINY
    }
    .build(&shelf.path("x.so"));
    assert!(check(&plugin, &[]).contains("built for driver ABI 2.0"));
    let open = Tiny { ..TINY }.build(&shelf.path("y.so"));
    std::fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    assert!(check(&open, &[]).contains("can be changed by others (mode 777)"));
    let good = Tiny { ..TINY }.build(&shelf.path("z.so"));
    assert_eq!(
        check(&good, &["--type", "acme.Nothing"]),
        "acme 2.1: has no driver `acme.Nothing`"
    );
}
