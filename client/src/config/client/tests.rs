#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;

use super::*;

fn parse(yaml: &str, variables: &[(&str, &str)]) -> Result<ClientConfig, ConfigError> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    let path = Path::new("/home/me/.config/jumpstarter/clients/lab.x.yaml");
    let file = serde_yaml::from_str(yaml).map_err(|error| ConfigError::Invalid {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    ClientConfig::from_file(file, path, &|name| {
        variables.get(name).map(|value| (*value).to_owned())
    })
}

fn refused(yaml: &str) -> String {
    parse(yaml, &[]).unwrap_err().to_string()
}

const ME: &str = "metadata: {namespace: lab, name: me}\n";

#[test]
fn what_is_saved_has_a_fixed_form_and_can_be_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("clients/lab.yaml");
    let mut config = ClientConfig::new("other", Some("default".to_owned()), "me".to_owned());
    config.endpoint = Some("grpc.lab:8082".to_owned());
    config.token = Some(Secret::new("abc".to_owned()));
    config.drivers = Drivers::from_text("a.*,b", false);
    config.save_to(&path).unwrap();
    let expected = "\
apiVersion: jumpstarter.dev/v1alpha1
kind: ClientConfig
metadata:
  namespace: default
  name: me
endpoint: grpc.lab:8082
tls:
  ca: ''
  insecure: false
token: abc
grpcOptions: {}
drivers:
  allow:
  - a.*
  - b
  unsafe: false
shell:
  use_profiles: false
";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(config.alias, "lab");

    config.refresh_token = Some(Secret::new("r".to_owned()));
    config.leases.acquisition_timeout = 60;
    config.save_to(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("token: abc\nrefresh_token: r\ngrpcOptions"),
        "{text}"
    );
    let leases =
        "leases:\n  acquisition_timeout: 60\n  dial_timeout: 60.0\n  retry_timeout: 300.0\n";
    assert!(text.ends_with(leases), "{text}");
    let again = ClientConfig::load(&path).unwrap().unwrap();
    assert_eq!(again.describe(), config.describe());
}

#[test]
fn variables_fill_gaps_and_override_nothing() {
    let variables = [
        ("JMP_NAME", "you"),
        ("JMP_TOKEN", "t"),
        ("JMP_ENDPOINT", "e"),
        ("JMP_DRIVERS_ALLOW", "a,b"),
        ("RETRY_TIMEOUT", "7.5"),
    ];
    let config = parse("metadata: {namespace: lab}\nendpoint: mine\n", &variables).unwrap();
    assert_eq!(
        (config.name.as_str(), config.endpoint.as_deref()),
        ("you", Some("mine"))
    );
    assert_eq!(config.token.unwrap().expose(), "t");
    assert_eq!(config.drivers, Drivers::from_text("a,b", false));
    assert_eq!(config.leases.retry_timeout, 7.5);
    assert_eq!(config.alias, "lab");

    let config = parse(&format!("{ME}drivers: {{allow: []}}\n"), &variables).unwrap();
    assert_eq!((config.name.as_str(), config.drivers.allow), ("me", vec![]));
}

#[test]
fn the_environment_alone_is_enough_with_both_names() {
    let named = |variables: &[(&str, &str)]| {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        environment::client(&|name| variables.get(name).map(|value| (*value).to_owned())).unwrap()
    };
    assert!(named(&[("JMP_NAME", "me")]).is_none());
    assert!(named(&[("JMP_NAMESPACE", "lab")]).is_none());
    let config = named(&[
        ("JMP_NAME", "me"),
        ("JMP_NAMESPACE", "lab"),
        ("JMP_DRIVERS_ALLOW", "UNSAFE"),
    ]);
    let config = config.unwrap();
    assert_eq!((config.alias.as_str(), config.path), ("default", None));
    assert!(config.drivers.any);
    let empty = named(&[
        ("JMP_NAME", ""),
        ("JMP_NAMESPACE", "lab"),
        ("JMP_DRIVERS_ALLOW", ""),
    ]);
    assert_eq!(empty.unwrap().drivers.allow, [""]);
}

