//! A client's settings: who one is, where the controller is, what may run here.
//!
//! ```text
//! clients/lab.yaml ──► file ──► environment fills gaps ──► ClientConfig ──► save: the same file
//! ```

mod environment;
mod error;
mod file;
mod lenient;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{ConfigError, Lock, edit, files, home, is_name, read, stem, write};
use crate::connect::{CaError, ChannelOptions, OptionValue, Tls};
use crate::controller::{Controller, Identity, Kind};
use crate::{Allow, Secret, yaml};
pub use error::ClientError;
use file::File;

/// A client's settings.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// What the user calls it: the file's name up to the first dot.
    pub alias: String,
    /// The file it came from; none if it came from the environment alone.
    pub path: Option<PathBuf>,
    /// The namespace it belongs to.
    pub namespace: Option<String>,
    /// Its name there; empty for users whose token says it.
    pub name: String,
    /// Where the controller is: `host:port`.
    pub endpoint: Option<String>,
    /// Whom to trust.
    pub tls: TlsSettings,
    /// What proves who one is.
    pub token: Option<Secret<String>>,
    /// What gets a new token without asking a person.
    pub refresh_token: Option<Secret<String>>,
    /// Channel arguments, as gRPC calls them.
    pub grpc_options: Map<String, Value>,
    /// Which driver clients may be used.
    pub drivers: Drivers,
    /// Whether a shell reads the user's own start files.
    pub use_profiles: bool,
    /// How patient one is with leases.
    pub leases: Leases,
}

/// Whom to trust, as a file says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// The base64 of a PEM file; empty for the system's authorities.
    pub ca: String,
    /// Trust anybody.
    pub insecure: bool,
}

/// Which driver clients may be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drivers {
    /// Globs of their names.
    pub allow: Vec<String>,
    /// All of them.
    pub any: bool,
}

/// How patient one is with leases, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leases {
    /// How long to wait for an exporter.
    pub acquisition_timeout: u64,
    /// How long to try to reach an exporter that was found.
    pub dial_timeout: f64,
    /// How long to try again with another lease.
    pub retry_timeout: f64,
}

// === impl ClientConfig ===

impl ClientConfig {
    /// A client of which nothing is known but its names.
    pub fn new(alias: &str, namespace: Option<String>, name: String) -> Self {
        Self {
            alias: alias.to_owned(),
            path: None,
            namespace,
            name,
            endpoint: None,
            tls: TlsSettings::default(),
            token: None,
            refresh_token: None,
            grpc_options: Map::new(),
            drivers: Drivers::default(),
            use_profiles: false,
            leases: Leases::default(),
        }
    }

    /// Reads a client's file; none if there is none. What it does not say, the environment may.
    ///
    /// # Errors
    ///
    /// When it is there but of no use.
    pub fn load(path: &Path) -> Result<Option<Self>, ConfigError> {
        match read::<File>(path)? {
            Some(file) => Self::from_file(file, path, &environment::variable).map(Some),
            None => Ok(None),
        }
    }

    /// The client that the environment alone describes, if it names one.
    ///
    /// # Errors
    ///
    /// When a variable makes no sense.
    pub fn from_environment() -> Result<Option<Self>, ConfigError> {
        environment::client(&environment::variable)
    }

    /// The client that a command uses when none is named: the environment's, else the current one.
    ///
    /// # Errors
    ///
    /// When it is there but of no use.
    pub fn default_one() -> Result<Option<Self>, ConfigError> {
        match Self::from_environment()? {
            Some(config) => Ok(Some(config)),
            None => super::UserConfig::load_or_create()?.client(),
        }
    }

    /// Where the file of the client called `alias` is, or would be.
    ///
    /// # Errors
    ///
    /// When there is no configuration folder, or the alias would lead out of it.
    pub fn path_of(alias: &str) -> Result<PathBuf, ConfigError> {
        if !is_name(alias) {
            return Err(ConfigError::ClientAlias(alias.to_owned()));
        }
        Ok(home()?.join("clients").join(format!("{alias}.yaml")))
    }

