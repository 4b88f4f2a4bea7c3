//! Options that several commands share: as whom, which ones, how many.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::ValueHint;

use crate::cli::CommandLine;
use crate::config::{ClientConfig, ConfigError};
use crate::ui::Failure;

/// As which client a command acts.
#[derive(Debug, clap::Args)]
pub(super) struct ClientOptions {
    /// Act as the client of this configuration file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    client_config: Option<PathBuf>,

    /// Act as the client with this name instead of the current one
    #[arg(long, value_name = "ALIAS")]
    client: Option<String>,
}

/// Which objects are meant, by their labels.
#[derive(Debug, clap::Args)]
pub(super) struct SelectorOption {
    /// Only those with these labels: `board=imx8,!broken`; repeated, all must hold
    #[arg(short = 'l', long = "selector", value_name = "SELECTOR")]
    parts: Vec<String>,
}

/// How many objects one answer of the controller may hold.
#[derive(Debug, clap::Args)]
pub(super) struct PageOption {
    /// Ask the controller for so many at a time [default: 100]
    #[arg(long, value_name = "N", value_parser = page_size)]
    page_size: Option<NonZeroU32>,
}

// === impl ClientOptions ===

impl ClientOptions {
    /// The client's settings.
    pub(super) fn load(self, line: &CommandLine) -> Result<ClientConfig, Failure> {
        let found = match (self.client, self.client_config) {
            (Some(_), Some(_)) => {
                let message =
                    "Invalid value: only one of --client, --client-config should be specified";
                return Err(line.refuse(message).into());
            }
            (Some(alias), None) => {
                let path = ClientConfig::path_of(&alias).map_err(unloaded)?;
                match ClientConfig::load(&path).map_err(unloaded)? {
                    Some(config) => Some(config),
                    None => {
                        let kind = "Client";
                        return Err(unloaded(ConfigError::Missing { kind, path }));
                    }
                }
            }
            (None, Some(path)) => match ClientConfig::load(&path).map_err(unloaded)? {
                Some(config) => Some(config),
                None => {
                    let path = path.display();
                    let why = format!("[Errno 2] No such file or directory: '{path}'");
                    return Err(unloaded(why));
                }
            },
            (None, None) => ClientConfig::default_one().map_err(unloaded)?,
        };
        found.ok_or_else(|| {
            let message = "none of --client, --client-config is specified, \
                           and default config is not set";
            Failure::Error(message.to_owned())
        })
    }
}

/// Settings that cannot be used.
pub(super) fn unloaded(why: impl std::fmt::Display) -> Failure {
    Failure::Error(format!("Failed to load config: {why}"))
}

// === impl SelectorOption ===

impl SelectorOption {
    /// All parts as one selector, if there are any.
    pub(super) fn joined(&self) -> Option<String> {
        (!self.parts.is_empty()).then(|| self.parts.join(","))
    }
}

// === impl PageOption ===

impl PageOption {
    pub(super) fn get(&self) -> i32 {
        self.page_size
            .map_or(100, |size| i32::try_from(size.get()).unwrap_or(i32::MAX))
    }
}

fn page_size(text: &str) -> Result<NonZeroU32, String> {
    let number = crate::cli::integer(text)?;
    u32::try_from(number)
        .ok()
        .and_then(NonZeroU32::new)
        .ok_or_else(|| format!("{number} is not in the range x>=1."))
}
