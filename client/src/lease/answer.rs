//! Answers of a controller, which may never come.

use std::time::Duration;

use tokio::time::timeout;
use tonic::{Response, Status};

use crate::controller::Controller;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Waits for an answer, but not for ever. A connection over which none comes is not used again:
/// one that was cut without a word looks healthy for minutes.
pub(super) async fn soon<T>(
    controller: &Controller,
    asked: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, Status> {
    match timeout(WITHIN, asked).await {
        Ok(answered) => answered.map(Response::into_inner),
        Err(_) => {
            controller.renew();
            Err(Status::unavailable("the controller does not answer"))
        }
    }
}
