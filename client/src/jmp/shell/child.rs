//! The child process of a shell: what it finds in its environment, and how it ends.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::super::exporter::{is_program, own_folder};
use super::prompt;
use crate::env;
use crate::ui::{Failure, Signals};

/// What reaches us and the child at once is seen by both within this time.
const TOGETHER: Duration = Duration::from_millis(100);

/// What a child is told.
#[derive(Debug)]
pub(super) struct Plan {
    /// The command, or nothing for an interactive shell.
    pub(super) command: Vec<OsString>,
    /// What the prompt of an interactive shell says.
    pub(super) context: String,
    /// Whether an interactive shell reads the user's own files.
    pub(super) use_profiles: bool,
    /// Variables that say where the exporter is and how to talk to it.
    pub(super) variables: Vec<(&'static str, OsString)>,
}

// === impl Plan ===

impl Plan {
    /// Starts the child.
    pub(super) fn start(self) -> Result<Child, Failure> {
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
        let mut command = match self.command.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
            None => {
                let shell = shell.unwrap_or_else(|| "bash".into());
                prompt::interactive(&shell, &self.context, self.use_profiles)
            }
        };
        // What a shell around this one said is about another exporter.
        for name in [
            env::TLS_UNVERIFIED,
            env::GRPC_PASSPHRASE,
            env::EXPORTER_LABELS,
        ] {
            command.env_remove(name);
        }
        command.envs(self.variables);
        command.env(env::SUPPRESS_DRIVER_WARNINGS, "1");
        if let Some(path) = path_with_j() {
            command.env("PATH", path);
        }
        let name = command.as_std().get_program().to_owned();
        command.spawn().map_err(|error| not_started(&name, &error))
    }
}

/// `PATH` with the folder of this program in front, if there is no other `j` to be found.
fn path_with_j() -> Option<OsString> {
    let own = own_folder().ok()?;
    extended(&std::env::var_os("PATH").unwrap_or_default(), &own)
}

fn extended(path: &OsStr, own: &Path) -> Option<OsString> {
    let has_j = |folder: &Path| is_program(&folder.join("j"));
    if std::env::split_paths(path).any(|folder| has_j(&folder)) || !has_j(own) {
        return None;
    }
    let folders = [own.to_owned()].into_iter();
    std::env::join_paths(folders.chain(std::env::split_paths(path))).ok()
}

fn not_started(program: &OsStr, error: &io::Error) -> Failure {
    let program = program.display();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::Code(127, format!("command not found: {program}")),
        io::ErrorKind::PermissionDenied => {
            Failure::Code(126, format!("permission denied: {program}"))
        }
        _ => Failure::Code(126, format!("cannot execute {program}: {error}")),
    }
}

/// The exit code of a shell whose child has ended, and whether a signal ended it.
///
/// Ctrl-C, or the end of the terminal, reaches both at once, and the child may be gone before we hear of it.
pub(super) async fn shell_code(
    status: ExitStatus,
    stopped: bool,
    signals: &mut Signals,
) -> (u8, bool) {
    use Signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    let ours = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].map(|signal| Some(signal as i32));
    let stopped = stopped
        || ours.contains(&status.signal()) && timeout(TOGETHER, signals.stopped()).await.is_ok();
    let code = match stopped {
        true => signals.code(),
        false => exit_code(status),
    };
    (code, stopped)
}

/// The exit code that tells how the child ended; 256 - N after signal N.
fn exit_code(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => -signal,
        (None, None) => 1,
    };
    // Only the low eight bits reach whoever waits for us.
    code.rem_euclid(256) as u8
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_signal_counts_down_from_256() {
        assert_eq!(exit_code(ExitStatus::from_raw(9)), 247);
        assert_eq!(exit_code(ExitStatus::from_raw(1)), 255);
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), 7);
    }

    #[test]
    fn path_grows_only_where_j_is_missing() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("own");
        let other = root.path().join("other");
        let install = |folder: &Path| {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("j"), "").unwrap();
            fs::set_permissions(folder.join("j"), fs::Permissions::from_mode(0o755)).unwrap();
        };
        assert_eq!(extended(other.as_os_str(), &own), None);
        install(&own);
        let path = extended(other.as_os_str(), &own).unwrap();
        let expected = std::env::join_paths([&own, &other]).unwrap();
        assert_eq!(path, expected);
        install(&other);
        assert_eq!(extended(other.as_os_str(), &own), None);
    }
}
