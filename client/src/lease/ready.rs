//! Waiting for a lease to hold an exporter.

use std::fmt;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{AskError, Held, Lease, Phase, ReadyError};
use crate::backoff::chance;

/// Pauses between questions: short while a free exporter is being found, long in a queue.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Pauses after questions that were not answered.
const AFTER_FAILURE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(120));

/// What there is to tell while somebody waits for a lease.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// What the controller says.
    Waits(&'a Phase),
    /// It does not say anything, and will be asked again.
    Trouble {
        /// The lease.
        lease: &'a str,
        /// What came instead.
        error: &'a AskError,
    },
}

// === impl Held ===

impl Held {
    /// Waits until the lease holds an exporter, telling `progress` again and again what it waits for.
    ///
    /// A controller that does not answer, or refuses to, is asked again for as long as `patience`.
    ///
    /// # Errors
    ///
    /// When there will be no exporter, or not in time.
    pub async fn ready(
        &mut self,
        patience: Duration,
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<&Lease, ReadyError> {
        let waited = timeout(patience, self.wait(&mut progress)).await;
        match waited {
            Ok(waited) => waited.map(|()| &self.lease),
            Err(_) => Err(ReadyError::TimedOut {
                lease: self.name().to_owned(),
                patience,
            }),
        }
    }

    async fn wait(&mut self, progress: &mut impl FnMut(Progress<'_>)) -> Result<(), ReadyError> {
        let mut pauses = Pauses::new();
        loop {
            match self.leases.get(self.name()).await {
                Ok(lease) => self.lease = lease,
                Err(error) => {
                    let lease = self.name();
                    progress(Progress::Trouble {
                        lease,
                        error: &error,
                    });
                    sleep(pauses.after_failure()).await;
                    continue;
                }
            }
            let phase = self.lease.phase();
            match &phase {
                Phase::Ready => return Ok(()),
                Phase::NoExporter(_) if self.is_ours() => {
                    progress(Progress::Waits(&phase));
                    sleep(PAUSES.1).await;
                    self.ask_again().await?;
                    continue;
                }
                Phase::NoExporter(why) | Phase::Unsatisfiable(why) => {
                    return Err(ReadyError::Unsatisfiable(why.clone()));
                }
                Phase::Invalid(why) => return Err(ReadyError::Invalid(why.clone())),
                Phase::NotPending => return Err(ReadyError::NotPending(self.name().to_owned())),
                Phase::Over(_) => {
                    let (lease, why) = (self.name().to_owned(), phase.to_string());
                    return Err(ReadyError::Over { lease, why });
                }
                Phase::Pending(_) | Phase::Unknown => {}
            }
            progress(Progress::Waits(&phase));
            sleep(pauses.after_answer()).await;
        }
    }

    /// Asks for the same once more, under a name that is known before there is an answer: whatever
    /// happens meanwhile, it can be given back.
    async fn ask_again(&mut self) -> Result<(), AskError> {
        let Some(request) = &self.request else {
            return Ok(());
        };
        // What is of no use must not stand in anybody's way; that it is gone already is fine.
        self.leases.delete(self.name()).await.ok();
        self.again += 1;
        let first = self.lease.name.split("-again-").next().unwrap_or_default();
        let name = format!("{first}-again-{}", self.again);
        let mut request = request.clone();
        request.lease_id = Some(name.clone());
        self.lease.name = name;
        self.lease = self.leases.create(&request).await?;
        Ok(())
    }
}

/// How long to wait between questions.
struct Pauses {
    step: u32,
    failures: u32,
}

// === impl Pauses ===

impl Pauses {
    fn new() -> Self {
        Self {
            step: 0,
            failures: 0,
        }
    }

    fn after_answer(&mut self) -> Duration {
        self.failures = 0;
        let pause = doubled(PAUSES, self.step);
        self.step = self.step.saturating_add(1);
        pause
    }

    /// Up to a second is left to chance, so that not all who wait come back at once.
    fn after_failure(&mut self) -> Duration {
        let pause = doubled(AFTER_FAILURE, self.failures);
        self.failures = self.failures.saturating_add(1);
        (pause + Duration::from_secs_f64(chance())).min(AFTER_FAILURE.1)
    }
}

fn doubled((first, most): (Duration, Duration), times: u32) -> Duration {
    let factor = 2_u32.checked_pow(times);
    let pause = factor.and_then(|factor| first.checked_mul(factor));
    pause.map_or(most, |pause| pause.min(most))
}

impl fmt::Display for Progress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waits(phase) => phase.fmt(f),
            Self::Trouble { lease, error } => {
                write!(f, "Error while getting lease {lease}: {error}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn in_a_queue_questions_become_rare() {
        let mut pauses = Pauses::new();
        let pauses: Vec<_> = (0..7).map(|_| pauses.after_answer().as_millis()).collect();
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
    }

    proptest! {
        #[test]
        fn failures_make_patient(failures in 1_u32..60) {
            let mut pauses = Pauses::new();
            let mut last = Duration::ZERO;
            for _ in 0..failures {
                last = pauses.after_failure();
            }
            let least = Duration::from_secs(2_u64.saturating_pow(failures - 1).min(120));
            prop_assert!(last >= least);
            prop_assert!(last <= (least + Duration::from_secs(1)).min(AFTER_FAILURE.1));
            pauses.after_answer();
            prop_assert!(pauses.after_failure() <= Duration::from_secs(2));
        }
    }
}
