#![allow(clippy::unwrap_used)]

use super::*;

fn read(text: &str) -> Result<Config, ConfigError> {
    Config::of(text, Some(Path::new("lab.yaml")), &|_| None)
}

fn mistakes(text: &str) -> Vec<(usize, String)> {
    match read(text) {
        Err(ConfigError::Mistakes { mistakes, .. }) => mistakes
            .into_iter()
            .map(|mistake| (mistake.line.unwrap_or(0), mistake.to_string()))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// As an operator of the reference writes it.
const REFERENCE: &str = r"
apiVersion: v1
kind: ConfigMap
metadata: {name: jumpstarter-controller}
data:
  config: |
    authentication:
      internal: {prefix: 'internal:', tokenLifetime: 43800h}
      k8s: {enabled: true}
      jwt:
      - issuer: {url: https://dex.example.com, audiences: [jumpstarter-cli]}
        claimMappings: {username: {claim: name, prefix: 'dex:'}}
    provisioning: {enabled: true}
    grpc:
      keepalive: {minTime: 1s, permitWithoutStream: true, timeout: 180s, intervalTime: 10s}
    leasePolicy: {maxTags: 5}
    hiddenLabels: {keys: [secret]}
    deprecatedLabels: {keys: {old: use new, older: }}
    telemetry: {enabled: true, logging: {filter: {min_severity: warning}}}
  router: |
    router-1: {endpoint: 'r1.example.com:443', labels: {router-index: '1'}}
    default: {endpoint: 'r0.example.com:443', labels: {}}
";

#[test]
fn the_documents_of_the_reference_are_understood() {
    let config = read(REFERENCE).unwrap();
    assert_eq!(config.token_lifetime, Duration::from_secs(43800 * 3600));
    assert_eq!(config.jwt.len(), 1);
    assert!(config.provisioning && config.telemetry.enabled);
    assert_eq!(config.keepalive.interval, Duration::from_secs(10));
    assert_eq!(config.most_tags, 5);
    assert!(config.labels.hidden.contains("secret"));
    assert_eq!(config.labels.deprecated["older"], "");
    assert_eq!(config.telemetry.severity, "warning");
    let routers = ["r0.example.com:443", "r1.example.com:443"];
    assert_eq!(config.router_endpoints(), routers);
}

#[test]
fn our_file_says_more() {
    let config = read(
        "namespace: lab\ndata_dir: /data\nlisten: {grpc: 127.0.0.1:1, login: off, metrics: ':9'}\n\
         public_endpoints: {grpc: 'lab.example.com:443'}\nleasePolicy: {maxTags: 3}\n\
         router: {default: {endpoint: 'lab.example.com:444'}}\n\
         authentication: {internal: {tokenLifetime: 1h}}\n",
    )
    .unwrap();
    assert_eq!((config.namespace.as_str(), config.most_tags), ("lab", 3));
    assert_eq!(config.listen.grpc.as_deref(), Some("127.0.0.1:1"));
    assert_eq!(config.listen.login, None);
    assert_eq!(config.listen.metrics.as_deref(), Some(":9"));
    assert_eq!(config.token_lifetime, Duration::from_secs(3600));
    assert!(config.names().contains(&"lab.example.com:444".to_owned()));
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let told = mistakes(
        "namespac: x\nlisten:\n  grpc: nowhere\n  router: ':99999'\npublic_endpoints:\n  grpc: https://a\n\
         config: |\n  leasePolicy:\n    maxTags: many\n  authentication:\n    internal:\n      tokenLifetime: 1d\n\
         telemetry: {logging: {filter: {min_severity: loud}}}\nrouter:\n  default: {}\n",
    );
    for (line, words) in [
        (1, "namespac: unknown key, did you mean `namespace`?"),
        (3, "listen.grpc: `nowhere` is no address"),
        (4, "listen.router: `:99999` is no address"),
        (6, "public_endpoints.grpc: `https://a` is no endpoint"),
        (
            9,
            "config.leasePolicy.maxTags: expected a whole number, found `many`",
        ),
        (
            12,
            "config.authentication.internal.tokenLifetime: expected a duration",
        ),
        (
            13,
            "telemetry.logging.filter.min_severity: `loud` is none of",
        ),
        (15, "router.default: `endpoint` is missing"),
    ] {
        let found = told
            .iter()
            .any(|(at, text)| *at == line && text.contains(words));
        assert!(found, "{line} {words}\n{told:#?}");
    }
    assert_eq!(told.len(), 8, "{told:#?}");
}

#[test]
fn what_can_be_read_may_still_make_no_sense() {
    let told = mistakes(
        "authentication:\n  jwt:\n  - issuer:\n      url: http://dex.example.com\n      audiences: [a]\n    \
         claimMappings:\n      username: {claim: name}\nlisten:\n  grpc: ':8082'\n  router: ':8082'\n\
         retention:\n  leases: 30d\n  max_audit: -1\n  leasse_names: 1h\nlog:\n  level: loud\n",
    );
    for (line, words) in [
        (4, "authentication.jwt[0].issuer.url: "),
        (
            7,
            "authentication.jwt[0].claimMappings.username.prefix: is missing",
        ),
        (10, "listen.router: the same address as `listen.grpc`"),
        (12, "retention.leases: expected a duration"),
        (13, "retention.max_audit: "),
        (
            14,
            "retention.leasse_names: unknown key, did you mean `lease_names`?",
        ),
        (
            16,
            "log.level: `loud` is none of debug, info, warning, error",
        ),
    ] {
        let found = told
            .iter()
            .any(|(at, text)| *at == line && text.contains(words));
        assert!(found, "{line} {words}\n{told:#?}");
    }
    assert_eq!(told.len(), 7, "{told:#?}");
}

#[test]
fn peers_are_not_asked_without_a_pause() {
    for interval in ["0s", "999ms"] {
        let text = format!("grpc: {{keepalive: {{intervalTime: {interval}}}}}\n");
        let told = read(&text).unwrap_err().to_string();
        assert!(
            told.contains("intervalTime") && told.contains("at least 1s"),
            "{told}"
        );
    }
}

#[test]
fn the_past_is_kept_as_long_as_is_said() {
    let config =
        read("retention: {leases: 24h, max_leases: 10, audit: 48h}\nlog: {level: debug}\n")
            .unwrap();
    assert_eq!(config.retention.leases, Duration::from_secs(86400));
    assert_eq!(config.retention.most_leases, 10);
    assert_eq!(config.retention.names, Retention::default().names);
    assert_eq!(config.log_level, Some(Level::Debug));
}

#[test]
fn limits_are_numbers_from_one_on() {
    let config = read("limits: {connections_per_address: 7, leases_per_client: 8}\n").unwrap();
    assert_eq!((config.connections, config.most_leases), (7, 8));
    for key in ["connections_per_address", "leases_per_client"] {
        for value in ["0", "-1", "many"] {
            let refused = read(&format!("limits: {{{key}: {value}}}\n")).unwrap_err();
            assert!(refused.to_string().contains(key), "{refused}");
        }
    }
    let config = Config::default();
    assert_eq!((config.connections, config.most_leases), (2048, 1000));
}

#[test]
fn files_that_are_named_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.yaml");
    std::fs::write(
        &path,
        "namespac: x\ntls:\n  certificate: /no/cert.pem\n  key: /no/key.pem\n",
    )
    .unwrap();
    let told = Config::examine(Some(&path)).unwrap_err().to_string();
    for words in [
        "2 mistakes",
        "lab.yaml:1: namespac",
        "lab.yaml:3: tls: ",
        "/no/cert.pem",
    ] {
        assert!(told.contains(words), "{words}\n{told}");
    }
}

#[test]
fn the_environment_wins() {
    let variable = |name: &str| {
        let value = match name {
            "NAMESPACE" => "lab",
            "GRPC_ENDPOINT" => "lab.example.com:443",
            "LOGIN_SERVICE_PORT" => "9000",
            "ROUTER_KEY" => "secret",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let config = Config::of("namespace: other", None, &variable).unwrap();
    assert_eq!(config.namespace, "lab");
    assert_eq!(config.public.grpc, "lab.example.com:443");
    assert_eq!(config.listen.login.as_deref(), Some(":9000"));
    assert!(config.router_key.is_some());
    let variable = |name: &str| (name == "EXTERNAL_CERT_PEM").then(|| "/x".to_owned());
    let error = Config::of("", None, &variable).unwrap_err().to_string();
    assert!(error.contains("EXTERNAL_KEY_PEM"), "{error}");
}

#[test]
fn the_example_in_the_repository_is_good() {
    let config = read(include_str!("../../../configs/controller.yaml")).unwrap();
    assert_eq!(config.listen.metrics, None);
    assert_eq!(config.tunnel_grace, Duration::from_secs(120));
    let told = mistakes("kind: ExporterConfig");
    assert!(
        told[0].1.contains("should be `ControllerConfig`"),
        "{told:?}"
    );
}
