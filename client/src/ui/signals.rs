//! Ctrl-C and SIGTERM.

use std::pin::pin;

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
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for a signal and says which one it was.
    pub(crate) async fn stopped(&mut self) {
        tell(self.next().await);
    }

    /// What to say about the next signal.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT pressed, terminating",
            _ = self.terminate.recv() => "SIGTERM received, terminating",
        }
    }

    /// Does `work` unless a signal comes first.
    pub(crate) async fn or<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let signal = {
            let mut work = pin!(work);
            tokio::select! {
                biased;
                signal = self.next() => signal,
                done = &mut work => return done,
            }
        };
        // The work is gone by now, and with it a raw terminal, on which this would look odd.
        tell(signal);
        Err(Failure::Quiet(Self::STOPPED))
    }
}

/// Listens to one signal, which from now on does not end the process by itself.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::Error(format!("cannot handle signals: {error}")))
}
