#![allow(clippy::unwrap_used)]

mod entries;

use std::path::Path;

use super::*;

/// A file of which `export:` is all that matters.
fn with_export(export: &str) -> String {
    format!("metadata: {{namespace: lab, name: bench}}\n{export}")
}

fn load(text: &str) -> Result<ExporterConfig, ConfigErrors> {
    parse(&Source::new(Path::new("dir/f.yaml"), text), &Env::default())
}

fn good(text: &str) -> ExporterConfig {
    load(text).unwrap_or_else(|error| panic!("{error}"))
}

/// `line:column path: message` of every mistake.
fn bad(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => Vec::new(),
        Err(ConfigErrors::Mistakes(mistakes)) => lines(&mistakes.list),
        Err(other) => vec![other.to_string()],
    }
}

fn lines(list: &[Mistake]) -> Vec<String> {
    let line = |m: &Mistake| {
        format!(
            "{}:{} {}: {}",
            m.place.line, m.place.column, m.path, m.message
        )
    };
    list.iter().map(line).collect()
}

#[test]
fn the_smallest_file_has_the_defaults() {
    let config = good("metadata: {namespace: null, name: bench}\n");
    assert_eq!(
        config.metadata,
        Metadata {
            namespace: None,
            name: "bench".into()
        }
    );
    assert_eq!(config.tls, Tls::default());
    assert_eq!(config.failure_detection, FailureDetection::default());
    assert!(config.export.is_empty() && !config.exit_on_lease_end && config.warnings.is_empty());
}

#[test]
fn metadata_is_filled_in_from_the_environment_but_not_over_the_file() {
    let env = Env {
        namespace: Some("ns".into()),
        name: Some("env".into()),
    };
    let read = |text| parse(&Source::new(Path::new("f"), text), &env);
    assert_eq!(
        read("metadata: {}\n").unwrap().metadata,
        Metadata {
            namespace: Some("ns".into()),
            name: "env".into()
        }
    );
    assert_eq!(
        read("metadata: {namespace: null, name: file}\n")
            .unwrap()
            .metadata,
        Metadata {
            namespace: None,
            name: "file".into()
        }
    );
    assert!(read("export: {}\n").is_err());
    assert_eq!(
        bad("metadata: {}\n"),
        [
            "1:1 metadata: `namespace` is missing here and in $JMP_NAMESPACE",
            "1:1 metadata: `name` is missing here and in $JMP_NAME",
        ]
    );
}

#[test]
fn every_mistake_is_found_at_once() {
    let text = "\
apiVersion: v1
kind: ClientConfig
metadata:
  namespace: lab
  nmae: bench
tls: null
token: 12345
motd: 5
grpcOptions: {a: 1.5, b: [1]}
exitOnLeaseEnd: maybe
failureDetection: {maxRapidFailures: many}
hooks:
  beforeLease: echo hi
  afterLease: {timeout: 1.5, onFailure: endlease}
export:
  power: null
  serial:
    type: 5
    description: 7
    methods_description: {on: [x]}
    config: [1]
";
    assert_eq!(
        bad(text),
        [
            "1:13 apiVersion: expected `jumpstarter.dev/v1alpha1`, found the text \"v1\"",
            "2:7 kind: this is a client configuration, not an exporter's",
            "3:1 metadata: `name` is missing here and in $JMP_NAME",
            "5:3 metadata.nmae: unknown key, did you mean `name`?",
            "6:1 tls: expected a mapping, found nothing (null); leave the key out or write `{}`",
            "7:8 token: expected a text, found something else; write it in quotes",
            "8:7 motd: expected a text, found the integer 5; write it in quotes",
            "9:18 grpcOptions.a: expected a text or an integer, found the number 1.5; write it in quotes",
            "9:23 grpcOptions.b: expected a text or an integer, found a list",
            "10:17 exitOnLeaseEnd: expected true or false, found the text \"maybe\"",
            "11:38 failureDetection.maxRapidFailures: expected an integer, found the text \"many\"",
            "13:16 hooks.beforeLease: expected a mapping, found a text; write the script below a `script:` key",
            "14:3 hooks.afterLease: `script` is missing",
            "14:25 hooks.afterLease.timeout: expected an integer, found the number 1.5",
            "14:41 hooks.afterLease.onFailure: \"endlease\" is not one of `warn`, `endLease`, `exit`, did you mean `endLease`?",
            "16:3 export.power: expected a mapping with `type` (a driver), `ref` (a reference) or `children` (a group), found nothing (null)",
            "18:11 export.serial.type: expected a text, found the integer 5; write it in quotes",
            "19:18 export.serial.description: expected a text, found the integer 7; write it in quotes",
            "20:27 export.serial.methods_description.on: expected a text, found a list",
            "21:5 export.serial.config: expected a mapping, found a list",
        ]
    );
}

#[test]
fn mistakes_read_like_those_of_a_compiler_and_hide_the_token() {
    let text = "metadata: {namespace: lab, name: bench}\ntoken: [secret-abc]\n";
    let error = load(text).unwrap_err().to_string();
    assert_eq!(
        error,
        "1 mistake in dir/f.yaml\n\n\
         dir/f.yaml:2:1: token: expected a text, found a list\n  |\n2 | token: [redacted]\n  | ^^^^^"
    );
}

