//! GET: from a web server to the driver.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Response};
use http_body_util::Empty;
use hyper::body::{Body as _, Incoming};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::plugin::{CallError, Code};
use crate::resource::codec::{DecodeError, Intake, decode};
use crate::resource::handle::Method;
use crate::resource::hangup::Hangup;
use crate::resource::transfer::{Teller, left};
use crate::resource::{Encoding, Transfer, socket};

use super::body::Body;
use super::exchange::{self, Exchange};
use super::headers::Headers;
use super::progress::Progress;
use super::{MAX_REDIRECTS, Trouble, Url, Web, WebError};

type Answer = (Response<Incoming>, Exchange<Empty<Bytes>>);

/// A body that is on its way.
struct Download {
    web: Arc<Web>,
    url: Url,
    body: Body,
    encoding: Option<Encoding>,
    deadline: Instant,
}

// === impl Web ===

impl Web {
    /// Begins a download. The head of the answer is here when this returns.
    pub(super) async fn download(
        self: Arc<Self>,
        url: Url,
        headers: Headers,
    ) -> Result<Transfer, CallError> {
        let deadline = Instant::now() + self.limits.total;
        let following = self.follow(url.clone(), headers);
        let late = |_| Trouble::TimedOut(self.limits.total).at(Method::Get, &url);
        let (url, (response, exchange)) = timeout_at(deadline, following).await.map_err(late)??;
        let (head, incoming) = response.into_parts();
        let encoding =
            encoding_of(&head.headers).map_err(|trouble| trouble.at(Method::Get, &url))?;
        let progress = Progress::new(Method::Get, &url, incoming.size_hint().exact());
        let download = Download {
            body: Body::new(exchange, incoming, self.limits.stall, progress),
            web: self,
            url,
            encoding,
            deadline,
        };
        let (ours, driver) = socket::pair()?;
        Ok(Transfer::task(driver, async move |teller| {
            download.run(ours, teller).await;
        }))
    }

    async fn follow(&self, first: Url, mut headers: Headers) -> Result<(Url, Answer), WebError> {
        let mut url = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            let at = |trouble: Trouble| trouble.at(Method::Get, &url);
            let (response, exchange) = self.ask(&url, &headers).await.map_err(at)?;
            let Some(next) = exchange::redirect(&response, &url) else {
                return match exchange::refusal(&response) {
                    Some(refusal) => Err(at(refusal)),
                    None => Ok((url, (response, exchange))),
                };
            };
            let next = next.map_err(at)?;
            if !next.same_origin(&url) {
                headers.leave_origin();
            }
            url = next;
        }
        Err(Trouble::TooManyRedirects.at(Method::Get, &first))
    }

    async fn ask(&self, url: &Url, headers: &Headers) -> Result<Answer, Trouble> {
        let io = self.dialer.dial(url).await?;
        let headers = headers.of_request(url);
        let request = exchange::request(Method::Get, url, headers, Empty::new());
        let answer = timeout(self.limits.stall, Exchange::send(io, request)).await;
        answer.unwrap_or(Err(Trouble::TimedOut(self.limits.stall)))
    }
}

/// How a server has packed the body, although it was asked not to: stored objects can be like that.
fn encoding_of(headers: &HeaderMap) -> Result<Option<Encoding>, Trouble> {
    let Some(name) = headers.get(CONTENT_ENCODING) else {
        return Ok(None);
    };
    let name = String::from_utf8_lossy(name.as_bytes())
        .trim()
        .to_ascii_lowercase();
    match name.as_str() {
        "" | "identity" => Ok(None),
        // What HTTP calls deflate is zlib, which is understood along with gzip.
        "gzip" | "x-gzip" | "deflate" => Ok(Some(Encoding::Gzip)),
        "zstd" => Ok(Some(Encoding::Zstd)),
        other => Err(Trouble::Stream(
            "EncodingError",
            format!("the server sends the data {other}-encoded, which nobody asked for"),
        )),
    }
}

// === impl Download ===

impl Download {
    async fn run(mut self, ours: OwnedFd, teller: Teller) {
        let driver = socket::stream(ours).and_then(|socket| Ok((Hangup::of(&socket)?, socket)));
        let (hangup, mut driver) = match driver {
            Ok(driver) => driver,
            Err(error) => {
                let trouble = Trouble::System(error.to_string());
                return teller.tell(Err(trouble.at(Method::Get, &self.url).into()));
            }
        };
        let (deadline, total) = (self.deadline, self.web.limits.total);
        let url = self.url.clone();
        let copied = tokio::select! {
            copied = timeout_at(deadline, self.copy(&mut driver)) => {
                let late = Trouble::TimedOut(total).at(Method::Get, &url).into();
                copied.unwrap_or(Err(late))
            }
            () = hangup.wait() => Err(left()),
        };
        // Before the driver meets the end.
        teller.tell(copied);
        drop(driver);
    }

    async fn copy(&mut self, driver: &mut UnixStream) -> Result<(), CallError> {
        let Some(encoding) = self.encoding else {
            return self.copy_plain(driver).await;
        };
        let url = &self.url;
        let mut intake = Intake::new(&mut self.body);
        match decode(encoding, &mut intake, driver).await {
            Ok(_) => Ok(()),
            Err(DecodeError::Sink(_)) => Err(left()),
            Err(DecodeError::Source(error)) => Err(broken(&error, url)),
            Err(error) => {
                let text = format!("the data of {url}: {error}");
                Err(CallError::new(Code::Unknown, text))
            }
        }
    }

    async fn copy_plain(&mut self, driver: &mut UnixStream) -> Result<(), CallError> {
        loop {
            let page = self.body.fill_buf().await;
            let page = page.map_err(|error| broken(&error, &self.url))?;
            let length = page.len();
            if length == 0 {
                return Ok(());
            }
            driver.write_all(page).await.map_err(|_| left())?;
            self.body.consume(length);
        }
    }
}

fn broken(error: &std::io::Error, url: &Url) -> CallError {
    let trouble = Trouble::from_io(error);
    let trouble = trouble.unwrap_or_else(|| Trouble::System(error.to_string()));
    trouble.at(Method::Get, url).into()
}
