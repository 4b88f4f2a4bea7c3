//! What must be done before we leave, even if a signal ends the work half way: give the storage back to
//! the board, close a file on the exporter.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use crate::device::CallError;

/// How long somebody who wants to leave is kept.
const PATIENCE: Duration = Duration::from_secs(10);

type Last = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send>>;

/// The last call of a command.
#[derive(Default)]
pub(super) struct Farewell(Mutex<Option<Last>>);

// === impl Farewell ===

impl Farewell {
    /// From now on, this call must be made.
    pub(super) fn promise(
        &self,
        call: impl Future<Output = Result<(), CallError>> + Send + 'static,
    ) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(call));
    }

    /// Makes the call, if there is one, and nothing the next time.
    ///
    /// If nobody waits until it is made, it goes on the next time.
    pub(super) async fn keep(&self) -> Result<(), CallError> {
        poll_fn(|cx| {
            let mut promised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(call) = promised.as_mut() else {
                return Poll::Ready(Ok(()));
            };
            let kept = ready!(call.as_mut().poll(cx));
            *promised = None;
            Poll::Ready(kept)
        })
        .await
    }

    /// The same after work that was broken off.
    pub(super) async fn keep_anyway(&self) {
        match timeout(PATIENCE, self.keep()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!("{error}"),
            Err(_) => warn!("the exporter does not answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_under_way_is_not_given_up() {
        let made: Arc<AtomicUsize> = Arc::default();
        let counter = Arc::clone(&made);
        let farewell = Farewell::default();
        farewell.promise(async move {
            sleep(Duration::from_secs(2)).await;
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        let first = timeout(Duration::from_secs(1), farewell.keep()).await;
        assert!(first.is_err(), "Ctrl-C comes while it is being made");
        farewell.keep_anyway().await;
        assert_eq!(made.load(Ordering::Relaxed), 1);
        farewell.keep().await.unwrap();
        assert_eq!(made.load(Ordering::Relaxed), 1, "it is made once");
    }
}
