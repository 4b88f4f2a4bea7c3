//! The tasks of one driver: they belong to it, speak for it, and end with it.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log;

/// How long a closing driver waits for its tasks: those that are given up end at their next
/// `.await`, a plain `fn` only when it returns.
const PATIENCE: Duration = Duration::from_secs(1);

/// The tasks of one driver.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) node: u64,
    /// Cancelled when the driver closes: everything that runs until then listens to it.
    pub(crate) closing: CancellationToken,
    tasks: TaskTracker,
    runtime: Handle,
}

// === impl Scope ===

impl Scope {
    pub(crate) fn new(node: u64, runtime: Handle) -> Self {
        Self {
            node,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            runtime,
        }
    }

    /// A scope for a driver that another one brings along.
    pub(crate) fn child(&self) -> Self {
        Self {
            node: self.node,
            closing: self.closing.child_token(),
            tasks: TaskTracker::new(),
            runtime: self.runtime.clone(),
        }
    }

    /// The plugin's threads.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Starts a task that ends by itself or by the handle.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let work = log::in_node(self.node, work);
        self.tasks.spawn_on(work, &self.runtime).abort_handle()
    }

    /// Starts a task that ends at the latest when the driver closes.
    pub(crate) fn spawn_until_closed(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let closing = self.closing.clone();
        self.spawn(async move {
            closing.run_until_cancelled(work).await;
        })
    }

    /// Runs code that may block its thread.
    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        let node = self.node;
        let work = move || {
            let _entered = log::enter(node);
            work();
        };
        // It cannot be aborted, so nobody needs the handle; the tracker knows when it has ended.
        drop(self.tasks.spawn_blocking_on(work, &self.runtime));
    }

    /// Ends the tasks and waits for them, within reason.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(PATIENCE, self.tasks.wait())
            .await
            .is_err()
        {
            let count = self.tasks.len();
            let text = format!("closing although {count} of the driver's calls do not end");
            log::write(self.node, tracing::Level::WARN, module_path!(), &text);
        }
    }
}