#[test]
fn words_of_both_yaml_versions_are_understood() {
    let config = parse(
        &format!(
            "{ME}tls: {{insecure: yes, more: 1}}\nshell: {{use_profiles: 'on', x: 2}}\n\
             drivers: {{allow: 'a,b', unsafe: off}}\ngrpcOptions: {{a: 1, b: x}}\n\
             leases: {{acquisition_timeout: '30', retry_timeout: 0}}\ntoken: null\n"
        ),
        &[],
    );
    let config = config.unwrap();
    assert!(config.tls.insecure && config.use_profiles && !config.drivers.any);
    assert_eq!(config.drivers.allow, ["a", "b"]);
    assert_eq!(config.leases.acquisition_timeout, 30);
    assert_eq!(config.leases.retry_timeout, 0.0);
    assert!(config.token.is_none());
    parse(&format!("{ME}grpcOptions: null"), &[]).unwrap();
}

#[test]
fn mistakes_name_the_key() {
    for (yaml, expected) in [
        ("kind: Other\n", "kind: `Other` should be `ClientConfig`"),
        (
            "apiVersion: v1\n",
            "apiVersion: `v1` should be `jumpstarter.dev/v1alpha1`",
        ),
        ("tokn: x\n", "unknown field `tokn`"),
        ("drivers: {allowed: []}\n", "unknown field `allowed`"),
        ("leases: {dial: 1}\n", "unknown field `dial`"),
        (
            "leases: {dial_timeout: 4}\n",
            "`dial_timeout` must be at least 5 seconds",
        ),
        (
            "leases: {acquisition_timeout: 5.5}\n",
            "`acquisition_timeout` must be a whole number",
        ),
        (
            "tls: {insecure: maybe}\n",
            "`maybe` is neither true nor false",
        ),
        (
            "grpcOptions: {a: 1.5}\n",
            "`a` is neither a text nor a whole number",
        ),
    ] {
        let error = refused(&format!("{ME}{yaml}"));
        assert!(error.contains(expected), "{error}");
    }
    let error = refused("metadata: {namespace: lab, nam: me}");
    assert!(error.contains("unknown field `nam`"), "{error}");
    assert!(refused("metadata: {namespace: lab}").contains("missing field `name`"));
}

#[test]
fn secrets_are_not_printed() {
    let config = parse(
        &format!("{ME}token: hunter2\nrefresh_token: hunter3\n"),
        &[],
    )
    .unwrap();
    assert!(!format!("{config:?}").contains("hunter"));
}

#[test]
fn lists_and_texts_mean_the_same() {
    let all = Drivers::from_text("a,UNSAFE", false);
    assert_eq!(all.allow(), Allow::everything());
    assert!(Drivers::from_text("a.*,b", false).allow().permits("a.x"));
    assert!(!Drivers::default().allow().permits("a"));
}

#[test]
fn tokens_are_saved_beside_what_others_have_changed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("lab.yaml");
    let text = "# mine\nmetadata: {namespace: lab, name: me}\ntoken: old\n";
    fs::write(&path, text).unwrap();
    let mut config = ClientConfig::load(&path).unwrap().unwrap();
    // Meanwhile, in an editor.
    fs::write(&path, format!("{text}endpoint: there:1 # moved\n")).unwrap();
    config.token = Some(Secret::new("new".to_owned()));
    config.refresh_token = Some(Secret::new("r".to_owned()));
    config.save_tokens().unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# mine\nmetadata: {namespace: lab, name: me}\ntoken: new\nrefresh_token: r\n\
         endpoint: there:1 # moved\n"
    );
    // Nothing that lines could be changed in.
    fs::write(
        &path,
        "{metadata: {name: me}, endpoint: \"there:2\", token: old}",
    )
    .unwrap();
    config.save_tokens().unwrap();
    let found = ClientConfig::load(&path).unwrap().unwrap();
    assert_eq!(found.endpoint.as_deref(), Some("there:2"));
    assert_eq!(found.token.unwrap().expose(), "new");
    fs::remove_file(&path).unwrap();
    config.save_tokens().unwrap();
    let found = ClientConfig::load(&path).unwrap().unwrap();
    assert_eq!(found.refresh_token.unwrap().expose(), "r");
}
