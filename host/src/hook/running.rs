//! A hook from its start until nothing of it is left.
//!
//! ```text
//!                  ended by itself          time is up, or cancelled
//!                        │                            │
//!              listen to late output      SIGTERM ── 5 s ──> SIGKILL
//!                        │                            │
//!            leftovers: SIGTERM, SIGKILL      listen to last words
//! ```
//!
//! Its terminal is read all the time: a process that cannot print does not get on, and one that is
//! asked to end often has something to say.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::process::Child;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::argv::Argv;
use super::environment::Variable;
use super::members::Members;
use super::output::Output;
use super::screen::Screen;
use super::spawn::spawn;
use super::voice::Voice;

/// What a hook gets to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// What those get that a hook has left behind. Nobody knows of them any more, and a client waits.
const LEFTOVERS: Duration = Duration::from_secs(1);
/// How long the end of a killed process may take.
const KILLED: Duration = Duration::from_secs(1);
/// How often to look whether a session is empty.
const LOOK: Duration = Duration::from_millis(50);
/// What helps where Python is missing.
const OTHER_PYTHON: &str = "; set `JMP_PYTHON` to the Python to use";
/// What helps where `exec` looks like a command line.
const ONE_PROGRAM: &str = "; `exec` is one program without options";

/// Why a hook did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("Error executing hook: cannot start `{program}`: {source}{advice}")]
    Spawn {
        program: String,
        source: io::Error,
        advice: &'static str,
    },
    /// A signal is a negative code.
    #[error("Hook failed with exit code {0}")]
    Code(i32),
    #[error("Hook timed out after {0} seconds")]
    TimedOut(i64),
    #[error("{what}: {source}")]
    Unexpected {
        what: &'static str,
        source: io::Error,
    },
    #[error("Hook was stopped")]
    Cancelled,
}

/// A running hook. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Running {
    stage: Stage,
    voice: Voice,
}

/// The processes and what they print.
#[derive(Debug)]
struct Stage {
    leader: Child,
    /// The leader has ended and was waited for.
    waited: bool,
    members: Members,
    output: Output,
}

// === impl Running ===

impl Running {
    pub(super) fn start(
        argv: &Argv,
        variables: impl IntoIterator<Item = Variable>,
        logger: &'static str,
    ) -> Result<Self, Failure> {
        let terminal = Screen::open();
        let (screen, programs) = terminal.map_err(|source| Failure::Unexpected {
            what: "cannot get a terminal for the hook",
            source,
        })?;
        let leader = spawn(argv, variables, programs).map_err(|source| Failure::Spawn {
            program: argv.program.display().to_string(),
            advice: advice(argv),
            source,
        })?;
        let number = leader.id();
        let members = Members::of(number).ok_or_else(|| Failure::Unexpected {
            what: "the hook has no process number",
            source: io::Error::from(io::ErrorKind::NotFound),
        })?;
        let program = argv.program.display();
        tracing::debug!(pid = number, "hook started with `{program}`");
        let (chunks, voice) = Voice::start(logger);
        let stage = Stage {
            leader,
            waited: false,
            members,
            output: Output::new(screen, chunks),
        };
        Ok(Self { stage, voice })
    }

    /// Waits for the end of the hook, which comes after `timeout` seconds at the latest, and ends
    /// whatever it has left.
    pub(super) async fn finish(
        self,
        timeout: i64,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        let Self { mut stage, voice } = self;
        let limit = Duration::from_secs(timeout.try_into().unwrap_or(0));
        let result = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Failure::Cancelled),
            status = stage.end() => succeeded(status),
            () = sleep(limit) => Err(Failure::TimedOut(timeout)),
        };
        match result {
            Err(Failure::Cancelled | Failure::TimedOut(_)) => {
                stage.clear(GRACE).await;
                stage.output.drain().await;
            }
            _ => {
                stage.output.drain().await;
                stage.clear(LEFTOVERS).await;
            }
        }
        // The terminal closes, and the voice knows that this was all.
        drop(stage);
        voice.finish().await;
        result
    }
}

// === impl Stage ===

impl Stage {
    /// Waits for the leader, and hands on what appears meanwhile.
    async fn end(&mut self) -> io::Result<ExitStatus> {
        let status = tokio::select! {
            status = self.leader.wait() => status,
            never = self.output.follow() => never,
        };
        self.waited = true;
        status
    }

    /// Ends whoever is left.
    async fn clear(&mut self, grace: Duration) {
        if self.is_clear() {
            return;
        }
        tracing::debug!("ending the hook's processes");
        self.members.signal(Signal::SIGTERM);
        // One that is stopped, for example because it wanted to read from a terminal.
        self.members.signal(Signal::SIGCONT);
        if self.clears_within(grace, None).await {
            return;
        }
        tracing::debug!("killing the hook's processes");
        if !self.clears_within(KILLED, Some(Signal::SIGKILL)).await {
            let members = &self.members;
            tracing::warn!("cannot end all that the hook has started: {members}");
        }
    }

    /// Waits until nobody is left. Who is, gets `signal` again and again: some may have been started
    /// while others ended.
    async fn clears_within(&mut self, patience: Duration, signal: Option<Signal>) -> bool {
        let until = Instant::now() + patience;
        while !self.is_clear() {
            if Instant::now() >= until {
                return false;
            }
            if let Some(signal) = signal {
                self.members.signal(signal);
            }
            self.output.follow_until(Instant::now() + LOOK).await;
        }
        true
    }

    fn is_clear(&mut self) -> bool {
        if !self.waited {
            // An error means that nobody is there to be waited for.
            self.waited = !matches!(self.leader.try_wait(), Ok(None));
        }
        !self.members.look(self.waited) && self.waited
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_clear() {
            self.members.signal(Signal::SIGKILL);
        }
    }
}

fn succeeded(status: io::Result<ExitStatus>) -> Result<(), Failure> {
    let status = status.map_err(|source| Failure::Unexpected {
        what: "cannot wait for the hook",
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    let signal = status.signal().map(|signal| -signal);
    Err(Failure::Code(status.code().or(signal).unwrap_or(-1)))
}

/// What may help where the program of a hook cannot be started.
fn advice(argv: &Argv) -> &'static str {
    if argv.python {
        OTHER_PYTHON
    } else if argv.program.to_string_lossy().contains(' ') {
        ONE_PROGRAM
    } else {
        ""
    }
}
