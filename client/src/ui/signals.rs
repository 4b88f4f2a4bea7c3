//! Ctrl-C and SIGTERM, and the end of the terminal for whoever asks for that, too.

use std::pin::pin;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, tell};

/// The signals that ask us to stop.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

/// Which signal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Interrupt,
    Terminate,
    HangUp,
}

// === impl Stop ===

impl Stop {
    /// What to say about it.
    fn sentence(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT pressed, terminating",
            Self::Terminate => "SIGTERM received, terminating",
            Self::HangUp => "SIGHUP received, terminating",
        }
    }
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
            hang_up: None,
        })
    }

    /// The same for SIGHUP: for those who have something to give back.
    pub(crate) fn listen_to_all() -> Result<Self, Failure> {
        Ok(Self {
            hang_up: Some(listen(SignalKind::hangup())?),
            ..Self::listen()?
        })
    }

    /// Waits for a signal and says which one it was.
    pub(crate) async fn stopped(&mut self) {
        self.stop().await;
    }

    /// The same, for whoever wants to know which one it was.
    pub(crate) async fn stop(&mut self) -> Stop {
        let stop = self.next().await;
        tell(stop.sentence());
        stop
    }

    async fn next(&mut self) -> Stop {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Interrupt,
            _ = self.terminate.recv() => Stop::Terminate,
            _ = hang_up => Stop::HangUp,
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
        tell(signal.sentence());
        Err(Failure::Quiet(Self::STOPPED))
    }
}

/// Listens to one signal, which from now on does not end the process by itself.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::Error(format!("cannot handle signals: {error}")))
}
