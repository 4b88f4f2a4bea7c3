//! How far a transfer has got, in the log.

use std::time::Duration;

use tokio::time::Instant;

use super::url::Url;
use crate::resource::handle::Method;

/// The log hears no more often than this.
const EVERY: Duration = Duration::from_secs(2);

pub(super) struct Progress {
    what: String,
    total: Option<u64>,
    moved: u64,
    /// When there was a line, and what had been moved then.
    last: (Instant, u64),
}

// === impl Progress ===

impl Progress {
    pub(super) fn new(method: Method, url: &Url, total: Option<u64>) -> Self {
        Self {
            what: format!("Presigned HTTP {method} {url}"),
            total: total.filter(|total| *total > 0),
            moved: 0,
            last: (Instant::now(), 0),
        }
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.moved += bytes as u64;
        let (then, moved) = self.last;
        let passed = then.elapsed();
        if passed >= EVERY {
            tracing::info!("{}", self.line(self.moved - moved, passed));
            self.last = (Instant::now(), self.moved);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "for reading only")]
    fn line(&self, recently: u64, passed: Duration) -> String {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let of = self.total.map_or(String::new(), |total| {
            let percent = self.moved as f64 / total as f64 * 100.0;
            format!(" of {:.1} MiB, {percent:.0} %", mib(total))
        });
        let rate = mib(recently) / passed.as_secs_f64();
        format!(
            "{}: {:.1} MiB{of}, {rate:.1} MiB/s",
            self.what,
            mib(self.moved)
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_says_how_much_how_far_and_how_fast() {
        let url = Url::parse("http://h/image.img?token=secret").unwrap();
        let mut progress = Progress::new(Method::Get, &url, Some(40 << 20));
        progress.add(10 << 20);
        assert_eq!(
            progress.line(4 << 20, Duration::from_secs(2)),
            "Presigned HTTP GET http://h/image.img?[REDACTED]: 10.0 MiB of 40.0 MiB, 25 %, 2.0 MiB/s"
        );
        let endless = Progress::new(Method::Put, &url, None);
        assert_eq!(
            endless.line(0, EVERY),
            "Presigned HTTP PUT http://h/image.img?[REDACTED]: 0.0 MiB, 0.0 MiB/s"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_not_flooded() {
        let url = Url::parse("http://h/").unwrap();
        let mut progress = Progress::new(Method::Get, &url, None);
        progress.add(1);
        assert_eq!(progress.last.1, 0);
        tokio::time::advance(EVERY).await;
        progress.add(2);
        assert_eq!(progress.last.1, 3);
        progress.add(4);
        assert_eq!(progress.last.1, 3);
    }
}
