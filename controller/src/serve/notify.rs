//! Tells systemd how the controller is doing. Without systemd (no `$NOTIFY_SOCKET`) it does nothing.

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

/// The controller serves.
pub(super) fn ready(line: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(line)]);
}

/// Settings are read again; `ready` follows.
pub(super) fn reloading() {
    let mut state = vec![NotifyState::Reloading];
    // systemd tells this reload from the one before by the time.
    state.extend(NotifyState::monotonic_usec_now().ok());
    tell(&state);
}

/// The controller winds up.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Gives signs of life, twice as often as asked for, and only while `answers` comes to its end. Never
/// ends if none are wanted.
pub(super) async fn stay_alive(answers: impl AsyncFn()) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return std::future::pending().await;
    };
    let mut ticks = interval(limit / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        answers().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd does not listen");
    }
}
