//! Which controller is administered, and what lets us in.

use std::path::{Path, PathBuf};

use clap::ValueHint;

use super::api::Admin;
use super::kubeconfig;
use crate::Secret;
use crate::cli::CommandLine;
use crate::connect::{Roots, Tls};
use crate::ui::Failure;

/// Which controller, and as whom.
#[derive(Debug, clap::Args)]
pub(super) struct Access {
    /// The namespace [default: the controller's own]
    #[arg(short, long)]
    namespace: Option<String>,

    /// The data folder of a controller on this machine
    #[arg(
        long,
        value_name = "FOLDER",
        env = "JMP_CONTROLLER_DATA",
        hide_env_values = true,
        value_hint = ValueHint::DirPath
    )]
    data_dir: Option<PathBuf>,

    /// A controller elsewhere: https://host:port; needs --token-file
    #[arg(
        long,
        value_name = "URL",
        env = "JMP_CONTROLLER_SERVER",
        hide_env_values = true
    )]
    server: Option<String>,

    /// The token of an administrator, for --server
    #[arg(
        long,
        value_name = "FILE",
        env = "JMP_CONTROLLER_TOKEN_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    token_file: Option<PathBuf>,

    /// Whom to trust as that controller; else the system's authorities
    #[arg(
        long,
        value_name = "FILE",
        env = "JMP_CONTROLLER_CA_FILE",
        hide_env_values = true,
        value_hint = ValueHint::FilePath
    )]
    ca_file: Option<PathBuf>,

    /// A file that says where a controller is, whom to trust and what lets us in
    #[arg(long, value_name = "FILE", conflicts_with_all = ["server", "token_file", "ca_file"],
          value_hint = ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,

    /// Which of the contexts in that file [default: the current one]
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,
}

/// What is needed to knock at a controller elsewhere.
#[derive(Debug)]
pub(super) struct Afar {
    /// `https://host:port`.
    pub(super) server: String,
    pub(super) tls: Tls,
    pub(super) token: Secret<String>,
}

// === impl Access ===

impl Access {
    /// The way to the controller.
    pub(super) async fn open(&self, line: &CommandLine) -> Result<Admin, Failure> {
        let said = self.namespace.clone();
        if let Some(path) = &self.kubeconfig {
            let (afar, namespace) = kubeconfig::read(path, self.context.as_deref())?;
            return Admin::afar(afar, said.or(namespace)).await;
        }
        let Some(server) = self.server.clone() else {
            let folder = match self.data_dir.clone() {
                Some(folder) => folder,
                None => usual().ok_or_else(|| {
                    let message = "which controller? Name its folder with --data-dir, or --server";
                    Failure::Error(message.to_owned())
                })?,
            };
            return Admin::near(&folder, said).await;
        };
        let Some(path) = &self.token_file else {
            return Err(line.refuse("'--server' needs '--token-file'").into());
        };
        let afar = Afar {
            server,
            tls: Tls::Verified(match self.ca_file.clone() {
                Some(path) => Roots::File(path),
                None => Roots::System,
            }),
            token: token(path)?,
        };
        Admin::afar(afar, said).await
    }
}

/// A token that stands alone in a file.
pub(super) fn token(path: &Path) -> Result<Secret<String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Error(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(Secret::new(text.trim().to_owned()))
}

/// Where `jmp-controller` keeps its data if nobody says anything.
fn usual() -> Option<PathBuf> {
    if nix::unistd::geteuid().is_root() {
        return Some(PathBuf::from("/var/lib/jumpstarter-controller"));
    }
    let state = std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty());
    let state = state.map(PathBuf::from);
    let state = state.or_else(|| std::env::home_dir().map(|home| home.join(".local/state")));
    Some(state?.join("jumpstarter-controller"))
}
