//! `jumpstarter.v1.RouterService`: the byte streams of drivers, and of the data that they are given.
//!
//! The service is spoken to below the gRPC library, in HTTP bodies, because that library copies
//! every message twice; see [`stream`](crate::stream).

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body as HttpBody, Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response};
use serde::Deserialize;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;

use crate::plugin::ByteStream;
use crate::resource::Offer;
use crate::session::Visitor;
use crate::stream::{Pump, Source};
use crate::tree::Kind;

use super::call::{self, Failure};
use super::deadline;
use super::errors::{self, LookupError};
use super::operation::Operation;

/// Where a client says what it wants to be connected to.
const REQUEST: &str = "request";
const RESOURCE: HeaderName = HeaderName::from_static("resource");
const ACCEPTED: HeaderName = HeaderName::from_static("x_jmp_accept_encoding");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Connects clients to sockets.
#[derive(Clone, Debug)]
pub(super) struct Router {
    visitor: Arc<Visitor>,
}

/// The value of [`REQUEST`].
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Wanted {
    Driver {
        uuid: String,
        method: String,
    },
    Resource {
        uuid: String,
        #[serde(default)]
        x_jmp_content_encoding: Option<String>,
    },
}

/// Why nobody knows what a client wants.
#[derive(Debug, thiserror::Error)]
pub(super) enum WantedError {
    #[error("the metadata `{REQUEST}` is missing; it says what to connect to")]
    Missing,
    #[error("the metadata `{REQUEST}` is not text")]
    NotText,
    #[error("the metadata `{REQUEST}` is no request for a stream: {0}")]
    NotJson(#[from] serde_json::Error),
    #[error("the metadata `{REQUEST}` has the uuid `{0}`, which is none")]
    Uuid(String),
}

/// The answer to a client, while its stream lasts.
struct Answer {
    pump: Pump,
    held: Held,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    deadline: Option<Pin<Box<Sleep>>>,
    over: bool,
}

/// What lasts as long as the stream.
enum Held {
    /// Says how it ended.
    Driver(Operation),
    /// A handle for as long as its client is there.
    Resource { _offer: Arc<Offer> },
}

// === impl Router ===

impl Router {
    pub(super) fn new(visitor: Arc<Visitor>) -> Self {
        Self { visitor }
    }

    /// Answers `Stream`.
    pub(super) async fn call(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let answer = self.stream(request).await;
        Ok(answer.unwrap_or_else(Status::into_http))
    }

    async fn stream(self, request: Request<Incoming>) -> Result<Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let metadata = MetadataMap::from_headers(parts.headers);
        let deadline = deadline::of(&metadata);
        let mut response = Response::new(());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, GRPC);
        let (pump, held) = match Wanted::read(metadata.as_ref())? {
            Wanted::Driver { uuid, method } => {
                let request = call::Request {
                    uuid,
                    method,
                    args: Vec::new(),
                    deadline,
                };
                let (stream, operation) = self.connect(request).await?;
                let source = Source::Driver(stream.outcome);
                let pump = Pump::start(stream.socket, body, source);
                (pump, Held::Driver(operation))
            }
            Wanted::Resource {
                uuid,
                x_jmp_content_encoding: encoding,
            } => {
                let mut offer = self.offer(&uuid, encoding.as_deref())?;
                let (handle, accepted) = offer.metadata();
                headers.insert(RESOURCE, value(handle)?);
                if let Some(accepted) = accepted {
                    headers.insert(ACCEPTED, value(accepted)?);
                }
                let socket = offer.socket();
                let offer = Arc::new(offer);
                let source = Source::Transfer(Arc::clone(&offer));
                let pump = Pump::start(socket, body, source);
                (pump, Held::Resource { _offer: offer })
            }
        };
        let answer = Answer {
            pump: pump.map_err(errors::ours)?,
            held,
            closing: Box::pin(self.visitor.session().given_up_owned()),
            deadline: deadline.map(|at| Box::pin(sleep_until(at))),
            over: false,
        };
        Ok(response.map(|()| Body::new(answer)))
    }

    /// Opens a byte stream of a driver.
    async fn connect(&self, request: call::Request) -> Result<(ByteStream, Operation), Status> {
        // In a request this is malformed JSON, so to speak, and not a driver that does not exist.
        if errors::parse_uuid(&request.uuid).is_err() {
            return Err(WantedError::Uuid(request.uuid).into());
        }
        let driver = request.driver(&self.visitor, Kind::Bytes)?;
        let deadline: Option<Instant> = request.deadline;
        let mut operation = Operation::start(driver, request.method);
        let opening = operation
            .driver()
            .connect(operation.method(), &request.args, deadline);
        match call::within(self.visitor.session(), deadline, opening).await {
            Ok(stream) => Ok((stream, operation)),
            Err(failure) => {
                operation.failed(&failure);
                Err(failure.into())
            }
        }
    }

    /// Offers the client's data to a driver.
    fn offer(&self, uuid: &str, encoding: Option<&str>) -> Result<Offer, Status> {
        self.visitor.admitted()?;
        let session = self.visitor.session();
        let uuid = errors::parse_uuid(uuid).map_err(|_| WantedError::Uuid(uuid.to_owned()))?;
        let driver = session.driver(&uuid).ok_or(LookupError::Unknown(uuid))?;
        Ok(session.resources().offer(driver.uuid, encoding)?)
    }
}

