//! The configuration files of clients and exporters that an administrator writes for them.

use std::path::{Path, PathBuf};

use clap::ValueHint;
use hyper::Method;

use super::api::{Admin, segment};
use super::views::{Issued, NewToken};
use crate::config::{ClientConfig, Drivers, ExporterConfig, ExporterPaths, UserConfig};
use crate::jmp::login::aborted;
use crate::ui::{Failure, prompt};

/// Where a file is to be.
#[derive(Debug, clap::Args)]
pub(super) struct OutOption {
    /// Write the configuration file here, instead of where `jmp` looks for it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) out: Option<PathBuf>,
}

/// Which driver clients a client may use.
#[derive(Debug, clap::Args)]
pub(super) struct DriverOptions {
    /// Driver clients that may be used: globs, separated by commas
    #[arg(short, long, value_name = "GLOBS")]
    allow: Option<String>,

    /// Any driver client may be used
    #[arg(long = "unsafe")]
    any: bool,
}

// === impl DriverOptions ===

impl DriverOptions {
    /// What the options say, else what the user answers.
    pub(super) async fn decide(self, interactive: bool) -> Result<Drivers, Failure> {
        let allow = match self.allow {
            _ if self.any => String::new(),
            Some(allow) => allow,
            None if !interactive => String::new(),
            None => {
                let question = "Allow unsafe driver client imports?";
                if prompt::confirm(question).await?.ok_or_else(aborted)? {
                    return Ok(Drivers::from_text("", true));
                }
                let question = "Enter a comma-separated list of allowed driver packages (optional)";
                let answer = prompt::ask(question, Some("")).await?;
                answer.ok_or_else(aborted)?
            }
        };
        // Nothing is nothing, and not one glob that is empty.
        match allow.trim() {
            "" => Ok(Drivers {
                allow: Vec::new(),
                any: self.any,
            }),
            allow => Ok(Drivers::from_text(allow, self.any)),
        }
    }
}

/// A new token for somebody; if it is rotated, the earlier ones end after a grace.
pub(super) async fn issue(
    admin: &Admin,
    plural: &str,
    name: &str,
    rotate: bool,
) -> Result<Issued, Failure> {
    let path = format!("/{plural}/{}/tokens", segment(name)?);
    let new = NewToken { rotate };
    admin.ask(Method::POST, &path, Some(&new)).await
}

/// Writes the file of a client; answers where it is. A user's only client becomes the current one.
pub(super) fn write_client(
    issued: Issued,
    drivers: Drivers,
    insecure: bool,
    out: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let alias = issued.name.clone();
    let mut config = ClientConfig::new(&alias, Some(issued.namespace), issued.name);
    config.endpoint = Some(issued.endpoint);
    config.tls.ca = issued.ca;
    config.tls.insecure = insecure;
    config.token = Some(issued.token);
    config.drivers = drivers;
    let path = match out {
        Some(path) => path.to_owned(),
        None => ClientConfig::path_of(&alias).map_err(failure)?,
    };
    config.save_to(&path).map_err(failure)?;
    if out.is_none() && ClientConfig::files().map_err(failure)?.len() == 1 {
        UserConfig::choose(Some(&alias)).map_err(failure)?;
    }
    Ok(path)
}

/// Writes the file of an exporter, without devices; answers where it is.
pub(super) fn write_exporter(
    issued: Issued,
    insecure: bool,
    out: Option<&Path>,
) -> Result<PathBuf, Failure> {
    let alias = issued.name.clone();
    let path = match out {
        Some(path) => path.to_owned(),
        None => ExporterPaths::of(&alias).map_err(failure)?.own,
    };
    let mut config = ExporterConfig::new(&alias, Some(issued.namespace), issued.name);
    config.endpoint = Some(issued.endpoint);
    config.tls.ca = issued.ca;
    config.tls.insecure = insecure;
    config.token = Some(issued.token);
    config.save_to(&path).map_err(failure)?;
    Ok(path)
}

/// A file that cannot be read or written.
pub(super) fn failure(error: crate::config::ConfigError) -> Failure {
    Failure::Error(error.to_string())
}
