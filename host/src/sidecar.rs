//! Where an exporter runs in a container that a launcher keeps alive, the launcher has to be told
//! that the lease was the last.
//!
//! `$JUMPSTARTER_LAUNCHER_SOCKET` names the launcher's socket; without it there is no launcher.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// Names the launcher's socket.
const SOCKET: &str = "JUMPSTARTER_LAUNCHER_SOCKET";
/// Where a container has the launcher's program.
const PROGRAM: &str = "/shared/jumpstarter-exec";
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Why the launcher was not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("cannot start `{}`: {source}", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("`{}` did not end within {}s", program.display(), LIMIT.as_secs())]
    TooSlow { program: PathBuf },
    #[error("`{}` failed: {status}", program.display())]
    Failed {
        program: PathBuf,
        status: ExitStatus,
    },
}

/// Tells the launcher, if there is one, to end its container; whether that worked.
pub async fn shutdown() -> bool {
    match std::env::var_os(SOCKET).filter(|socket| !socket.is_empty()) {
        Some(socket) => tell(Path::new(PROGRAM), Path::new(&socket)).await,
        None => false,
    }
}

async fn tell(program: &Path, socket: &Path) -> bool {
    match call(&installed(program, socket), socket).await {
        Ok(()) => {
            tracing::info!("Told the launcher to shut down");
            true
        }
        Err(error) => {
            tracing::warn!("The launcher was not told to shut down: {error}");
            false
        }
    }
}

/// Where it is meant to be, else beside the socket.
fn installed(program: &Path, socket: &Path) -> PathBuf {
    if program.is_file() {
        return program.to_owned();
    }
    socket.with_file_name(program.file_name().unwrap_or_default())
}

async fn call(program: &Path, socket: &Path) -> Result<(), Untold> {
    let owned = || program.to_owned();
    let mut child = Command::new(program)
        .arg("shutdown")
        .arg("--socket")
        .arg(socket)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Untold::Start {
            program: owned(),
            source,
        })?;
    let status = timeout(LIMIT, child.wait())
        .await
        .map_err(|_| Untold::TooSlow { program: owned() })?
        .map_err(|source| Untold::Start {
            program: owned(),
            source,
        })?;
    if status.success() {
        Ok(())
    } else {
        Err(Untold::Failed {
            program: owned(),
            status,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Launcher(tempfile::TempDir);

    impl Launcher {
        fn new(script: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let draft = folder.path().join("draft");
            fs::write(&draft, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
            // Written by another process: what a test beside this one starts would inherit ours, and
            // a program that anybody has open for writing cannot be run.
            let program = folder.path().join("jumpstarter-exec");
            let copied = std::process::Command::new("cp")
                .args([&draft, &program])
                .status();
            assert!(copied.unwrap().success());
            Self(folder)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }
    }

    #[tokio::test]
    async fn without_a_launcher_nothing_happens() {
        assert!(std::env::var_os(SOCKET).is_none());
        assert!(!shutdown().await);
    }

    #[tokio::test]
    async fn the_launcher_is_told() {
        let launcher = Launcher::new("echo \"$@\" > \"$(dirname \"$0\")/said\"");
        let socket = launcher.file("launcher.sock");
        assert!(tell(&launcher.file("jumpstarter-exec"), &socket).await);
        let said = fs::read_to_string(launcher.file("said")).unwrap();
        assert_eq!(
            said.trim(),
            format!("shutdown --socket {}", socket.display())
        );
    }

    #[tokio::test]
    async fn a_launcher_beside_its_socket_is_found() {
        let launcher = Launcher::new("touch \"$(dirname \"$0\")/said\"");
        let elsewhere = Path::new("/nowhere/jumpstarter-exec");
        assert!(tell(elsewhere, &launcher.file("launcher.sock")).await);
        assert!(launcher.file("said").exists());
    }

    #[tokio::test]
    async fn a_launcher_that_fails_or_is_missing_harms_nobody() {
        let launcher = Launcher::new("exit 3");
        let socket = launcher.file("launcher.sock");
        assert!(!tell(&launcher.file("jumpstarter-exec"), &socket).await);
        fs::set_permissions(
            launcher.file("jumpstarter-exec"),
            fs::Permissions::from_mode(0o644),
        )
        .unwrap();
        assert!(!tell(&launcher.file("jumpstarter-exec"), &socket).await);
        fs::remove_file(launcher.file("jumpstarter-exec")).unwrap();
        assert!(!tell(&launcher.file("jumpstarter-exec"), &socket).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_launcher_that_hangs_is_given_up() {
        let launcher = Launcher::new("exec sleep 1000");
        assert!(!tell(&launcher.file("jumpstarter-exec"), &launcher.file("s")).await);
    }
}
