//! When an exporter gives up: too many failures in a row, each soon after its start.
//!
//! One failure is bad luck and worth another try. The same failure again and again is for whoever
//! supervises the exporter, a service manager or a container platform, to see.

use std::time::Duration;

use crate::config::FailureDetection;

/// Counts failures that came soon.
#[derive(Clone, Debug)]
pub struct RapidFailures {
    most: u64,
    window: Duration,
    count: u64,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try once more.
    Again,
    /// Stop, so that somebody notices.
    TooMany,
}

// === impl RapidFailures ===

impl RapidFailures {
    /// None so far. Limits that make no sense count as zero: the first quick failure is too many.
    pub fn new(limits: FailureDetection) -> Self {
        Self {
            most: u64::try_from(limits.max_rapid_failures).unwrap_or(0),
            window: Duration::from_secs(u64::try_from(limits.rapid_failure_window).unwrap_or(0)),
            count: 0,
        }
    }

    /// Something failed this long after it started.
    pub fn failed(&mut self, after: Duration) -> Verdict {
        if after >= self.window {
            tracing::info!(
                "Ran for {:.1}s, resetting rapid failure counter",
                after.as_secs_f64()
            );
            self.count = 0;
            return Verdict::Again;
        }
        self.count += 1;
        tracing::warn!(
            "Failed after {:.1}s (<{}s), rapid failure {}/{}",
            after.as_secs_f64(),
            self.window.as_secs(),
            self.count,
            self.most
        );
        if self.count >= self.most {
            Verdict::TooMany
        } else {
            Verdict::Again
        }
    }

    /// Something worked.
    pub fn succeeded(&mut self) {
        self.count = 0;
    }

    /// The last words of an exporter that gives up.
    pub fn farewell(&self) -> String {
        format!(
            "Exporter child process failed {} times within {}s each. Exiting to allow \
             container/service restart.",
            self.most,
            self.window.as_secs()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(300);

    fn failures(most: i64, window: i64) -> RapidFailures {
        RapidFailures::new(FailureDetection {
            max_rapid_failures: most,
            rapid_failure_window: window,
        })
    }

    #[test]
    fn five_quick_failures_are_too_many() {
        let mut failures = RapidFailures::new(FailureDetection::default());
        for _ in 0..4 {
            assert_eq!(failures.failed(SOON), Verdict::Again);
        }
        assert_eq!(failures.failed(SOON), Verdict::TooMany);
        assert!(failures.farewell().contains("failed 5 times within 60s"));
    }

    #[test]
    fn a_long_life_starts_the_count_again() {
        let mut failures = failures(2, 60);
        assert_eq!(failures.failed(SOON), Verdict::Again);
        assert_eq!(failures.failed(Duration::from_secs(60)), Verdict::Again);
        assert_eq!(failures.failed(SOON), Verdict::Again);
        assert_eq!(failures.failed(SOON), Verdict::TooMany);
    }

    #[test]
    fn a_success_starts_the_count_again() {
        let mut failures = failures(2, 60);
        assert_eq!(failures.failed(SOON), Verdict::Again);
        failures.succeeded();
        assert_eq!(failures.failed(SOON), Verdict::Again);
    }

    #[test]
    fn the_limits_are_those_of_the_configuration() {
        assert_eq!(failures(1, 60).failed(SOON), Verdict::TooMany);
        assert_eq!(failures(-3, 60).failed(SOON), Verdict::TooMany);
        assert_eq!(failures(1, 0).failed(SOON), Verdict::Again);
    }
}
