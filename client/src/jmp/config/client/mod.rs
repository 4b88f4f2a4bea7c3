//! `jmp config client`: the clients of this user.

mod create;
mod list;

use std::path::PathBuf;

use clap::Subcommand;

use super::failure;
use crate::config::{ClientConfig, ConfigError, Lock, UserConfig};
use crate::ui::{Failure, Outcome, print};

/// Manage the configuration files of clients
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Create(Box<create::Cmd>),
    /// Delete the configuration file of a client
    Delete(Named),
    List(list::Cmd),
    /// Make a client the one that is used when no other is named
    Use(Named),
}

/// One of the clients.
#[derive(Debug, clap::Args)]
struct Named {
    /// Print the path of its file
    #[arg(short, long, value_name = "FORMAT", value_parser = ["path"])]
    output: Option<String>,

    /// The client
    name: String,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self) -> Outcome {
        match self.what {
            What::Create(cmd) => cmd.run().await,
            What::Delete(named) => named.delete(),
            What::List(cmd) => cmd.run(),
            What::Use(named) => named.choose(),
        }
    }
}

// === impl Named ===

impl Named {
    fn choose(self) -> Outcome {
        let path = self.path()?;
        // A file of no use would make every later command fail.
        ClientConfig::load(&path).map_err(failure)?;
        UserConfig::choose(Some(&self.name)).map_err(failure)?;
        self.conclude(&path)
    }

    fn delete(self) -> Outcome {
        let path = self.path()?;
        let lock = Lock::around(&path);
        UserConfig::forget(&self.name).map_err(failure)?;
        std::fs::remove_file(&path).map_err(|error| {
            Failure::Error(format!("cannot delete `{}`: {error}", path.display()))
        })?;
        drop(lock);
        self.conclude(&path)
    }

    /// Where its file is, which must be there.
    fn path(&self) -> Result<PathBuf, Failure> {
        let path = ClientConfig::path_of(&self.name).map_err(failure)?;
        if path.exists() {
            Ok(path)
        } else {
            let kind = "Client";
            Err(failure(ConfigError::Missing { kind, path }))
        }
    }

    fn conclude(&self, path: &std::path::Path) -> Outcome {
        if self.output.is_some() {
            print(&path.display().to_string())?;
        }
        Ok(0)
    }
}
