//! What every call meets first: the journal, and the faults.
//!
//! It stands below the services because some of what a caller can meet no service can say: a message
//! that cannot be read, a web page, silence, a controller that vanishes after it has acted.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{
    fault::{Fault, strike},
    journal::{Call, Kind, Rpc},
    serve::Server,
    world::World,
};

/// Puts the gate before a server's services.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) world: Arc<World>,
    /// The server itself, which a fault may make vanish.
    pub(super) server: Weak<Server>,
}

/// The services behind the gate.
#[derive(Clone, Debug)]
pub(super) struct Gated<S> {
    gate: Gate,
    inner: S,
}

// === impl Gate ===

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            gate: self.clone(),
            inner,
        }
    }
}

impl Gate {
    /// Writes the call down, and returns the request with the fault it meets.
    async fn pass(&self, request: Request<Body>) -> (Request<Body>, Option<Fault>) {
        let (parts, mut body) = request.into_parts();
        let rpc = Rpc::of(parts.uri.path());
        let kind = kind(&parts.headers);
        let mut message = Bytes::new();
        if rpc != Rpc::Tunnel {
            // One message; a caller that breaks off here is dealt with by the service.
            let whole = body.collect().await;
            message = whole.map(|whole| whole.to_bytes()).unwrap_or_default();
            body =
                Body::new(Full::new(message.clone()).map_err(|never: Infallible| match never {}));
        }
        let call = Call {
            rpc,
            kind,
            metadata: text(&parts.headers),
            said: rpc.read(message.get(5..).unwrap_or_default()),
            begins: true,
            at: Instant::now(),
        };
        let fault = self.world.change(|state| {
            state.journal.push(call);
            strike(&mut state.rules, rpc, kind)
        });
        (Request::from_parts(parts, body), fault)
    }

    async fn vanish(&self) -> ! {
        if let Some(server) = self.server.upgrade() {
            server.vanish();
        }
        std::future::pending().await
    }
}

// === impl Gated ===

impl<S> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let gate = self.gate.clone();
        // The one that is ready, not its clone.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let (request, fault) = gate.pass(request).await;
            match fault {
                None => inner.call(request).await,
                Some(Fault::Answer(code, text)) => Ok(Status::new(code, text).into_http()),
                Some(Fault::Garbage) => Ok(garbage()),
                Some(Fault::WebPage) => Ok(web_page()),
                Some(Fault::Silence) => std::future::pending().await,
                Some(Fault::Slow(pause)) => {
                    let answer = inner.call(request).await;
                    tokio::time::sleep(pause).await;
                    answer
                }
                Some(Fault::Gone) => gate.vanish().await,
                Some(Fault::GoneAfter) => {
                    inner.call(request).await.ok();
                    gate.vanish().await
                }
            }
        })
    }
}

fn kind(headers: &HeaderMap) -> Kind {
    match headers
        .get("jumpstarter-kind")
        .and_then(|v| v.to_str().ok())
    {
        Some("Exporter") => Kind::Exporter,
        Some("Client") => Kind::Client,
        _ => Kind::Unsaid,
    }
}

fn text(headers: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(pair).collect()
}

/// A frame of a message that no protobuf starts with, and then `grpc-status: 0`.
fn garbage() -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let frame = Bytes::from_static(b"\0\0\0\0\x04\xff\xff\xff\xff");
    let body = Full::new(frame).with_trailers(async { Some(Ok(trailers)) });
    Response::builder()
        .header("content-type", "application/grpc")
        .body(Body::new(body.map_err(|never: Infallible| match never {})))
        .expect("a response")
}

fn web_page() -> Response<Body> {
    let page = Full::new(Bytes::from_static(b"<h1>502 Bad Gateway</h1>"));
    Response::builder()
        .status(502)
        .header("content-type", "text/html")
        .body(Body::new(page.map_err(|never: Infallible| match never {})))
        .expect("a response")
}
