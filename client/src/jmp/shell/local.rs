//! A shell with the drivers of this machine: `jmp-exporter local` runs for as long as the shell.
//!
//! ```text
//! jmp ── starts ──► jmp-exporter local     stdout: {"socket": …, "motd": …}
//!  │                      ▲
//!  └─ child ── j ─────────┘ socket         stdin closes: it stops
//! ```

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::super::{Logging, exporter};
use super::child::{Plan, shell_code};
use crate::ui::{Failure, Outcome, Signals, print, tell};
use crate::{Allow, env};

/// How long drivers may take to close before the exporter is asked by signal, and then killed.
const CLOSE_WITHIN: Duration = Duration::from_secs(20);
const TERMINATE_WITHIN: Duration = Duration::from_secs(5);

/// The exporter's configuration, and what to see of its log.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) config: PathBuf,
    pub(super) logging: Logging,
    pub(super) exporter_logs: bool,
}

/// The exporter of this shell.
struct Exporter {
    process: Child,
    /// It runs for as long as somebody holds this.
    stdin: ChildStdin,
    /// Held open, so that whatever it may print later does not end it.
    stdout: BufReader<ChildStdout>,
}

/// What it says when it is ready.
#[derive(Deserialize)]
struct Ready {
    socket: String,
    #[serde(default)]
    motd: String,
}

// === impl Local ===

impl Local {
    pub(super) async fn run(self, command: Vec<OsString>) -> Outcome {
        let mut signals = Signals::listen()?;
        let mut exporter = Exporter::start(&self)?;
        let outcome = match signals.or(exporter.ready()).await {
            Ok(ready) => shell(ready, command, &mut exporter, &mut signals).await,
            Err(failure) => Err(failure),
        };
        // Its drivers close even if somebody is in too much of a hurry to see that.
        tokio::select! {
            () = signals.stopped() => {}
            () = exporter.stop() => {}
        }
        outcome
    }

    /// The exporter writes to our stderr, between the output of the child: only what matters.
    fn log_level(&self) -> &str {
        match &self.logging.log_level {
            Some(level) => level,
            None if self.exporter_logs => "INFO",
            None => "WARNING",
        }
    }

    fn log_format(&self) -> &str {
        self.logging.log_format.as_deref().unwrap_or("text")
    }
}

async fn shell(
    ready: Ready,
    command: Vec<OsString>,
    exporter: &mut Exporter,
    signals: &mut Signals,
) -> Outcome {
    if command.is_empty() && !ready.motd.is_empty() {
        print(&ready.motd)?;
    }
    let plan = Plan {
        command,
        context: "local".to_owned(),
        use_profiles: false,
        variables: vec![
            (env::HOST, ready.socket.into()),
            (env::DRIVERS_ALLOW, Allow::UNSAFE.into()),
        ],
    };
    let mut child = plan.start()?;
    let mut stopped = false;
    let mut alive = true;
    let status = loop {
        tokio::select! {
            biased;
            () = signals.stopped() => {
                if std::mem::replace(&mut stopped, true) {
                    return Err(Failure::Quiet(signals.code()));
                }
            }
            status = child.wait() => break status,
            ended = exporter.process.wait(), if alive => {
                alive = false;
                let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                tell(&format!("the exporter of this shell has ended ({how}); leave the shell"));
            }
        }
    };
    let status = status.map_err(|error| Failure::Error(error.to_string()))?;
    Ok(shell_code(status, stopped, signals).await.0)
}

// === impl Exporter ===

impl Exporter {
    fn start(local: &Local) -> Result<Self, Failure> {
        let program = exporter::find()?;
        let mut process = Command::new(&program)
            .args(["--log-level", local.log_level()])
            .args(["--log-format", local.log_format()])
            .args(["local", "--exporter-config"])
            .arg(&local.config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the child; the exporter ends after it, in good order.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                Failure::Error(format!("cannot run `{}`: {error}", program.display()))
            })?;
        match (process.stdin.take(), process.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Self {
                process,
                stdin,
                stdout: BufReader::new(stdout),
            }),
            _ => Err(Failure::Error("the exporter has no pipes".to_owned())),
        }
    }

    /// Waits until its drivers are open.
    async fn ready(&mut self) -> Result<Ready, Failure> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line).await {
            Ok(0) => {
                // It has said why on stderr.
                let status = self.process.wait().await;
                let how =
                    status.map_or_else(|error| error.to_string(), |status| status.to_string());
                Err(Failure::Error(format!(
                    "the exporter did not start ({how})"
                )))
            }
            Ok(_) => serde_json::from_str(&line).map_err(|error| {
                Failure::Error(format!(
                    "the exporter answered with something unexpected: {error}; \
                     are jmp and jmp-exporter of the same release?"
                ))
            }),
            Err(error) => Err(Failure::Error(error.to_string())),
        }
    }

    /// Lets it close its drivers and end.
    async fn stop(self) {
        let Self {
            mut process,
            stdin,
            stdout,
        } = self;
        drop((stdin, stdout));
        if timeout(CLOSE_WITHIN, process.wait()).await.is_ok() {
            return;
        }
        tell("the exporter of this shell does not end by itself, it is being stopped");
        if let Some(id) = process.id().and_then(|id| i32::try_from(id).ok()) {
            let id = nix::unistd::Pid::from_raw(id);
            // An error means that it has ended in this moment.
            nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).ok();
        }
        if timeout(TERMINATE_WITHIN, process.wait()).await.is_err() {
            process.kill().await.ok();
        }
    }
}
