//! Waiting for a lease, with somebody watching or a log.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::time::Instant;
use tracing::{error, info};

use super::time::hours;
use crate::env;
use crate::lease::{Held, Progress};
use crate::ui::Failure;

/// A log is told no more often than this.
const SELDOM: Duration = Duration::from_secs(300);
/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(125);

/// Waits until the lease holds an exporter.
pub(super) async fn acquire(held: &mut Held, patience: Duration) -> Result<(), Failure> {
    let name = held.name().to_owned();
    let mut display = Display::new(&name);
    let ready = held
        .ready(patience, |progress| display.show(&progress))
        .await;
    let failure = ready.err().map(|error| Failure::Error(error.to_string()));
    match failure {
        None => {
            display.finish(&format!("Lease {} acquired successfully!", held.name()));
            Ok(())
        }
        Some(failure) => Err(failure),
    }
}

/// Where progress is shown.
struct Display {
    started: Instant,
    told: Option<Instant>,
    spinner: Option<ProgressBar>,
}

// === impl Display ===

impl Display {
    fn new(lease: &str) -> Self {
        let spinner = is_watched().then(|| spinner(format!("Acquiring lease {lease}...")));
        Self {
            started: Instant::now(),
            told: None,
            spinner,
        }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        match (progress, &self.spinner) {
            (Progress::Waits(_), Some(spinner)) => spinner.set_message(progress.to_string()),
            (Progress::Waits(_), None) => {
                if self.told.is_none_or(|told| told.elapsed() >= SELDOM) {
                    self.told = Some(Instant::now());
                    self.log(&progress.to_string());
                }
            }
            (_, Some(spinner)) => spinner.suspend(|| error!("{progress}")),
            (_, None) => error!("{progress}"),
        }
    }

    fn finish(self, text: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        self.log(text);
    }

    fn log(&self, text: &str) {
        info!("{text} ({})", hours(self.started.elapsed()));
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

fn is_watched() -> bool {
    let refused = env::text(env::NONINTERACTIVE)
        .is_some_and(|word| word == "1" || word.eq_ignore_ascii_case("true"));
    !refused && io::stdout().is_terminal() && io::stderr().is_terminal()
}

fn spinner(text: String) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({clock})") {
        let clock = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A line that cannot be drawn is drawn again soon.
            out.write_str(&hours(state.elapsed())).ok();
        };
        bar.set_style(style.with_key("clock", clock));
    }
    bar.set_message(text);
    bar.enable_steady_tick(TURN);
    bar
}
