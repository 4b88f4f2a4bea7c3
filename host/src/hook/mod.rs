//! What the owner of a bench wants done before a lease begins and after it has ended.
//!
//! ```text
//!   Job ──> argv           which command that is
//!       ──> environment    what it finds around itself
//!       ──> motd           a file it may leave a greeting in
//!       ──> Running ──┬──> spawn     a session of its own, a terminal that is not its own
//!                     ├──> Screen    the exporter's side of that terminal
//!                     │      └─> Output ─> Voice, a thread: Lines, one log line each
//!                     └──> Members   everything it has started
//! ```
//!
//! A hook is somebody's shell script with the exporter's rights, so everything may be expected of it
//! but manners: it prints without end, ignores signals, waits for input that never comes, and leaves
//! processes behind. What counts is that [`Job::run`] comes back, within its time limit and a few
//! seconds, and that nothing of the hook is left then.

mod argv;
mod environment;
mod lines;
mod members;
mod motd;
mod output;
mod running;
mod screen;
mod spawn;
mod voice;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::config::{Hook, OnFailure};
use crate::lease::{Ended, When};

use argv::Argv;
use motd::Greeting;
use running::{Failure, Running};

/// One run of a hook.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to run.
    pub hook: Hook,
    /// On which side of the lease.
    pub when: When,
    /// The lease's name.
    pub lease: String,
    /// Whose lease it is; empty if nobody knows.
    pub client: String,
    /// Where `j` reaches this exporter.
    pub socket: PathBuf,
}

/// What has become of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it ended.
    pub ended: Ended,
    /// What it wants clients to be greeted with, in addition to what the configuration says. Only of a
    /// hook before the lease, and only if the lease goes on.
    pub motd: Option<String>,
}

// === impl Job ===

impl Job {
    /// Runs the hook to its end. All that it prints is logged while it runs.
    ///
    /// When this returns, nothing that the hook has started is left in its session. If it is
    /// cancelled, the hook is asked to end and killed five seconds later. If the future is dropped,
    /// it is killed at once.
    pub async fn run(self, cancel: CancellationToken) -> Ran {
        let Some(argv) = Argv::of(&self.hook) else {
            let ended = Ended::Ok;
            return Ran { ended, motd: None };
        };
        let (side, lease) = (self.side(), &self.lease);
        tracing::info!("Executing {side}-lease hook for lease {lease}");
        let greeting = match self.when {
            When::Before => Greeting::create(),
            When::After => None,
        };
        let result = self.execute(&argv, greeting.as_ref(), &cancel).await;
        let ended = self.tell(result);
        let goes_on = match &ended {
            Ended::Ok => true,
            Ended::Failed(_) => self.hook.on_failure == OnFailure::Warn,
            Ended::Unexpected(_) | Ended::Killed => false,
        };
        let greeting = greeting.filter(|_| goes_on);
        let motd = greeting.and_then(|greeting| greeting.read());
        Ran { ended, motd }
    }

    async fn execute(
        &self,
        argv: &Argv,
        greeting: Option<&Greeting>,
        cancel: &CancellationToken,
    ) -> Result<(), Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let variables = environment::variables(self, greeting.map(Greeting::path));
        let running = Running::start(argv, variables, self.logger())?;
        running.finish(self.hook.timeout, cancel).await
    }

    /// Says in the log how it went. Clients see the lines of the hook's own logger without asking.
    fn tell(&self, result: Result<(), Failure>) -> Ended {
        let (side, logger) = (self.side(), self.logger());
        let failure = match result {
            Ok(()) => {
                tracing::info!("{side}Lease hook completed successfully");
                return Ended::Ok;
            }
            Err(failure) => failure,
        };
        let text = failure.to_string();
        match failure {
            Failure::Cancelled => {
                tracing::debug!("{side}Lease hook stopped");
                return Ended::Killed;
            }
            Failure::Unexpected { .. } => {
                tracing::error!(target: "hook", logger, "{text}");
                return Ended::Unexpected(text);
            }
            Failure::TimedOut(_) => tracing::error!(target: "hook", logger, "{text}"),
            Failure::Spawn { .. } | Failure::Code(_) => {}
        }
        match self.hook.on_failure {
            OnFailure::Warn => tracing::warn!(
                target: "hook",
                logger,
                "{text} (on_failure=warn, continuing)"
            ),
            other => tracing::error!(
                target: "hook",
                logger,
                "{text} (on_failure={}, raising exception)",
                other.name()
            ),
        }
        Ended::Failed(text)
    }

    fn side(&self) -> &'static str {
        match self.when {
            When::Before => "before",
            When::After => "after",
        }
    }

    /// Who speaks when the hook does.
    fn logger(&self) -> &'static str {
        match self.when {
            When::Before => "hook.beforeLease",
            When::After => "hook.afterLease",
        }
    }
}
