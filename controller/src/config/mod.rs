//! The settings of a controller: one YAML file, the environment, the command line; the later wins.
//!
//! The documents `config` and `router` of the reference are accepted as they are: under these keys, in
//! the ConfigMap they come in, or with their sections at the top of our file.
//!
//! ```text
//! file ─► document (lines) ─► read (every mistake) ─┐
//! environment ──────────────────────────────────────┴─► Config
//! ```

mod document;
pub mod duration;
mod environment;
mod error;
mod fields;
mod fixed;
pub mod folder;
mod live;
mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jumpstarter_client::Secret;

pub use error::{ConfigError, Mistake};
pub use folder::Folder;
pub use live::LiveConfig;

use crate::identity::issuers::JwtConfig;
use crate::log::Level;
use crate::service::LabelRules;
use crate::store::Retention;
use crate::tls::{Given, Names, Serving};

/// All settings of a controller.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file they were read from, if any.
    pub path: Option<PathBuf>,
    /// The data folder, if it is configured.
    pub data_dir: Option<PathBuf>,
    /// The namespace of administrators' commands that name none.
    pub namespace: String,
    /// Addresses to listen on.
    pub listen: Listen,
    /// The names under which peers reach those addresses.
    pub public: Public,
    /// A certificate that is managed elsewhere, instead of our own.
    pub tls: Option<Given>,
    /// The certificates that peers should trust with `tls`, as PEM.
    pub ca_bundle: Option<String>,
    /// The prefix of usernames of internal tokens.
    pub internal_prefix: String,
    /// How long new tokens are valid.
    pub token_lifetime: Duration,
    /// How long earlier tokens stay valid after a rotation.
    pub rotation_grace: Duration,
    /// The issuers of external users' tokens.
    pub jwt: Vec<JwtConfig>,
    /// Whether clients are made for external users on their first call.
    pub provisioning: bool,
    /// When silent peers are pinged and dropped.
    pub keepalive: Keepalive,
    pub most_tags: usize,
    /// Hidden and deprecated labels.
    pub labels: LabelRules,
    /// Whether and where exporters send their logs.
    pub telemetry: Telemetry,
    /// Endpoints of routers, by name.
    pub routers: BTreeMap<String, String>,
    /// The key that controller and routers share, if it is in the environment.
    pub router_key: Option<Secret<String>>,
    /// How long byte streams may go on after the end of their lease.
    pub tunnel_grace: Duration,
    /// How many connections one address may have at each port.
    pub connections: usize,
    /// How many open leases one client may have.
    pub most_leases: usize,
    /// How much of the past is kept.
    pub retention: Retention,
    /// The least important lines to log, if that is configured.
    pub log_level: Option<Level>,
    /// The line of `tls`, for mistakes in the files that it names.
    tls_line: Option<usize>,
}

/// Addresses to listen on: `:8082`, `127.0.0.1:8082`, `[::1]:8082`; `None` is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The gRPC services, REST and administration, with TLS.
    pub grpc: Option<String>,
    /// The router, with TLS.
    pub router: Option<String>,
    /// `/healthz`, `/readyz`.
    pub health: Option<String>,
    /// `/metrics`.
    pub metrics: Option<String>,
    /// The landing page, and what `jmp login` asks for.
    pub login: Option<String>,
    /// Logs of exporters, without TLS.
    pub telemetry: Option<String>,
}

/// The names under which peers reach this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// The endpoint of the controller, `host:port`.
    pub grpc: String,
    /// The endpoint of the router, `host:port`.
    pub router: String,
    /// The URL of the login service, for the landing page.
    pub login: Option<String>,
}

/// When a silent peer is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// How long a peer is silent before it is pinged.
    pub interval: Duration,
    /// How long it may take to answer the ping.
    pub timeout: Duration,
}

/// Where the logs of exporters go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Whether exporters are asked to send their logs.
    pub enabled: bool,
    /// The endpoint they send them to; `None` is our own port.
    pub endpoint: Option<String>,
    /// The least severe lines that they send.
    pub severity: String,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            path: None,
            data_dir: None,
            namespace: "default".to_owned(),
            listen: Listen::default(),
            public: Public::default(),
            tls: None,
            ca_bundle: None,
            internal_prefix: "internal:".to_owned(),
            token_lifetime: Duration::from_secs(8760 * 3600),
            rotation_grace: Duration::from_secs(600),
            jwt: Vec::new(),
            provisioning: false,
            keepalive: Keepalive::default(),
            most_tags: crate::model::validate::MOST_TAGS,
            labels: LabelRules::default(),
            telemetry: Telemetry::default(),
            routers: BTreeMap::new(),
            router_key: None,
            tunnel_grace: Duration::from_secs(120),
            connections: 2048,
            most_leases: 1000,
            retention: Retention::default(),
            log_level: None,
            tls_line: None,
        }
    }
}

