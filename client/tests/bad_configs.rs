//! Whatever somebody writes into a client's file: it can be used, or the error names file and key.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use jumpstarter_client::config::ClientConfig;
use serde_json::{Value, json};

const TOKEN: &str = "hunter2";

/// A file in which every key is used.
fn valid() -> Value {
    json!({
        "apiVersion": "jumpstarter.dev/v1alpha1",
        "kind": "ClientConfig",
        "metadata": {"namespace": "lab", "name": "me"},
        "endpoint": "controller.lab:8082",
        "tls": {"ca": "", "insecure": false},
        "token": TOKEN,
        "refresh_token": TOKEN,
        "grpcOptions": {"grpc.keepalive_time_ms": 20000},
        "drivers": {"allow": ["a.*"], "unsafe": false},
        "shell": {"use_profiles": false},
        "leases": {"acquisition_timeout": 7200, "dial_timeout": 60.0, "retry_timeout": 300.0},
    })
}

/// Every key, and which of the wrong values below are right ones for it.
const KEYS: [(&str, &str); 22] = [
    ("apiVersion", "null"),
    ("kind", "null"),
    ("metadata", ""),
    (
        "metadata/namespace",
        "null text empty yes true one minus fraction huge",
    ),
    (
        "metadata/name",
        "text empty yes true one minus fraction huge",
    ),
    ("endpoint", "null text yes true one minus fraction huge"),
    ("tls", "null map unknown"),
    ("tls/ca", "null empty"),
    ("tls/insecure", "null true one yes"),
    ("token", "null text empty yes true one minus fraction huge"),
    (
        "refresh_token",
        "null text empty lines yes true one minus fraction huge",
    ),
    ("grpcOptions", "null map unknown"),
    (
        "grpcOptions/grpc.keepalive_time_ms",
        "text empty yes one minus huge lines",
    ),
    ("drivers", "null map"),
    ("drivers/allow", "null text empty yes list lines"),
    ("drivers/unsafe", "null true one yes"),
    ("shell", "null map unknown"),
    ("shell/use_profiles", "null true one yes"),
    ("leases", "null map"),
    ("leases/acquisition_timeout", "null huge"),
    ("leases/dial_timeout", "null huge"),
    ("leases/retry_timeout", "null one fraction huge"),
];

fn wrong_values() -> Vec<(&'static str, Value)> {
    vec![
        ("null", Value::Null),
        ("text", json!("words")),
        ("empty", json!("")),
        ("yes", json!("yes")),
        ("lines", json!("a\nb")),
        ("true", json!(true)),
        ("one", json!(1)),
        ("minus", json!(-7)),
        ("fraction", json!(1.5)),
        ("huge", json!(i64::MAX)),
        ("list", json!(["a"])),
        ("mixed", json!([1, {"a": null}])),
        ("map", json!({})),
        ("unknown", json!({"surprise": 1})),
    ]
}

/// What comes of reading it: nothing, or the error in words. A panic is a failed test.
fn read(path: &Path, text: &[u8]) -> Result<(), String> {
    std::fs::write(path, text).unwrap();
    let path = path.to_owned();
    let tried = catch_unwind(move || {
        let config = ClientConfig::load(&path).map_err(|error| error.to_string())?;
        config.map(drop).ok_or("there is no file".to_owned())
    });
    tried.unwrap_or_else(|_| panic!("a panic because of {}", String::from_utf8_lossy(text)))
}

/// The same, and of preparing to talk to the controller.
fn outcome(path: &Path, text: &[u8]) -> Result<(), String> {
    std::fs::write(path, text).unwrap();
    let path = path.to_owned();
    let tried = catch_unwind(move || {
        let config = ClientConfig::load(&path).map_err(|error| error.to_string())?;
        let config = config.ok_or("there is no file")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let _inside = runtime.enter();
        config.controller().map_err(|error| error.to_string())?;
        Ok(())
    });
    tried.unwrap_or_else(|_| panic!("a panic because of {}", String::from_utf8_lossy(text)))
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("mine.yaml");
    (home, path)
}

