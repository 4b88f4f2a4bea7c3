//! What the exporter of a shell logs, shown between the lines of the child.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::session::EXTRAS_WITHIN;
use crate::Session;
use crate::logs::Follower;
use crate::ui::Console;

/// But not for longer than this.
const AT_MOST: Duration = Duration::from_secs(1);

/// What the exporter logs, and which of it is shown.
pub(super) struct Log {
    follower: Follower,
    console: &'static Console,
    everything: bool,
}

// === impl Log ===

impl Log {
    /// Follows the log of a session: what hooks say, or `everything`.
    pub(super) fn of(session: &Session, console: &'static Console, everything: bool) -> Self {
        Self {
            follower: Follower::new(session.client()),
            console,
            everything,
        }
    }

    /// Whether more than hooks is shown.
    pub(super) fn shows_everything(&self) -> bool {
        self.everything
    }

    /// Shows the next line that is to be shown, when it comes; never returns when none will.
    pub(super) async fn show_next(&mut self) {
        if self.follower.has_ended() {
            std::future::pending::<()>().await;
        }
        if let Some(line) = self.follower.next().await
            && (self.everything || line.source.is_hook())
        {
            let logger = Some(line.source.logger());
            self.console.log(line.severity, logger, &line.message);
        }
    }

    /// Shows lines until `work` is done.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = self.show_next() => {}
            }
        }
    }

    /// Shows what is on its way, until nothing comes for as long as `quiet`.
    pub(super) async fn settle(&mut self, quiet: Duration) {
        // A peer that does not answer at all must not keep us.
        if timeout(EXTRAS_WITHIN, self.follower.attach())
            .await
            .is_err()
        {
            return;
        }
        // Nor one that never stops talking.
        let until = Instant::now() + AT_MOST;
        while !self.follower.has_ended() && Instant::now() < until {
            if timeout(quiet, self.show_next()).await.is_err() {
                return;
            }
        }
    }
}
