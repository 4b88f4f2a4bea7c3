//! PUT: from the driver to a web server.
//!
//! The data cannot be had twice. So the server is asked first whether it wants it (`Expect:
//! 100-continue`), and a redirect is followed only as long as none of the data is gone.

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{EXPECT, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use hyper::ext::on_informational;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use crate::plugin::CallError;
use crate::resource::handle::Method;
use crate::resource::{Direction, Transfer, socket};

use super::dial::Io;
use super::exchange::{self, Exchange};
use super::headers::Headers;
use super::progress::Progress;
use super::source::{Source, Upload};
use super::{MAX_REDIRECTS, Trouble, Url, Web, WebError};

/// How long a server may take to say that it wants the data. Many never say so.
const CONSENT: Duration = Duration::from_secs(1);

type Answer = (Response<Incoming>, Exchange<Upload>);

// === impl Web ===

impl Web {
    /// Begins an upload. There is a connection when this returns.
    pub(super) async fn upload(
        self: Arc<Self>,
        url: Url,
        headers: Headers,
        direction: Direction,
    ) -> Result<Transfer, CallError> {
        let deadline = Instant::now() + self.limits.total;
        let io = self.dialer.dial(&url).await;
        let io = io.map_err(|trouble| trouble.at(Method::Put, &url))?;
        let (ours, driver) = socket::pair()?;
        Ok(Transfer::task(driver, async move |teller| {
            let length = headers.length();
            let progress = Progress::new(Method::Put, &url, length);
            let must_finish = direction == Direction::Write;
            let source = match source(ours, length, must_finish, progress) {
                Ok(source) => source,
                Err(trouble) => return teller.tell(Err(trouble.at(Method::Put, &url).into())),
            };
            let late = Trouble::TimedOut(self.limits.total).at(Method::Put, &url);
            let sent = timeout_at(deadline, self.send(io, url, headers, &source)).await;
            // Before the driver learns that nobody reads.
            teller.tell(sent.unwrap_or(Err(late)).map_err(CallError::from));
            drop(source);
        }))
    }

    async fn send(
        &self,
        mut io: Box<dyn Io>,
        first: Url,
        mut headers: Headers,
        source: &Arc<Source>,
    ) -> Result<(), WebError> {
        let mut url = first.clone();
        let mut ask = true;
        for _ in 0..=MAX_REDIRECTS {
            let at = |trouble: Trouble| trouble.at(Method::Put, &url);
            let (response, exchange) = self
                .put(io, &url, &headers, ask, source)
                .await
                .map_err(at)?;
            let fresh = source.is_fresh();
            if response.status() == StatusCode::EXPECTATION_FAILED && ask && fresh {
                // It wants the data without having been asked.
                ask = false;
                io = self.dialer.dial(&url).await.map_err(at)?;
                continue;
            }
            let same = matches!(
                response.status(),
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
            );
            if !(same && fresh) {
                return self.finish(&response, exchange, source).await.map_err(at);
            }
            let Some(next) = exchange::redirect(&response, &url) else {
                return Err(at(Trouble::NoLocation));
            };
            let next = next.map_err(at)?;
            if !next.same_origin(&url) {
                headers.leave_origin();
            }
            let dialled = self.dialer.dial(&next).await;
            io = dialled.map_err(|trouble| trouble.at(Method::Put, &next))?;
            url = next;
        }
        Err(Trouble::TooManyRedirects.at(Method::Put, &first))
    }

    /// Sends what there is, until the head of the answer is here.
    async fn put(
        &self,
        io: Box<dyn Io>,
        url: &Url,
        headers: &Headers,
        ask: bool,
        source: &Arc<Source>,
    ) -> Result<Answer, Trouble> {
        let wanted = Arc::new(Notify::new());
        let consent = Arc::clone(&wanted);
        let body = source.upload(async move {
            tokio::select! {
                () = consent.notified(), if ask => {}
                () = sleep(CONSENT), if ask => {}
                else => {}
            }
        });
        let mut headers = headers.of_request(url);
        if ask {
            headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        let mut request = exchange::request(Method::Put, url, headers, body);
        on_informational(&mut request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                wanted.notify_one();
            }
        });
        let answer = tokio::select! {
            answer = Exchange::send(io, request) => answer,
            () = source.stalled(self.limits.stall) => {
                return Err(Trouble::TimedOut(self.limits.stall));
            }
        };
        answer.map_err(|trouble| match source.fault() {
            Some(fault) => Trouble::Interrupted(fault),
            None => trouble,
        })
    }

    /// The answer is here; the data may not be there yet.
    async fn finish(
        &self,
        response: &Response<Incoming>,
        mut exchange: Exchange<Upload>,
        source: &Source,
    ) -> Result<(), Trouble> {
        if let Some(refusal) = exchange::refusal(response) {
            return Err(refusal);
        }
        let rest =
            poll_fn(
                |cx| match exchange.drive(cx) || source.has_ended() || source.has_all() {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                },
            );
        tokio::select! {
            () = rest => {}
            () = source.stalled(self.limits.stall) => {
                return Err(Trouble::TimedOut(self.limits.stall));
            }
        }
        if source.has_all() {
            source.end().await;
        }
        match source.fault() {
            Some(fault) => Err(Trouble::Interrupted(fault)),
            None if source.has_ended() => Ok(()),
            None => {
                let early = "the server was content before it had all of the data".to_owned();
                Err(Trouble::Interrupted(exchange.failure().unwrap_or(early)))
            }
        }
    }
}

fn source(
    ours: OwnedFd,
    length: Option<u64>,
    must_finish: bool,
    progress: Progress,
) -> Result<Arc<Source>, Trouble> {
    let driver = socket::stream(ours).map_err(|error| Trouble::System(error.to_string()))?;
    Ok(Source::new(driver, length, must_finish, progress))
}