    /// Writes it to `path`, which only the user can read.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_to(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = yaml::to_string(&file::to_file(self));
        let text = text.map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        write::privately(path, &text)?;
        self.path = Some(path.to_owned());
        self.alias = stem(path);
        Ok(())
    }

    /// Writes the tokens, and nothing else, back to where they came from: what somebody else has
    /// changed there meanwhile stays, and so do comments. A client of the environment is not written.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_tokens(&mut self) -> Result<(), ConfigError> {
        self.write_tokens(false)
    }

    /// The same for a token that the refresh token does not belong to: it is forgotten, here and in
    /// the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save_token_alone(&mut self) -> Result<(), ConfigError> {
        self.refresh_token = None;
        self.write_tokens(true)
    }

    fn write_tokens(&mut self, alone: bool) -> Result<(), ConfigError> {
        let Some(path) = self.path.clone() else {
            return Ok(());
        };
        let _lock = Lock::around(&path);
        let tokens = [
            ("token", &self.token),
            ("refresh_token", &self.refresh_token),
        ];
        let tokens: Vec<_> = tokens
            .into_iter()
            .filter_map(|(key, token)| Some((key, token.as_ref()?.expose().as_str())))
            .collect();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if !text.is_empty()
            && let Some(changed) = edit::replace(&text, &tokens)
            && let Some(changed) = match alone {
                true => edit::without(&changed, "refresh_token"),
                false => Some(changed),
            }
        {
            return write::privately(&path, &changed);
        }
        // It is gone, or written in a way that only a whole new file can replace.
        if let Ok(Some(mut found)) = Self::load(&path) {
            found.token.clone_from(&self.token);
            let kept = found.refresh_token.filter(|_| !alone);
            found.refresh_token = self.refresh_token.clone().or(kept);
            return found.save_to(&path);
        }
        self.save_to(&path)
    }

    /// All that is known about it, tokens included, in the order of the file, with null for what
    /// is not set.
    pub fn describe(&self) -> Map<String, Value> {
        let mut all = Map::new();
        file::describe(self, &mut all);
        all
    }

    /// The files of all clients, sorted.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn files() -> Result<Vec<PathBuf>, ConfigError> {
        files(&home()?.join("clients"))
    }

    /// Prepares the way to its controller; none without an endpoint or a token.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the settings make no sense, whatever the controller may say.
    pub fn controller(&self) -> Result<Option<Controller>, ClientError> {
        let (Some(endpoint), Some(token)) = (&self.endpoint, &self.token) else {
            return Ok(None);
        };
        let identity = Identity {
            kind: Kind::Client,
            namespace: self.namespace.clone().unwrap_or_default(),
            name: self.name.clone(),
            token: token.clone(),
        };
        let unusable = |error| ClientError::new(self.path.as_deref(), error);
        let tls = self.tls.tls().map_err(|error| unusable(error.into()))?;
        let options = self.channel_options();
        let controller = Controller::new(endpoint, &tls, &identity, &options);
        controller.map(Some).map_err(|error| unusable(error.into()))
    }

    /// How channels to its controller and routers behave.
    pub fn channel_options(&self) -> ChannelOptions {
        ChannelOptions::from_args(self.grpc_options.iter().map(|(name, value)| {
            let value = match value {
                Value::String(text) => OptionValue::Text(text.clone()),
                number => match number.as_i64() {
                    Some(number) => OptionValue::Int(number),
                    None => OptionValue::Text(number.to_string()),
                },
            };
            (name.as_str(), value)
        }))
    }
}

// === impl TlsSettings ===

impl TlsSettings {
    /// As channels want it; the environment may say `insecure`, too.
    ///
    /// # Errors
    ///
    /// When the CA is not the base64 of a PEM file.
    pub fn tls(&self) -> Result<Tls, CaError> {
        Tls::configured(&self.ca, self.insecure)
    }
}

// === impl Drivers ===

impl Drivers {
    /// From one text, as options and variables have it: globs, separated by commas.
    pub fn from_text(text: &str, any: bool) -> Self {
        Self::new(text.split(',').map(str::to_owned).collect(), any)
    }

    /// Of these globs; `UNSAFE` among them means all.
    pub fn new(allow: Vec<String>, any: bool) -> Self {
        let any = any || allow.iter().any(|glob| glob == "UNSAFE");
        Self { allow, any }
    }

    /// As a rule to ask.
    pub fn allow(&self) -> Allow {
        if self.any {
            Allow::everything()
        } else {
            Allow::new(self.allow.clone())
        }
    }
}

// === impl Leases ===

impl Default for Leases {
    fn default() -> Self {
        Self {
            acquisition_timeout: 7200,
            dial_timeout: 60.0,
            retry_timeout: 300.0,
        }
    }
}

#[cfg(test)]
mod tests;
