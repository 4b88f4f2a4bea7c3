//! Unary calls: once with a deadline, or until there is an answer.

use std::time::Duration;

use jumpstarter_client::controller::{Controller, Transport, describe};
use jumpstarter_proto::v1::controller_service_client::ControllerServiceClient;
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Response, Status};
use tracing::warn;

use super::retry::{ATTEMPTS, Tries};

/// How long a controller may take to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(30);

/// Asks once. A connection on which no answer came in time is given up, because one that was cut
/// without a word looks like that.
pub(super) async fn ask<Q, A, F>(
    controller: &Controller,
    limit: Duration,
    question: Q,
    call: impl FnOnce(ControllerServiceClient<Transport>, Request<Q>) -> F,
) -> Result<A, Status>
where
    F: Future<Output = Result<Response<A>, Status>>,
{
    let mut request = Request::new(question);
    request.set_timeout(limit);
    let answered = timeout(limit, call(controller.service(), request)).await;
    let late = || Err(Status::deadline_exceeded("no answer in time"));
    let answered = answered.unwrap_or_else(|_| late());
    if let Err(status) = &answered
        && status.code() == Code::DeadlineExceeded
    {
        controller.renew();
    }
    answered.map(Response::into_inner)
}

/// Asks again for as long as it may be worth it.
pub(super) async fn persist<A, F>(what: &str, mut attempt: impl FnMut() -> F) -> Result<A, Status>
where
    F: Future<Output = Result<A, Status>>,
{
    let mut tries = Tries::default();
    loop {
        let status = match attempt().await {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        let Some(pause) = tries.after(status.code()) else {
            return Err(status);
        };
        complain(what, &tries, pause, &status);
        sleep(pause).await;
    }
}

/// The warning before another attempt.
pub(super) fn complain(what: &str, tries: &Tries, pause: Duration, status: &Status) {
    warn!(
        "Transient error {what} (attempt {}/{ATTEMPTS}), retrying in {:.1}s: {}",
        tries.failed(),
        pause.as_secs_f64(),
        describe(status)
    );
}
