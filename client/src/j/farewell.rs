//! What must be done before we leave, even if Ctrl-C ends the work half way: give the storage back to
//! the board, close a file on the exporter.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
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
    pub(super) async fn keep(&self) -> Result<(), CallError> {
        let promised = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match promised {
            Some(call) => call.await,
            None => Ok(()),
        }
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
