//! `jmp auth`: the token, and what keeps it alive.

mod refresh;
mod rotate;
mod status;

use clap::Subcommand;
use jiff::Timestamp;

use crate::cli::CommandLine;
use crate::ui::Outcome;

/// Look at and renew the token
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Status(status::Cmd),
    Refresh(refresh::Cmd),
    Rotate(rotate::Cmd),
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        match self.what {
            What::Status(cmd) => cmd.run(line),
            What::Refresh(cmd) => cmd.run(line).await,
            What::Rotate(cmd) => cmd.run(line).await,
        }
    }
}

/// `2h 5m`, `59m 7s`, `12s`, without a sign.
pub(super) fn span(seconds: f64) -> String {
    // Far beyond any token's life the number is as large as it can be.
    let seconds = seconds.abs() as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

/// `2026-11-22 09:00:00 UTC`.
fn moment(seconds: f64) -> String {
    // Numbers beyond the calendar become its ends.
    let time = Timestamp::from_second(seconds as i64);
    let time = time.unwrap_or(if seconds < 0.0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    });
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_parts_at_most() {
        for (seconds, expected) in [
            (7_500.0, "2h 5m"),
            (3_547.9, "59m 7s"),
            (12.2, "12s"),
            (-65.0, "1m 5s"),
            (0.0, "0s"),
            (360_000.0, "100h 0m"),
        ] {
            assert_eq!(span(seconds), expected);
        }
        assert_eq!(moment(1_700_000_000.0), "2023-11-14 22:13:20 UTC");
        assert!(moment(1e300).starts_with("9999-12-"));
    }
}
