//! Characters per second, for devices that lose what comes too fast.

use std::time::Duration;

use jumpstarter_driver::{Error, Result};
use tokio::time::{Instant, sleep_until};

/// The clock that tasks sleep by counts milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// When the next character may go.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    period: Duration,
    next: Option<Instant>,
}

// === impl Pace ===

impl Pace {
    /// The pace of so many characters per second; none for no limit.
    pub(crate) fn new(cps: Option<f64>) -> Result<Option<Self>> {
        // Also no number at all, which no comparison holds for.
        let Some(cps) = cps.filter(|&cps| cps > 0.0) else {
            return Ok(None);
        };
        match Duration::try_from_secs_f64(1.0 / cps) {
            Ok(period) if period < Duration::from_secs(24 * 3600) => {
                Ok(Some(Self { period, next: None }))
            }
            _ => Err(Error::invalid_argument(
                "cps: less than one character a day; leave it out for no limit",
            )),
        }
    }

    /// Waits until the next character may go.
    pub(crate) async fn wait(&mut self) {
        let now = Instant::now();
        let turn = self.next.unwrap_or(now).max(now - self.slack());
        if turn > now {
            sleep_until(turn).await;
        }
        self.next = Some(turn + self.period);
    }

    /// How late a character may be without those after it being late, too: without it, periods
    /// shorter than a tick would all become a tick.
    fn slack(&self) -> Duration {
        if self.period < TICK {
            TICK
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::Pace;

    /// How long so many characters take.
    async fn time(pace: &mut Pace, characters: u32) -> Duration {
        let begun = Instant::now();
        for _ in 0..characters {
            pace.wait().await;
        }
        begun.elapsed()
    }

    /// By a clock that runs only while everybody sleeps.
    fn run(test: impl Future<Output = ()>) {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let builder = builder.enable_time().start_paused(true);
        builder.build().unwrap().block_on(test);
    }

    #[test]
    fn pauses_are_between_characters() {
        run(async {
            let mut pace = Pace::new(Some(100.0)).unwrap().unwrap();
            let taken = time(&mut pace, 11).await;
            assert_eq!(taken, Duration::from_millis(100));
            // Whoever types slower than that does not wait, and saves nothing up either.
            sleep(Duration::from_millis(100)).await;
            assert_eq!(time(&mut pace, 1).await, Duration::ZERO);
            assert_eq!(time(&mut pace, 3).await, Duration::from_millis(30));
        });
    }

    #[test]
    fn fast_paces_are_kept_on_average() {
        run(async {
            let mut pace = Pace::new(Some(20_000.0)).unwrap().unwrap();
            let taken = time(&mut pace, 4000).await;
            assert!(taken >= Duration::from_millis(198), "{taken:?}");
            assert!(taken <= Duration::from_millis(202), "{taken:?}");
        });
    }

    #[test]
    fn no_number_and_none_above_zero_mean_no_limit() {
        for cps in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
            assert!(Pace::new(cps).unwrap().is_none());
        }
        assert!(Pace::new(Some(1e-9)).is_err());
        assert!(Pace::new(Some(f64::MIN_POSITIVE)).is_err());
        assert!(Pace::new(Some(f64::INFINITY)).unwrap().is_some());
    }
}
