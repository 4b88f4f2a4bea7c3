//! How far a transfer is, for whoever watches a terminal; at the end one line for everybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use indicatif::{BinaryBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing::info;

/// With a size there is something to fill, and a time left.
const KNOWN: &str =
    "{bar:30} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
const UNKNOWN: &str = "{spinner} {binary_bytes}  {binary_bytes_per_sec}  {elapsed}";

/// Frames per second.
const RATE: u8 = 8;

/// A progress bar on stderr.
pub(super) struct Bar {
    bar: ProgressBar,
    passed: Arc<AtomicU64>,
    started: Instant,
    /// What was done with the bytes.
    verb: &'static str,
}

// === impl Bar ===

impl Bar {
    pub(super) fn new(verb: &'static str, size: Option<u64>) -> Self {
        let target = if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            ProgressDrawTarget::hidden()
        } else {
            // Hidden as well if it is no terminal.
            ProgressDrawTarget::stderr_with_hz(RATE)
        };
        let bar = ProgressBar::with_draw_target(size, target);
        let template = if size.is_some() { KNOWN } else { UNKNOWN };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            passed: Arc::default(),
            started: Instant::now(),
            verb,
        }
    }

    /// To be told how many bytes have passed.
    pub(super) fn watcher(&self) -> impl FnMut(u64) + Send + 'static {
        let (bar, passed) = (self.bar.clone(), Arc::clone(&self.passed));
        move |bytes| {
            passed.store(bytes, Ordering::Relaxed);
            bar.set_position(bytes);
        }
    }

    /// Says how much it was, and how fast.
    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
        let bytes = self.passed.load(Ordering::Relaxed);
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = (bytes as f64 / seconds.max(0.001)) as u64;
        info!(
            "{} {} in {seconds:.1} s ({}/s)",
            self.verb,
            BinaryBytes(bytes),
            BinaryBytes(rate)
        );
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
