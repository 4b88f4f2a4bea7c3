//! Whose login it is: a client or an exporter, there already or to be made.

use std::path::{Path, PathBuf};

use super::super::options::unloaded;
use super::{Cmd, aborted};
use crate::Secret;
use crate::cli::CommandLine;
use crate::config::{
    ClientConfig, ConfigError, Drivers, ExporterConfig, TlsSettings, find_exporter,
};
use crate::oidc::{Claims, Tokens};
use crate::ui::{Failure, prompt};

/// A client or an exporter.
#[derive(Debug)]
pub(super) enum Account {
    Client(ClientConfig),
    Exporter(ExporterConfig),
}

/// Where an account is, or will be.
#[derive(Debug)]
pub(super) struct Whose {
    pub(super) alias: String,
    pub(super) path: PathBuf,
    /// Named by an alias, or by nothing, rather than by a file.
    pub(super) by_alias: bool,
    exporter: bool,
    /// The account, if there is one.
    pub(super) found: Option<Account>,
}

// === impl Whose ===

impl Whose {
    /// Finds out from the options; `name` is the one in front of the login service.
    pub(super) fn find(cmd: &Cmd, name: Option<&str>, line: &CommandLine) -> Result<Self, Failure> {
        let given = [
            cmd.client.is_some(),
            cmd.client_config.is_some(),
            cmd.exporter.is_some(),
            cmd.exporter_config.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            let message = "Invalid value: only one of --client, --client-config, --exporter, \
                           --exporter-config should be specified";
            return Err(line.refuse(message).into());
        }
        let whose = Self::named(cmd, name).map_err(unloaded)?;
        match (&whose.found, name) {
            // Another client is not touched; this one is new.
            (Some(Account::Client(_)), Some(name)) if whose.by_alias && whose.alias != name => {
                Self::client(name, None).map_err(unloaded)
            }
            _ => Ok(whose),
        }
    }

    fn named(cmd: &Cmd, name: Option<&str>) -> Result<Self, ConfigError> {
        if let Some(alias) = &cmd.client {
            let found = ClientConfig::load(&ClientConfig::path_of(alias)?)?;
            return Self::client(alias, found);
        }
        if let Some(alias) = &cmd.exporter {
            let path = find_exporter(alias)?;
            return Self::exporter(alias, path, true);
        }
        if let Some(path) = &cmd.exporter_config {
            return Self::exporter("default", path.clone(), false);
        }
        if let Some(path) = &cmd.client_config {
            let found = ClientConfig::load(path)?;
            return Ok(Self {
                by_alias: false,
                path: path.clone(),
                ..Self::client("default", found)?
            });
        }
        match ClientConfig::default_one()? {
            // Back to its own file, whatever dots there are in its name.
            Some(known) => match known.path.clone() {
                Some(path) => Ok(Self {
                    alias: file_alias(&path),
                    path,
                    by_alias: true,
                    exporter: false,
                    found: Some(Account::Client(known)),
                }),
                None => Self::client(&known.alias.clone(), Some(known)),
            },
            None => Self::client(name.unwrap_or("default"), None),
        }
    }

    fn client(alias: &str, found: Option<ClientConfig>) -> Result<Self, ConfigError> {
        Ok(Self {
            alias: alias.to_owned(),
            path: ClientConfig::path_of(alias)?,
            by_alias: true,
            exporter: false,
            found: found.map(Account::Client),
        })
    }

    fn exporter(alias: &str, path: PathBuf, by_alias: bool) -> Result<Self, ConfigError> {
        Ok(Self {
            alias: alias.to_owned(),
            found: ExporterConfig::load(&path)?.map(Account::Exporter),
            path,
            by_alias,
            exporter: true,
        })
    }

    /// Makes the account, asking for what the options do not say.
    pub(super) async fn create(
        &self,
        cmd: &Cmd,
        tls: TlsSettings,
        line: &CommandLine,
    ) -> Result<Account, Failure> {
        let mut answers = Vec::new();
        for (given, question, what) in [
            (
                &cmd.namespace,
                "Enter the Jumpstarter exporter namespace",
                "Namespace",
            ),
            (&cmd.name, "Enter the Jumpstarter exporter name", "Name"),
            (
                &cmd.endpoint,
                "Enter the Jumpstarter service endpoint",
                "Endpoint",
            ),
        ] {
            answers.push(match given {
                Some(given) => given.clone(),
                None => cmd.ask(question, what, line).await?,
            });
        }
        let mut next = answers.into_iter();
        let mut next = || next.next().unwrap_or_default();
        let (namespace, name, endpoint) = (next(), next(), next());
        if self.exporter {
            let mut config = ExporterConfig::new(&self.alias, Some(namespace), name);
            config.endpoint = Some(endpoint);
            config.tls = tls;
            return Ok(Account::Exporter(config));
        }
        let mut config = ClientConfig::new(&self.alias, Some(namespace), name);
        config.endpoint = Some(endpoint);
        config.tls = tls;
        config.drivers = drivers(cmd, line).await?;
        Ok(Account::Client(config))
    }
}