fn value(text: &str) -> Result<HeaderValue, Status> {
    HeaderValue::from_str(text).map_err(errors::ours)
}

// === impl Wanted ===

impl Wanted {
    fn read(headers: &HeaderMap) -> Result<Self, WantedError> {
        // Of several, the last counts, as everywhere in a dictionary.
        let value = headers.get_all(REQUEST).iter().next_back();
        let text = value
            .ok_or(WantedError::Missing)?
            .to_str()
            .map_err(|_| WantedError::NotText)?;
        Ok(serde_json::from_str(text)?)
    }
}

// === impl Answer ===

impl Answer {
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        if self.closing.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(Failure::Closing)));
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(Failure::TooLate)));
        }
        let item = Pin::new(&mut self.pump).poll_next(cx);
        item.map(|item| item.map(|item| item.map_err(Failure::Stream)))
    }

    /// How the call ends.
    fn end(&mut self, failure: Option<Failure>) -> HeaderMap {
        self.over = true;
        self.pump.cut();
        if let Held::Driver(operation) = &mut self.held {
            match &failure {
                None => operation.completed(),
                Some(failure) => operation.failed(failure),
            }
        }
        let status = failure.map_or_else(|| Status::ok(""), Status::from);
        let mut trailers = HeaderMap::new();
        if let Err(error) = status.add_header(&mut trailers) {
            tracing::debug!(%error, "a status that cannot be sent");
        }
        trailers
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.over {
            return Poll::Ready(None);
        }
        self.poll_item(cx).map(|item| {
            Some(Ok(match item {
                Some(Ok(chunk)) => Frame::data(chunk),
                Some(Err(failure)) => Frame::trailers(self.end(Some(failure))),
                None => Frame::trailers(self.end(None)),
            }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.over
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("pump", &self.pump)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use hyper::HeaderMap;
    use hyper::header::HeaderValue;

    use super::Wanted;

    fn read(text: &'static str) -> Result<String, String> {
        let headers = HeaderMap::from_iter([("request".parse().unwrap(), text.parse().unwrap())]);
        Wanted::read(&headers)
            .map(|wanted| format!("{wanted:?}"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_clients_ask_for() {
        let driver = r#"Driver { uuid: "u", method: "connect" }"#;
        for text in [
            r#"{"kind":"driver","uuid":"u","method":"connect"}"#,
            r#"{ "method": "connect", "more": [1], "uuid": "u", "kind": "driver" }"#,
        ] {
            assert_eq!(read(text).unwrap(), driver);
        }
        let resource = r#"Resource { uuid: "u", x_jmp_content_encoding: None }"#;
        for text in [
            r#"{"kind":"resource","uuid":"u","x_jmp_content_encoding":null}"#,
            r#"{"kind":"resource","uuid":"u"}"#,
        ] {
            assert_eq!(read(text).unwrap(), resource);
        }
        let encoded = r#"{"kind":"resource","uuid":"u","x_jmp_content_encoding":"gzip"}"#;
        assert!(read(encoded).unwrap().contains(r#"Some("gzip")"#));
    }

    #[test]
    fn what_nobody_understands() {
        let before = "the metadata `request` is no request for a stream: ";
        for (text, why) in [
            ("", "EOF while parsing a value"),
            ("{", "EOF while parsing an object"),
            ("[]", "missing field `kind`"),
            ("{}", "missing field `kind`"),
            (r#"{"kind":"pigeon"}"#, "unknown variant `pigeon`"),
            (r#"{"kind":7}"#, "invalid type: integer `7`"),
            (r#"{"kind":"driver","uuid":"u"}"#, "missing field `method`"),
            (r#"{"kind":"driver","method":"m"}"#, "missing field `uuid`"),
            (r#"{"kind":"resource"}"#, "missing field `uuid`"),
            (
                r#"{"kind":"driver","uuid":1,"method":"m"}"#,
                "invalid type: integer `1`, expected a string",
            ),
            (
                r#"{"kind":"driver","uuid":"u","method":"m"} x"#,
                "trailing characters",
            ),
        ] {
            let error = read(text).unwrap_err();
            let rest = error.strip_prefix(before);
            assert!(rest.is_some_and(|rest| rest.starts_with(why)), "{error}");
        }
        let mut headers = HeaderMap::new();
        let missing = Wanted::read(&headers).unwrap_err().to_string();
        assert!(missing.starts_with("the metadata `request` is missing"));
        let bytes = HeaderValue::from_bytes(b"\xff").unwrap();
        headers.insert("request", bytes);
        let garbage = Wanted::read(&headers).unwrap_err().to_string();
        assert_eq!(garbage, "the metadata `request` is not text");
    }
}