#[test]
fn a_wrong_value_is_named_with_its_key_and_its_file() {
    let (_home, path) = place();
    assert_eq!(outcome(&path, valid().to_string().as_bytes()), Ok(()));
    let mut tried = 0;
    for (key, fine) in KEYS {
        for (kind, value) in wrong_values() {
            let mut config = valid();
            // Reading the system's authorities hundreds of times takes its time.
            config["tls"]["insecure"] = json!(!key.starts_with("tls"));
            *config.pointer_mut(&format!("/{key}")).unwrap() = value;
            let text = config.to_string();
            let came = outcome(&path, text.as_bytes());
            println!("{key} {kind}: {came:?}");
            tried += 1;
            let is_fine = fine.split(' ').any(|fine| fine == kind);
            match came {
                Ok(()) => assert!(is_fine, "{key} may be {kind}"),
                Err(why) => {
                    assert!(!is_fine, "{key} may not be {kind}: {why}");
                    let name = key.rsplit('/').next().unwrap();
                    assert!(why.contains(&path.display().to_string()), "{why}");
                    let known = why.contains(name) || why.contains("surprise");
                    assert!(known, "{key} {kind}: {why}");
                    assert!(!why.contains(TOKEN), "{why}");
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn keys_that_are_missing_or_misspelt_are_named() {
    let (_home, path) = place();
    for key in ["name", "metadata"] {
        let mut config = valid();
        match key {
            "metadata" => config.as_object_mut().unwrap().remove(key),
            _ => config["metadata"].as_object_mut().unwrap().remove(key),
        };
        let why = outcome(&path, config.to_string().as_bytes()).unwrap_err();
        assert!(why.contains("metadata") && why.contains("name"), "{why}");
    }
    for (part, strict) in [
        ("", true),
        ("/metadata", true),
        ("/drivers", true),
        ("/leases", true),
        ("/tls", false),
        ("/shell", false),
    ] {
        let mut config = valid();
        config.pointer_mut(part).unwrap()["tokne"] = json!("x");
        match outcome(&path, config.to_string().as_bytes()) {
            Ok(()) => assert!(!strict, "{part}"),
            Err(why) => assert!(strict && why.contains("`tokne`"), "{part}: {why}"),
        }
    }
}

#[test]
fn endpoints_and_authorities_that_cannot_be_are_named() {
    let (_home, path) = place();
    for (key, value) in [
        ("endpoint", "https://controller.lab"),
        ("endpoint", "controller.lab:0"),
        ("endpoint", "controller.lab:99999"),
        ("endpoint", "controller.lab:grpc"),
        ("endpoint", "a b:1"),
        ("endpoint", "[::1:1"),
        ("endpoint", ":"),
        ("tls/ca", "not base64!"),
        ("tls/ca", "aGVsbG8="),
        (
            "tls/ca",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
        ("token", "with a \u{7} bell"),
        ("metadata/name", "jürgen"),
        ("metadata/namespace", "a\nb"),
    ] {
        let mut config = valid();
        *config.pointer_mut(&format!("/{key}")).unwrap() = json!(value);
        let why = outcome(&path, config.to_string().as_bytes()).unwrap_err();
        println!("{why}");
        assert!(why.starts_with(&format!("`{}`: ", path.display())), "{why}");
        assert!(why.contains(&key.replace('/', ".")), "{why}");
    }
}

#[test]
fn files_that_are_damaged_are_named() {
    let (_home, path) = place();
    let text = serde_yaml::to_string(&valid()).unwrap();
    let named = |came: Result<(), String>, what: &dyn std::fmt::Debug| {
        if let Err(why) = came {
            assert!(why.contains(&path.display().to_string()), "{what:?}: {why}");
        }
    };
    for length in (0..text.len()).step_by(2) {
        named(read(&path, &text.as_bytes()[..length]), &length);
    }
    for at in (0..text.len()).step_by(5) {
        for byte in [b'\t', b':', b'"', b'{', b'&', b'*', 0, 0xff] {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = byte;
            named(read(&path, &damaged), &(at, byte));
        }
    }
    for strange in [
        "",
        "---\n",
        "null",
        "5",
        "[]",
        "- metadata: {name: me}",
        "metadata: {name: me}\nmetadata: {name: you}\n",
        "metadata: &a [*a, *a]\n",
        "a: &a [b, b]\nc: &c [*a, *a]\nd: &d [*c, *c]\nmetadata: *d\n",
        "metadata: {name: me}\n---\nmetadata: {name: you}\n",
    ] {
        let why = read(&path, strange.as_bytes());
        println!("{strange:?}: {why:?}");
        let why = why.unwrap_err();
        assert!(why.contains(&path.display().to_string()), "{why}");
    }
    let deep = format!("metadata: {}", "[".repeat(10_000));
    assert!(read(&path, deep.as_bytes()).is_err());
}
