//! Deadlines of calls.

use std::time::Duration;

use crate::{Error, Result};

/// Gives `work` up after `timeout`.
pub(crate) async fn within<T>(
    timeout: Option<Duration>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some(timeout) = timeout else {
        return work.await;
    };
    match tokio::time::timeout(timeout, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(Error::timeout("deadline exceeded")),
    }
}
