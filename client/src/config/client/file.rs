//! A client's settings as they stand in a file.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{ClientConfig, Leases, TlsSettings, environment, lenient};
use crate::Secret;
use crate::config::{API_VERSION, ConfigError, expect, stem};

pub(super) const KIND: &str = "ClientConfig";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "keys and values")]
pub(super) struct File {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<Metadata>,
    endpoint: Option<String>,
    tls: Option<TlsPart>,
    token: Option<Secret<String>>,
    refresh_token: Option<Secret<String>>,
    #[serde(rename = "grpcOptions")]
    grpc_options: Option<Map<String, Value>>,
    drivers: Option<DriversPart>,
    shell: Option<ShellPart>,
    leases: Option<LeasesPart>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "keys and values")]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "keys and values")]
struct TlsPart {
    ca: Option<String>,
    insecure: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "keys and values")]
struct DriversPart {
    allow: Option<Value>,
    #[serde(rename = "unsafe")]
    any: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(expecting = "keys and values")]
struct ShellPart {
    use_profiles: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "keys and values")]
struct LeasesPart {
    acquisition_timeout: Option<Value>,
    dial_timeout: Option<Value>,
    retry_timeout: Option<Value>,
}

impl ClientConfig {
    /// Checks what a file says; `variable` fills the gaps.
    pub(super) fn from_file(
        file: File,
        path: &Path,
        variable: environment::Lookup<'_>,
    ) -> Result<Self, ConfigError> {
        if let Some(api_version) = &file.api_version {
            expect(path, "apiVersion", api_version, API_VERSION)?;
        }
        if let Some(kind) = &file.kind {
            expect(path, "kind", kind, KIND)?;
        }
        let invalid = |why: String| ConfigError::Invalid {
            path: path.to_owned(),
            why,
        };
        let metadata = file.metadata.unwrap_or_default();
        let name = metadata.name.or_else(|| variable("JMP_NAME"));
        let name = name.ok_or_else(|| {
            invalid("metadata: missing field `name`; JMP_NAME is not set either".to_owned())
        })?;
        let drivers = file.drivers.unwrap_or_default();
        let allow = lenient::list("drivers.allow", drivers.allow).map_err(invalid)?;
        let any = lenient::flag("drivers.unsafe", drivers.any).map_err(invalid)?;
        let grpc_options = file.grpc_options.unwrap_or_default();
        lenient::arguments("grpcOptions", &grpc_options).map_err(invalid)?;
        let shell = file.shell.unwrap_or_default();
        let use_profiles = lenient::flag("shell.use_profiles", shell.use_profiles);
        let (tls, leases) = (
            file.tls.unwrap_or_default(),
            file.leases.unwrap_or_default(),
        );
        let insecure = lenient::flag("tls.insecure", tls.insecure).map_err(invalid)?;
        let secret = |name| variable(name).map(Secret::new);
        Ok(Self {
            alias: stem(path),
            path: Some(path.to_owned()),
            namespace: metadata.namespace.or_else(|| variable("JMP_NAMESPACE")),
            name,
            endpoint: file.endpoint.or_else(|| variable("JMP_ENDPOINT")),
            tls: TlsSettings {
                ca: tls.ca.unwrap_or_default(),
                insecure: insecure.unwrap_or_default(),
            },
            token: file.token.or_else(|| secret("JMP_TOKEN")),
            refresh_token: file.refresh_token.or_else(|| secret("JMP_REFRESH_TOKEN")),
            grpc_options,
            drivers: environment::drivers(allow, any, variable).map_err(invalid)?,
            use_profiles: use_profiles.map_err(invalid)?.unwrap_or_default(),
            leases: leases.check(variable).map_err(invalid)?,
        })
    }
}

// === impl LeasesPart ===

impl LeasesPart {
    fn check(self, variable: environment::Lookup<'_>) -> Result<Leases, String> {
        let said = [
            lenient::number("leases.acquisition_timeout", self.acquisition_timeout)?,
            lenient::number("leases.dial_timeout", self.dial_timeout)?,
            lenient::number("leases.retry_timeout", self.retry_timeout)?,
        ];
        environment::leases(said, variable)
    }
}

/// The content of a file: known keys in a fixed order, nothing that is not set, and no `leases`
/// unless they were changed, because older clients refuse the key.
pub(super) fn to_file(config: &ClientConfig) -> Value {
    let mut file = Map::new();
    describe(config, &mut file);
    if config.leases == Leases::default() {
        file.remove("leases");
    }
    if let Some(Value::Object(metadata)) = file.get_mut("metadata") {
        metadata.retain(|_, value| !value.is_null());
    }
    file.retain(|_, value| !value.is_null());
    Value::Object(file)
}

/// All that is known, with null for what is not.
pub(super) fn describe(config: &ClientConfig, into: &mut Map<String, Value>) {
    let exposed = |token: &Option<Secret<String>>| token.as_ref().map(|it| it.expose().clone());
    let entries = [
        ("apiVersion", json!(API_VERSION)),
        ("kind", json!(KIND)),
        (
            "metadata",
            json!({"namespace": config.namespace, "name": config.name}),
        ),
        ("endpoint", json!(config.endpoint)),
        (
            "tls",
            json!({"ca": config.tls.ca, "insecure": config.tls.insecure}),
        ),
        ("token", json!(exposed(&config.token))),
        ("refresh_token", json!(exposed(&config.refresh_token))),
        ("grpcOptions", json!(config.grpc_options)),
        (
            "drivers",
            json!({"allow": config.drivers.allow, "unsafe": config.drivers.any}),
        ),
        ("shell", json!({"use_profiles": config.use_profiles})),
        (
            "leases",
            json!({
                "acquisition_timeout": config.leases.acquisition_timeout,
                "dial_timeout": config.leases.dial_timeout,
                "retry_timeout": config.leases.retry_timeout,
            }),
        ),
    ];
    into.extend(entries.map(|(key, value)| (key.to_owned(), value)));
}
