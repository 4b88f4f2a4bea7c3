//! The signals that ask us to stop: Ctrl-C and Ctrl-\, SIGTERM, and a terminal that goes away.

use std::fs;
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::{Failure, tell};

/// A SIGTERM this soon after the first is the same one: programs that stop others, such as `timeout`,
/// send theirs to us and then to everybody.
const TWICE: Duration = Duration::from_millis(250);

/// The signals that ask us to stop.
///
/// All of them are handled alike, because what must be done at the end must be done after each.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    quit: Signal,
    terminate: Signal,
    /// None after the first signal, and under `nohup`: whoever ignores it wants us to go on.
    hangup: Option<Signal>,
    terminated: Option<Instant>,
    code: u8,
}

// === impl Signals ===

impl Signals {
    /// Exit code of a command that Ctrl-C or SIGTERM ended.
    const STOPPED: u8 = 2;
    /// After others it is what shells report for a program that the signal has killed.
    pub(crate) const HUNG_UP: u8 = 128 + 1;
    const QUIT: u8 = 128 + 3;

    /// From now on these signals do not end the process by themselves.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let hangup = SignalKind::hangup();
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            quit: listen(SignalKind::quit())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: if is_ignored(hangup) {
                None
            } else {
                Some(listen(hangup)?)
            },
            terminated: None,
            code: Self::STOPPED,
        })
    }

    /// Waits for a signal and says which one it was.
    pub(crate) async fn stopped(&mut self) {
        tell(self.next().await);
    }

    /// Exit code of a command that the last signal ended.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// What to say about the next signal.
    async fn next(&mut self) -> &'static str {
        let hangup = &mut self.hangup;
        let hung_up = async {
            match hangup {
                Some(hangup) => hangup.recv().await,
                None => pending().await,
            }
        };
        let terminate = &mut self.terminate;
        let last = &mut self.terminated;
        let terminated = async {
            loop {
                terminate.recv().await;
                let now = Instant::now();
                if last.replace(now).is_none_or(|last| now - last > TWICE) {
                    return;
                }
            }
        };
        let (text, code) = tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT pressed, terminating", Self::STOPPED),
            _ = self.quit.recv() => ("SIGQUIT pressed, terminating", Self::QUIT),
            () = terminated => ("SIGTERM received, terminating", Self::STOPPED),
            _ = hung_up => ("SIGHUP received, terminating", Self::HUNG_UP),
        };
        // Shells and service managers send it along with other signals, and twice: it shows no hurry.
        self.hangup = None;
        self.code = code;
        text
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
        Err(Failure::Quiet(self.code))
    }

    /// Does what is left to do, which only somebody at the keyboard may cut short: programs that
    /// stop others, such as `timeout`, send their signal twice.
    pub(crate) async fn or_in_a_hurry(
        &mut self,
        work: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => Err(Failure::Quiet(Self::STOPPED)),
            _ = self.quit.recv() => Err(Failure::Quiet(Self::QUIT)),
            () = work => Ok(()),
        }
    }
}

/// Listens to one signal, which from now on does not end the process by itself.
pub(crate) fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::Error(format!("cannot handle signals: {error}")))
}

/// Whether whoever started us has told the system to ignore it; to listen would undo that.
fn is_ignored(kind: SignalKind) -> bool {
    // Where there is no such file it counts as not ignored, as for most programs.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (kind.as_raw_value() - 1)) != 0)
}
