//! Configurations as files: where they are found, how they are written, what is said about them.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jumpstarter_host::config::{
    Entry, Env, ExporterConfig, Locations, Source, load, load_alias, parse, to_yaml,
};

fn read(text: &str) -> ExporterConfig {
    let source = Source::new(Path::new("f.yaml"), text);
    parse(&source, &Env::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn locations(folder: &Path) -> Locations {
    Locations {
        user: folder.join("user/exporters"),
        system: folder.join("system"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn a_full_configuration_round_trips() {
    let text = "\
metadata: {namespace: lab, name: bench}
endpoint: grpc.example.com:443
tls: {ca: QUJD, insecure: true}
token: abc.def.ghi
grpcOptions: {grpc.a: 5, grpc.b: \"5\"}
description: 'on'
motd: |
  two
    lines
export:
  power: {type: x.Y, description: d, methods_description: {\"on\": o}, config: {z: 1, a: [1.5, null, {b: \"\"}], log_level: DEBUG}}
  grp: {children: {inner: {type: x.Y, children: {r: {ref: power}}}}}
hooks:
  beforeLease: {script: \"a\\nb\\n\", exec: bash, timeout: -1, onFailure: endLease}
failureDetection: {maxRapidFailures: 3}
exitOnLeaseEnd: true
plugins: /opt/plugins
";
    let written = to_yaml(&read(text));
    let again = to_yaml(&read(&written));
    assert_eq!(written, again);
    assert_eq!(
        written,
        "\
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  namespace: lab
  name: bench
endpoint: \"grpc.example.com:443\"
tls:
  ca: QUJD
  insecure: true
token: abc.def.ghi
grpcOptions:
  grpc.a: 5
  grpc.b: \"5\"
description: \"on\"
motd: |
  two
    lines
export:
  power:
    type: x.Y
    description: d
    methods_description:
      \"on\": o
    config:
      z: 1
      a:
        - 1.5
        - null
        - b: \"\"
      log_level: DEBUG
    children: {}
  grp:
    children:
      inner:
        type: x.Y
        description: null
        methods_description: {}
        config: {}
        children:
          r:
            ref: power
hooks:
  beforeLease:
    script: |
      a
      b
    exec: bash
    timeout: -1
    onFailure: endLease
  afterLease: null
failureDetection:
  maxRapidFailures: 3
  rapidFailureWindow: 60
exitOnLeaseEnd: true
plugins:
  - /opt/plugins
"
    );
}

#[test]
fn defaults_are_written_too() {
    let written = to_yaml(&read("metadata: {namespace: null, name: bench}\n"));
    assert_eq!(
        written,
        "\
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  namespace: null
  name: bench
endpoint: null
tls:
  ca: \"\"
  insecure: false
token: null
grpcOptions: {}
description: null
motd: null
export: {}
hooks:
  beforeLease: null
  afterLease: null
failureDetection:
  maxRapidFailures: 5
  rapidFailureWindow: 60
exitOnLeaseEnd: false
"
    );
}

#[test]
fn a_missing_file_is_told_in_the_words_of_the_reference() {
    let error = load(Path::new("/nonexistent/x.yaml"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "[Errno 2] No such file or directory: '/nonexistent/x.yaml'"
    );
    let error = load(Path::new("/")).unwrap_err().to_string();
    assert_eq!(error, "[Errno 21] Is a directory: '/'");
}

#[test]
fn a_file_that_is_not_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.yaml");
    fs::write(&file, b"a: 1\nb: \xff\n").unwrap();
    let error = load(&file).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "'{}' is not UTF-8: the first bad byte is in line 2",
            file.display()
        )
    );
}

#[test]
fn an_alias_is_the_users_file_or_else_the_machines() {
    let folder = tempfile::tempdir().unwrap();
    let at = locations(folder.path());
    assert_eq!(at.find("bench").unwrap(), at.user.join("bench.yaml"));

    fs::create_dir_all(&at.system).unwrap();
    fs::write(at.system.join("bench.yaml"), "").unwrap();
    assert_eq!(at.find("bench").unwrap(), at.system.join("bench.yaml"));

    let config = read("metadata: {namespace: a, name: b}\ntoken: t\n");
    let saved = at.save("bench", &config).unwrap();
    assert_eq!(saved, at.user.join("bench.yaml"));
    assert_eq!(at.find("bench").unwrap(), saved);
    assert_eq!(
        fs::metadata(&saved).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(load(&saved).unwrap().token.unwrap().expose(), "t");
    // Nothing but the file itself is left.
    assert_eq!(fs::read_dir(&at.user).unwrap().count(), 1);
}

#[test]
fn listing_merges_both_folders() {
    let folder = tempfile::tempdir().unwrap();
    let at = locations(folder.path());
    assert_eq!(at.list().unwrap(), []);
    for path in [
        "user/exporters/b.yaml",
        "user/exporters/a.yaml",
        "user/exporters/x.yml",
        "system/b.yaml",
        "system/c.yaml",
    ] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    assert_eq!(
        at.list().unwrap(),
        [
            ("a".to_owned(), at.user.join("a.yaml")),
            ("b".to_owned(), at.user.join("b.yaml")),
            ("c".to_owned(), at.system.join("c.yaml")),
        ]
    );
}

#[test]
fn only_the_users_file_can_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let at = locations(folder.path());
    at.delete("none").unwrap();
    let config = read("metadata: {namespace: a, name: b}\n");
    at.save("both", &config).unwrap();
    fs::create_dir_all(&at.system).unwrap();
    let system = at.system.join("both.yaml");
    fs::write(&system, "").unwrap();

    at.delete("both").unwrap();
    assert!(system.exists());
    assert_eq!(
        at.delete("both").unwrap_err().to_string(),
        format!(
            "Exporter config 'both' exists only in the system location '{}' and cannot be deleted.",
            system.display()
        )
    );
}

#[test]
fn aliases_cannot_leave_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = locations(folder.path());
    let config = read("metadata: {namespace: a, name: b}\n");
    for alias in ["/tmp/evil", "../evil", "a/b", "a\\b", ".", "..", ""] {
        let text = format!(
            "Invalid exporter alias '{alias}': must not contain path separators or be '.' / '..'"
        );
        assert_eq!(at.find(alias).unwrap_err().to_string(), text);
        assert_eq!(at.save(alias, &config).unwrap_err().to_string(), text);
        assert_eq!(at.delete(alias).unwrap_err().to_string(), text);
        assert_eq!(load_alias(alias).unwrap_err().to_string(), text);
    }
}

#[test]
fn every_exporter_configuration_in_the_repository_is_good() {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("configs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    let plugins = fs::read_dir(root().join("plugins")).unwrap();
    files.extend(
        plugins
            .map(|entry| entry.unwrap().path().join("example.yaml"))
            .filter(|path| path.exists()),
    );
    let mut exporters = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let kind = text.lines().find_map(|line| line.strip_prefix("kind: "));
        match kind {
            Some("ExporterConfig") => {
                let config = load(&file).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(config.warnings, [], "{}", file.display());
                exporters += 1;
            }
            Some("ClientConfig" | "UserConfig") => {
                serde_yaml::from_str::<serde_yaml::Value>(&text).unwrap();
            }
            // The controller's own tests read it.
            Some("ControllerConfig") => {}
            other => panic!("{}: kind {other:?}", file.display()),
        }
    }
    assert!(exporters >= 2, "found {exporters}");
}

#[test]
fn the_full_example_has_every_key_there_is() {
    let config = load(&root().join("configs/exporter-full.yaml")).unwrap();
    let text = fs::read_to_string(root().join("configs/exporter-full.yaml")).unwrap();
    for line in to_yaml(&config)
        .lines()
        .filter(|line| !line.starts_with(' '))
    {
        let key = line.split(':').next().unwrap();
        assert!(
            text.lines().any(|l| l.starts_with(&format!("{key}:"))),
            "{key}"
        );
    }
    let Entry::Driver(power) = &config.export[0].1 else {
        panic!("a driver");
    };
    assert!(power.base.uuid.is_some() && !power.base.labels.is_empty());
}
