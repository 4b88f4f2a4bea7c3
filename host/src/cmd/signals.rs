//! The signals that stop an exporter.

use std::io;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::lease::Stopping;
use crate::life;

/// The same signal again so soon is the same wish: `timeout`, for one, signals the program it has
/// started and then its whole group. Nobody types that fast.
const ECHO: Duration = Duration::from_millis(100);

/// From here on, these signals reach the program instead of ending it.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hangup: Signal,
}

/// A signal that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    kind: SignalKind,
    pub(super) name: &'static str,
}

/// Knows a signal that came twice from one that was sent twice.
#[derive(Debug, Default)]
struct Echoes {
    last: Option<(SignalKind, Instant)>,
}

// === impl Signals ===

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) -> Stop {
        let (kind, name) = tokio::select! {
            _ = self.interrupt.recv() => (SignalKind::interrupt(), "SIGINT"),
            _ = self.terminate.recv() => (SignalKind::terminate(), "SIGTERM"),
            _ = self.quit.recv() => (SignalKind::quit(), "SIGQUIT"),
            _ = self.hangup.recv() => (SignalKind::hangup(), "SIGHUP"),
        };
        Stop { kind, name }
    }

    /// Waits for the next one that is not typed at the terminal: Ctrl-C there is for the program
    /// that the shell runs, and reaches everything started from it.
    pub(super) async fn not_typed(&mut self) -> Stop {
        loop {
            let stop = self.next().await;
            if !matches!(stop.name, "SIGINT" | "SIGQUIT") {
                return stop;
            }
        }
    }

    /// Passes them on: the first, and one that asks for more. Returns at the third that wants the
    /// end now; then nothing else has helped.
    pub(super) async fn pass_on(&mut self, stops: mpsc::Sender<life::Stop>) -> Stop {
        let (mut now, mut later) = (0, false);
        let mut echoes = Echoes::default();
        loop {
            let stop = self.next().await;
            if echoes.is_one(stop.kind, Instant::now()) {
                continue;
            }
            let how = stop.how();
            match how {
                Stopping::Now => now += 1,
                // Nothing that has been asked for, or more, is asked for again.
                Stopping::AfterLease if later || now > 0 => continue,
                Stopping::AfterLease => later = true,
            }
            let passed = stops.try_send(life::Stop {
                how,
                code: stop.exit_code(),
                signal: stop.name,
            });
            if now > 2 || passed.is_err() {
                return stop;
            }
        }
    }
}

// === impl Stop ===

impl Stop {
    /// A hangup may wait for the lease.
    fn how(self) -> Stopping {
        match self.kind == SignalKind::hangup() {
            true => Stopping::AfterLease,
            false => Stopping::Now,
        }
    }

    /// 128 and the number, as shells report a program that a signal ended.
    pub(super) fn exit_code(self) -> u8 {
        // All four are below 16.
        128 + self.kind.as_raw_value() as u8
    }
}

// === impl Echoes ===

impl Echoes {
    /// Whether this is only the last one again.
    fn is_one(&mut self, kind: SignalKind, now: Instant) -> bool {
        if let Some((last, at)) = self.last
            && last == kind
            && now.duration_since(at) < ECHO
        {
            return true;
        }
        self.last = Some((kind, now));
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_twice_at_once_was_sent_once() {
        let (term, int) = (SignalKind::terminate(), SignalKind::interrupt());
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut echoes = Echoes::default();
        assert!(!echoes.is_one(term, at(0)));
        assert!(echoes.is_one(term, at(1)));
        assert!(echoes.is_one(term, at(99)), "a third does not prolong it");
        assert!(!echoes.is_one(term, at(100)));
        assert!(!echoes.is_one(int, at(101)), "another one is another wish");
        assert!(!echoes.is_one(term, at(102)));
    }
}