impl Config {
    /// Reads the settings from a file and the environment.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or every mistake in both.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let (config, mistakes) = Self::look_at(path)?;
        config.unless(mistakes)
    }

    /// Like [`Self::load`]; also checks the files that the settings name.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or every mistake in all files.
    pub fn examine(path: Option<&Path>) -> Result<Self, ConfigError> {
        let (config, mut mistakes) = Self::look_at(path)?;
        let names = Names::of(config.names());
        let looked = match (&config.tls, names) {
            (Some(given), Ok(names)) => Serving::given(given.clone(), names).map(drop),
            (_, names) => names.map(drop),
        };
        if let Err(error) = looked {
            mistakes.push(Mistake {
                line: config.tls_line,
                path: "tls".to_owned(),
                message: error.to_string(),
            });
        }
        config.unless(mistakes)
    }

    fn look_at(path: Option<&Path>) -> Result<(Self, Vec<Mistake>), ConfigError> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path).map_err(|source| {
                let path = path.to_owned();
                ConfigError::Unreadable { path, source }
            })?,
            None => String::new(),
        };
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self::read(&text, path, &environment))
    }

    /// Like [`Self::load`], with a text and variables from anywhere.
    ///
    /// # Errors
    ///
    /// Every mistake in both.
    pub fn of(
        text: &str,
        path: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let (config, mistakes) = Self::read(text, path, variable);
        config.unless(mistakes)
    }

    fn read(
        text: &str,
        path: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> (Self, Vec<Mistake>) {
        let mut config = Self {
            path: path.map(Path::to_owned),
            ..Self::default()
        };
        let mut mistakes = fields::Mistakes::default();
        match document::parse(text, 1) {
            Ok(node) => read::file(node, &mut config, &mut mistakes),
            Err(mistake) => mistakes.0.push(mistake),
        }
        environment::apply(variable, &mut config, &mut mistakes);
        (config, mistakes.0)
    }

    fn unless(self, mut mistakes: Vec<Mistake>) -> Result<Self, ConfigError> {
        if mistakes.is_empty() {
            return Ok(self);
        }
        mistakes.sort_by_key(|mistake| mistake.line);
        Err(ConfigError::Mistakes {
            path: self.path,
            mistakes,
        })
    }

    /// The endpoints of all routers, the preferred one first.
    pub fn router_endpoints(&self) -> Vec<String> {
        match self.routers.is_empty() {
            true => vec![self.public.router.clone()],
            // The reference calls its preferred router `default`.
            false => {
                let mut all: Vec<_> = self.routers.iter().collect();
                all.sort_by_key(|(name, _)| (*name != "default", *name));
                all.into_iter()
                    .map(|(_, endpoint)| endpoint.clone())
                    .collect()
            }
        }
    }

    /// All names that our certificate has to cover.
    pub fn names(&self) -> Vec<String> {
        let mut names = vec![self.public.grpc.clone(), self.public.router.clone()];
        names.extend(self.router_endpoints());
        for listen in [&self.listen.grpc, &self.listen.router]
            .into_iter()
            .flatten()
        {
            if !listen.starts_with(':') {
                names.push(listen.clone());
            }
        }
        names
    }
}

// === impl Listen ===

impl Listen {
    /// The address to listen on with this key in the file.
    fn named(&self, key: &str) -> Option<&str> {
        let address = match key {
            "grpc" => &self.grpc,
            "router" => &self.router,
            "health" => &self.health,
            "metrics" => &self.metrics,
            "login" => &self.login,
            _ => &self.telemetry,
        };
        // Port 0 is a different port each time.
        address
            .as_deref()
            .filter(|address| !address.ends_with(":0"))
    }
}

impl Default for Listen {
    fn default() -> Self {
        let on = |text: &str| Some(text.to_owned());
        Self {
            grpc: on(":8082"),
            router: on(":8083"),
            health: on(":8081"),
            metrics: None,
            login: on(":8086"),
            telemetry: None,
        }
    }
}

// === impl Public ===

impl Default for Public {
    fn default() -> Self {
        Self {
            grpc: "localhost:8082".to_owned(),
            router: "localhost:8083".to_owned(),
            login: None,
        }
    }
}

// === impl Keepalive ===

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(25),
            timeout: Duration::from_secs(180),
        }
    }
}

// === impl Telemetry ===

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            enabled: false,
            endpoint: None,
            severity: "info".to_owned(),
        }
    }
}