#[test]
fn scalars_are_as_lenient_as_the_reference() {
    for (text, value) in [
        ("true", true),
        ("1", true),
        ("1.0", true),
        ("'YES'", true),
        ("t", true),
        ("y", true),
        ("on", true),
        ("false", false),
        ("0", false),
        ("'off'", false),
        ("f", false),
        ("N", false),
    ] {
        let config = good(&with_export(&format!("exitOnLeaseEnd: {text}\n")));
        assert_eq!(config.exit_on_lease_end, value, "{text}");
    }
    for text in ["2", "1.5", "' true'", "null", "[]", "''"] {
        assert_eq!(
            bad(&with_export(&format!("exitOnLeaseEnd: {text}\n"))).len(),
            1,
            "{text}"
        );
    }
    for (text, value) in [
        ("5", 5),
        ("-5", -5),
        ("5.0", 5),
        ("'5'", 5),
        ("' 5 '", 5),
        ("'+5'", 5),
        ("'5.0'", 5),
        ("'1_000'", 1000),
        ("true", 1),
        ("1:20", 80),
    ] {
        let text = with_export(&format!(
            "failureDetection: {{rapidFailureWindow: {text}}}\n"
        ));
        assert_eq!(
            good(&text).failure_detection.rapid_failure_window,
            value,
            "{text}"
        );
    }
    for text in [
        "1.5", "'5.5'", "1e3", "null", "''", ".inf", ".nan", "'1__0'",
    ] {
        let text = with_export(&format!(
            "failureDetection: {{rapidFailureWindow: {text}}}\n"
        ));
        assert_eq!(bad(&text).len(), 1, "{text}");
    }
    for text in ["1e3", "08", "y", "2026-01-01", "'5'"] {
        let config = good(&with_export(&format!("motd: {text}\n")));
        assert_eq!(
            config.motd.as_deref(),
            Some(text.trim_matches('\'')),
            "{text}"
        );
    }
    let options = good(&with_export("grpcOptions: {a: x, b: 2, c: 2.0, d: true}\n")).grpc_options;
    let expected = [
        ("a", GrpcOption::Text("x".into())),
        ("b", GrpcOption::Int(2)),
        ("c", GrpcOption::Int(2)),
        ("d", GrpcOption::Int(1)),
    ];
    assert!(
        options
            .iter()
            .map(|(k, v)| (k.as_str(), v.clone()))
            .eq(expected)
    );
    assert!(
        good(&with_export("grpcOptions: null\n"))
            .grpc_options
            .is_empty()
    );
}

#[test]
fn what_the_reference_ignores_is_a_warning() {
    let text = with_export(
        "exit_on_lease_end: true\nalias: x\npath: y\ngrpcConfig: {}\nlabels: {a: b}\ntls: {insecur: true}\n\
         failureDetection: {max_rapid_failures: 7}\n\
         hooks: {before_lease: {script: x, exec_: bash, on_failure: exit}, onLease: {}}\n",
    );
    let config = good(&text);
    assert!(!config.exit_on_lease_end);
    assert_eq!(config.failure_detection.max_rapid_failures, 7);
    let hook = config.hooks.before_lease.unwrap();
    assert_eq!(
        (hook.exec.as_deref(), hook.on_failure),
        (Some("bash"), OnFailure::Exit)
    );
    assert_eq!(
        lines(&config.warnings),
        [
            "2:1 exit_on_lease_end: unknown key, ignored, did you mean `exitOnLeaseEnd`?",
            "5:1 grpcConfig: ignored, the key is `grpcOptions`",
            "6:1 labels: unknown key, ignored",
            "7:7 tls.insecur: unknown key, ignored, did you mean `insecure`?",
            "9:67 hooks.onLease: unknown key, ignored; hooks are `beforeLease` and `afterLease`",
        ]
    );
}

#[test]
fn a_hook_without_time_is_a_warning() {
    for seconds in ["0", "-1"] {
        let hooks = format!("hooks: {{afterLease: {{script: x, timeout: {seconds}}}}}\n");
        assert_eq!(
            lines(&good(&with_export(&hooks)).warnings),
            [
                "2:42 hooks.afterLease.timeout: no hook is quick enough for this; give it a second or more"
            ]
        );
    }
}

#[test]
fn plugins_are_relative_to_the_file() {
    let paths = |text: &str| good(&with_export(text)).plugins;
    assert_eq!(paths("plugins: ../lib\n"), [Path::new("dir/../lib")]);
    assert_eq!(
        paths("plugins: [/a, b.so]\n"),
        [Path::new("/a"), Path::new("dir/b.so")]
    );
    assert_eq!(bad(&with_export("plugins: {a: b}\n")).len(), 1);
    assert_eq!(
        bad(&with_export("plugins: [5]\n")),
        ["2:11 plugins[0]: expected a text, found the integer 5; write it in quotes"]
    );
}

#[test]
fn aliases_that_leave_the_folder_are_rejected() {
    for alias in ["/tmp/evil", "../evil", "a/b", "a\\b", ".", "..", ""] {
        assert_eq!(
            check_alias(alias).unwrap_err().to_string(),
            format!(
                "Invalid exporter alias '{alias}': must not contain path separators or be '.' / '..'"
            )
        );
    }
    for alias in ["bench-1", "a.b", "..x", "ünï"] {
        assert!(check_alias(alias).is_ok(), "{alias}");
    }
}
