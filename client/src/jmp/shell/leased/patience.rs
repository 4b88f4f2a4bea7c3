//! How long to wait for what, and how often to try again.
//!
//! ```text
//! option, else environment, else settings
//! ```

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::backoff::{Backoff, InvalidBackoff, after};
use crate::config::ClientConfig;
use crate::env;
use crate::ui::{Failure, Outcome};

/// Pauses between two leases: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// What the options say.
#[derive(Debug)]
pub(in crate::jmp::shell) struct Patience {
    pub(in crate::jmp::shell) acquisition: Option<Duration>,
    pub(in crate::jmp::shell) dial: Option<Duration>,
    pub(in crate::jmp::shell) retry: Option<Duration>,
}

/// How long one lease may take until a child can start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) acquisition: Duration,
    pub(super) dial: Duration,
}

/// Attempts with one exporter after the other.
#[derive(Debug)]
pub(super) struct Retries {
    patience: Duration,
    until: Option<Instant>,
    /// Between one lease and the next: an exporter that is refused at once must not keep the
    /// controller busy.
    pauses: Backoff,
}

// === impl Patience ===

impl Patience {
    /// For a lease to hold an exporter, and for the exporter to be reached.
    pub(super) fn limits(&self, config: &ClientConfig) -> Result<Limits, Failure> {
        let acquisition = Duration::from_secs(config.leases.acquisition_timeout);
        Ok(Limits {
            acquisition: self.acquisition.unwrap_or(acquisition),
            dial: seconds(self.dial, env::DIAL_TIMEOUT, config.leases.dial_timeout)?,
        })
    }

    /// For all leases together, from the first exporter that could not be reached.
    pub(super) fn retries(&self, config: &ClientConfig) -> Result<Retries, Failure> {
        let configured = config.leases.retry_timeout;
        let patience = seconds(self.retry, env::RETRY_TIMEOUT, configured)?;
        Retries::new(patience).map_err(|error| Failure::Error(error.to_string()))
    }
}

fn seconds(option: Option<Duration>, name: &str, configured: f64) -> Result<Duration, Failure> {
    let number = match (option, env::text(name)) {
        (Some(option), _) => return Ok(option),
        (None, None) => configured,
        (None, Some(text)) => text.trim().parse().map_err(|_| {
            Failure::Error(format!("{name} must be a number of seconds, not '{text}'"))
        })?,
    };
    Duration::try_from_secs_f64(number)
        .map_err(|_| Failure::Error(format!("{name}: {number} is no length of time in seconds")))
}

// === impl Retries ===

impl Retries {
    fn new(patience: Duration) -> Result<Self, InvalidBackoff> {
        Ok(Self {
            patience,
            until: None,
            pauses: Backoff::new(PAUSES.0, PAUSES.1, 0.2)?,
        })
    }

    /// A moment of rest before the next attempt.
    pub(super) async fn pause(&mut self) -> Result<(), Failure> {
        sleep(self.pauses.next_delay()).await;
        Ok(())
    }

    /// What comes of an exporter that cannot be reached: nothing, if there is time for another
    /// attempt.
    pub(super) fn decide(&mut self, exporter: &str, why: &str) -> Option<Outcome> {
        let until = *self.until.get_or_insert_with(|| after(self.patience));
        if Instant::now() >= until {
            let seconds = self.patience.as_secs_f64();
            let message = format!(
                "Exporter {exporter} unreachable after {seconds}s of retrying (Caused by: {why})"
            );
            return Some(Err(Failure::Error(message)));
        }
        warn!("{why}");
        warn!("Exporter {exporter} is unreachable, releasing lease and retrying...");
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_begins_with_the_first_failure() {
        let mut retries = Retries::new(Duration::from_secs(300)).unwrap();
        tokio::time::advance(Duration::from_secs(1000)).await;
        for _ in 0..3 {
            assert!(retries.decide("board", "gone").is_none());
            tokio::time::advance(Duration::from_secs(100)).await;
        }
        let Some(Err(Failure::Error(message))) = retries.decide("board", "gone") else {
            panic!("there is no time left");
        };
        assert!(
            message.starts_with("Exporter board unreachable after 300s of retrying"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn without_patience_there_is_one_attempt() {
        let mut retries = Retries::new(Duration::ZERO).unwrap();
        assert!(retries.decide("board", "gone").is_some());
    }

    #[test]
    fn options_come_first_and_then_settings() {
        let option = Some(Duration::from_secs(7));
        let unset = "JMP_A_VARIABLE_THAT_NOBODY_SETS";
        assert_eq!(
            seconds(option, unset, 60.0).unwrap(),
            Duration::from_secs(7)
        );
        assert_eq!(
            seconds(None, unset, 0.5).unwrap(),
            Duration::from_millis(500)
        );
    }
}
