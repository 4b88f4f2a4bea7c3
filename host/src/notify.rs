//! Tells systemd how the exporter is doing: started, alive, stopping.
//!
//! Without systemd (no `$NOTIFY_SOCKET`) all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

/// The exporter serves. Units that wait for it may start.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    // A line break would end it and begin another variable.
    let line = line.replace(['\n', '\r'], " ");
    tell(&[NotifyState::Status(&line)]);
}

/// The exporter winds up; whoever waits for its end knows that it has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How often the service manager wants a sign of life, if it does.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

/// Gives signs of life for as long as the threads that answer calls get to run it; twice as often as
/// asked for, so that one may come late. Never ends if none are wanted.
pub async fn stay_alive() {
    let Some(limit) = watchdog() else {
        return std::future::pending().await;
    };
    let mut ticks = interval(limit / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd does not listen");
    }
}
