//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, tell};

/// The signals that ask us to stop.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

// === impl Signals ===

impl Signals {
    /// Exit code of a command that a signal ended.
    pub(crate) const STOPPED: u8 = 2;

    /// From now on these signals do not end the process by themselves.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::Error(format!("cannot handle signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal and says which one it was.
    pub(crate) async fn stopped(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => tell("SIGINT pressed, terminating"),
            _ = self.terminate.recv() => tell("SIGTERM received, terminating"),
        }
    }

    /// Does `work` unless a signal comes first.
    pub(crate) async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(Failure::Quiet(Self::STOPPED)),
            done = work => done,
        }
    }
}
