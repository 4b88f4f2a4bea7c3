//! What a controller is told: one YAML file, the environment, the command line; the later wins.
//!
//! The documents `config` and `router` of the reference are understood as they are, under their own
//! keys, in the config map they came in, or with their sections at the top of our file.
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
pub use live::Live;

use crate::identity::issuers::JwtConfig;
use crate::log::Level;
use crate::service::LabelRules;
use crate::store::Retention;
use crate::tls::{Given, Names, Serving};

/// Everything a controller is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from, if there is one.
    pub path: Option<PathBuf>,
    /// Where keys and the database are, if that was said.
    pub data_dir: Option<PathBuf>,
    /// Where administrators' commands look when they name none.
    pub namespace: String,
    /// Addresses to listen on.
    pub listen: Listen,
    /// The names under which others reach those.
    pub public: Public,
    /// A certificate that somebody else looks after.
    pub tls: Option<Given>,
    /// A CA to hand out with such a certificate, as PEM.
    pub ca_bundle: Option<String>,
    /// Usernames of internal tokens begin with this.
    pub internal_prefix: String,
    /// How long new tokens are good.
    pub token_lifetime: Duration,
    /// How long a rotated token stays good.
    pub rotation_grace: Duration,
    /// External issuers.
    pub jwt: Vec<JwtConfig>,
    /// Whether clients are made for external users who come for the first time.
    pub provisioning: bool,
    /// How long without a word before peers are pinged, and how long they may take to answer.
    pub keepalive: Keepalive,
    /// How many tags a lease may have.
    pub most_tags: usize,
    /// Hidden and deprecated labels.
    pub labels: LabelRules,
    /// Whether exporters send their logs, and where to.
    pub telemetry: Telemetry,
    /// Routers by name.
    pub routers: BTreeMap<String, String>,
    /// What controller and routers share, if it was given.
    pub router_key: Option<Secret<String>>,
    /// How long byte streams go on after the end of their lease.
    pub tunnel_grace: Duration,
    /// How many connections one address may have, at each port.
    pub connections: usize,
    /// How many leases of one client may be open.
    pub most_leases: usize,
    /// How much of the past is kept.
    pub retention: Retention,
    /// The least important lines to log, if that was said.
    pub log_level: Option<Level>,
    /// The line at which `tls` stands, for what is found to be wrong with its files.
    tls_line: Option<usize>,
}

/// Addresses to listen on: `:8082`, `127.0.0.1:8082`, `[::1]:8082`; none is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Controller, TLS.
    pub grpc: Option<String>,
    /// Router, TLS.
    pub router: Option<String>,
    /// `/healthz`, `/readyz`.
    pub health: Option<String>,
    /// `/metrics`.
    pub metrics: Option<String>,
    /// Landing page and what `jmp login` asks.
    pub login: Option<String>,
    /// Logs of exporters, without TLS.
    pub telemetry: Option<String>,
}

/// The names under which others reach us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Of the controller, `host:port`.
    pub grpc: String,
    /// Of the router, `host:port`.
    pub router: String,
    /// Of the login service, for the landing page.
    pub login: Option<String>,
}

/// When a peer that says nothing counts as gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Silence before a ping.
    pub interval: Duration,
    /// Silence after it.
    pub timeout: Duration,
}

/// Logs of exporters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Whether exporters are asked to send them.
    pub enabled: bool,
    /// Where to; our own port if it is not said.
    pub endpoint: Option<String>,
    /// The least important lines to send.
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
    /// Reads a file, then the environment.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or every mistake in both.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let (config, mistakes) = Self::look_at(path)?;
        config.unless(mistakes)
    }

    /// The same, and whether the files that it names can be used.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or every mistake in all of it.
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

    /// The same with a text and variables from anywhere.
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

    /// Where streams meet, the preferred router first.
    pub fn router_endpoints(&self) -> Vec<String> {
        match self.routers.is_empty() {
            true => vec![self.public.router.clone()],
            // `default` is what the reference calls the first.
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
    /// The address of a door, by its name in the file.
    fn named(&self, door: &str) -> Option<&str> {
        let address = match door {
            "grpc" => &self.grpc,
            "router" => &self.router,
            "health" => &self.health,
            "metrics" => &self.metrics,
            "login" => &self.login,
            _ => &self.telemetry,
        };
        // Port 0 is another one each time.
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