/// What a file among the other clients is called: all of its name but `.yaml`.
fn file_alias(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Which driver clients may be used, asking if the options do not say it.
async fn drivers(cmd: &Cmd, line: &CommandLine) -> Result<Drivers, Failure> {
    if cmd.any || !cmd.allow.is_empty() {
        // Scripts say one of the two, people are asked about the other.
        if cmd.any || cmd.nointeractive {
            return Ok(list(&cmd.allow, cmd.any));
        }
    } else if cmd.nointeractive {
        let message = "--allow TEXT or --unsafe is required in non-interactive mode.";
        return Err(line.refuse(message).into());
    }
    let any = prompt::confirm("Allow unsafe driver client imports?").await?;
    let any = any.ok_or_else(aborted)?;
    if any || !cmd.allow.is_empty() {
        return Ok(list(&cmd.allow, any));
    }
    let question = "Enter a comma-separated list of allowed driver packages (optional)";
    let allow = prompt::ask(question, Some("")).await?.ok_or_else(aborted)?;
    Ok(list(&allow, false))
}

fn list(allow: &str, any: bool) -> Drivers {
    if any && allow.is_empty() {
        Drivers::new(Vec::new(), true)
    } else {
        Drivers::from_text(allow, any)
    }
}

// === impl Account ===

impl Account {
    /// Who made its token.
    pub(super) fn issuer(&self) -> Result<String, Failure> {
        let (token, what) = match self {
            Self::Client(config) => (&config.token, "client"),
            Self::Exporter(config) => (&config.token, "exporter"),
        };
        let token = token.as_ref().ok_or_else(|| {
            Failure::Error(format!(
                "No token set in {what} config. Please login again."
            ))
        })?;
        issuer(token).map_err(Failure::Error)
    }

    /// What gets a new token without asking a person.
    pub(super) fn refresh_token(&self) -> Option<&Secret<String>> {
        match self {
            Self::Client(config) => config.refresh_token.as_ref(),
            Self::Exporter(_) => None,
        }
    }

    /// Takes the tokens that stand in its file now.
    pub(super) fn reread(&mut self) {
        let Self::Client(config) = self else {
            return;
        };
        let found = config.path.as_deref().map(ClientConfig::load);
        if let Some(Ok(Some(found))) = found
            && found.token.is_some()
        {
            (config.token, config.refresh_token) = (found.token, found.refresh_token);
        }
    }

    /// Whether its settings turn verification off.
    pub(super) fn is_insecure(&self) -> bool {
        match self {
            Self::Client(config) => config.tls.insecure,
            Self::Exporter(config) => config.tls.insecure,
        }
    }

    /// Takes what a login gave, and writes it to `path`.
    pub(super) fn accept(&mut self, tokens: Tokens, path: &Path) -> Result<(), Failure> {
        let saved = match self {
            Self::Client(config) => {
                config.token = Some(tokens.access);
                if tokens.refresh.is_some() {
                    config.refresh_token = tokens.refresh;
                }
                match config.path.as_deref() == Some(path) {
                    true => config.save_tokens(),
                    false => config.save_to(path),
                }
            }
            Self::Exporter(config) if config.path.is_some() => config.save_token(tokens.access),
            Self::Exporter(config) => {
                config.token = Some(tokens.access);
                config.save_to(path)
            }
        };
        saved.map_err(|error| Failure::Error(error.to_string()))
    }
}

/// Who made a token.
pub(super) fn issuer(token: &Secret<String>) -> Result<String, String> {
    let claims =
        Claims::of(token).map_err(|error| format!("Failed to decode JWT issuer: {error}"))?;
    let issuer = claims.issuer().filter(|issuer| !issuer.is_empty());
    let issuer = issuer.ok_or("Failed to determine issuer from access token.")?;
    Ok(issuer.to_owned())
}
