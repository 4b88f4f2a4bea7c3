//! One request and its answer, on a connection of its own.
//!
//! HTTP libraries run a connection as a task. Here whoever waits for the answer runs it, so that
//! there is no task to own, and to end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderMap, LOCATION};
use http::{Request, Response, StatusCode, Uri};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::ext::ReasonPhrase;
use hyper_util::rt::TokioIo;

use super::dial::Io;
use super::error::Trouble;
use super::url::Url;
use crate::resource::handle::Method;

type Running<B> = Pin<Box<Connection<TokioIo<Box<dyn Io>>, B>>>;

/// A connection with a request on it.
pub(super) struct Exchange<B: Body + 'static> {
    connection: Option<Running<B>>,
    /// What the connection ended with. The others only hear that it has ended.
    failure: Option<hyper::Error>,
    _sender: SendRequest<B>,
}

// === impl Exchange ===

impl<B> Exchange<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Sends a request, and waits for the head of the answer.
    pub(super) async fn send(
        io: Box<dyn Io>,
        request: Request<B>,
    ) -> Result<(Response<Incoming>, Self), Trouble> {
        let (mut sender, connection) = Builder::new()
            .handshake(TokioIo::new(io))
            .await
            .map_err(|error| unheard(&error))?;
        let mut connection = Some(Box::pin(connection));
        let mut failure = None;
        let response = {
            let mut response = pin!(sender.send_request(request));
            poll_fn(|cx| {
                drive(&mut connection, &mut failure, cx);
                response.as_mut().poll(cx)
            })
            .await
        };
        match response {
            Ok(response) => {
                let exchange = Self {
                    connection,
                    failure,
                    _sender: sender,
                };
                Ok((response, exchange))
            }
            Err(error) => Err(unheard(failure.as_ref().unwrap_or(&error))),
        }
    }

    /// Moves what can be moved. Answers whether the connection has ended.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        drive(&mut self.connection, &mut self.failure, cx);
        self.connection.is_none()
    }

    /// What the connection ended with, if that was wrong.
    pub(super) fn failure(&self) -> Option<String> {
        self.failure.as_ref().map(innermost)
    }
}

fn drive<B>(
    connection: &mut Option<Running<B>>,
    failure: &mut Option<hyper::Error>,
    cx: &mut Context<'_>,
) where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if let Some(running) = connection
        && let Poll::Ready(ended) = running.as_mut().poll(cx)
    {
        *failure = ended.err();
        *connection = None;
    }
}

/// No answer came.
fn unheard(error: &hyper::Error) -> Trouble {
    let kind = if error.is_parse() {
        "ParseError"
    } else {
        "ReadError"
    };
    Trouble::Stream(kind, innermost(error))
}

/// The cause without its consequences.
pub(super) fn innermost(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// A request with everything but its body.
pub(super) fn request<B>(method: Method, url: &Url, headers: HeaderMap, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = match method {
        Method::Get => http::Method::GET,
        Method::Put => http::Method::PUT,
    };
    *request.uri_mut() = Uri::from(url.target.clone());
    *request.headers_mut() = headers;
    request
}

/// Where an answer sends us, if it does.
pub(super) fn redirect<B>(response: &Response<B>, from: &Url) -> Option<Result<Url, Trouble>> {
    let moved = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    moved.then(|| {
        let location = response
            .headers()
            .get(LOCATION)
            .ok_or(Trouble::NoLocation)?;
        let location = str::from_utf8(location.as_bytes()).unwrap_or("\0");
        from.join(location).map_err(|reason| {
            Trouble::Stream("RedirectError", format!("the Location header {reason}"))
        })
    })
}

/// The answer is a refusal.
pub(super) fn refusal<B>(response: &Response<B>) -> Option<Trouble> {
    let status = response.status();
    (!status.is_success()).then(|| {
        let reason = response.extensions().get::<ReasonPhrase>();
        let reason = reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
        Trouble::Status {
            status: status.as_u16(),
            reason: reason
                .or_else(|| status.canonical_reason().map(str::to_owned))
                .unwrap_or_default(),
        }
    })
}
