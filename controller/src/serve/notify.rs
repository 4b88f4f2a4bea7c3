//! Tells systemd the state of the controller. Without systemd (no `$NOTIFY_SOCKET`) it does nothing.

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval};

/// The controller serves; `line` is shown as its status.
pub(super) fn ready(line: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(line)]);
}

/// The controller reads its settings again; `ready` follows.
pub(super) fn reloading() {
    let mut state = vec![NotifyState::Reloading];
    // systemd needs the time to match the reload with its signal.
    state.extend(NotifyState::monotonic_usec_now().ok());
    tell(&state);
}

/// The controller stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog, twice as often as required, and only while `answers` returns. Never ends if
/// there is no watchdog.
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
