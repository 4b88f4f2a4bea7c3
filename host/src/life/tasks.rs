//! Tasks that end together: those of a lease, or those of the process.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A group of tasks. Dropping it cancels them.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    tracker: TaskTracker,
    ending: CancellationToken,
}

// === impl Tasks ===

impl Tasks {
    /// Starts a task that is dropped when the group ends.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let ending = self.ending.clone();
        self.tracker.spawn(async move {
            ending.run_until_cancelled_owned(work).await;
        });
    }

    /// Starts a task that has to wind up something; the group waits for it.
    pub(super) fn spawn_lasting(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// Resolves when the group ends, for those tasks that it waits for.
    pub(super) fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// Cancels all of them and waits until they are gone.
    pub(super) async fn end(self) {
        self.ending.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// The same, for no longer than `limit`; whether all are gone.
    pub(super) async fn end_within(self, limit: Duration) -> bool {
        timeout(limit, self.end()).await.is_ok()
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.ending.cancel();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::Tasks;

    #[tokio::test]
    async fn the_end_waits_for_what_has_to_be_wound_up() {
        let tasks = Tasks::default();
        let (started, up) = oneshot::channel();
        let (dropped, gone) = oneshot::channel::<()>();
        tasks.spawn(async move {
            let _dropped = dropped;
            started.send(()).unwrap();
            std::future::pending::<()>().await;
        });
        let (wound_up, end) = oneshot::channel();
        let ending = tasks.ending();
        tasks.spawn_lasting(async move {
            ending.cancelled().await;
            tokio::task::yield_now().await;
            wound_up.send(()).unwrap();
        });
        up.await.unwrap();
        tasks.end().await;
        gone.await.unwrap_err();
        end.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_does_not_wait_for_ever() {
        let tasks = Tasks::default();
        tasks.spawn_lasting(std::future::pending());
        assert!(!tasks.end_within(Duration::from_secs(5)).await);
    }
}
