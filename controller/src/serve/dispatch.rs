//! Which requests go where, on ports for gRPC and ports for plain HTTP.
//!
//! ```text
//!  application/grpc ─┬─ RouterService/Stream ─► tunnels, below tonic
//!                    └─ the rest ─────────────► tonic
//!  anything else ────────────────────────────► axum
//! ```

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use futures_util::FutureExt;
use http::Version;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use tonic::Status;
use tower::ServiceExt;

use super::body_budget::BodyBudget;
use super::endpoints::{Answer, Handler};
use super::tunnels::Tunnels;
use crate::identity::{Authenticator, ConnectionState};

const STREAM: &str = "/jumpstarter.v1.RouterService/Stream";
/// A stream that stays open, so its body is not under the budget as a whole.
const AUDIT: &str = "/jumpstarter.v1.ControllerService/AuditStream";

/// Answers the requests of one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Dispatch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    grpc: Option<axum::Router>,
    tunnels: Option<Tunnels>,
    http: axum::Router,
    budget: BodyBudget,
    /// Recognizes the tokens of known callers; `None` where there are none.
    authenticator: Option<Authenticator>,
}

// === impl Dispatch ===

impl Dispatch {
    /// For an endpoint with gRPC.
    pub(super) fn grpc(
        grpc: axum::Router,
        tunnels: Option<Tunnels>,
        http: axum::Router,
        authenticator: Option<Authenticator>,
    ) -> Self {
        Self(Arc::new(Inner {
            grpc: Some(grpc),
            tunnels,
            http,
            budget: BodyBudget::new(),
            authenticator,
        }))
    }

    /// For an endpoint with plain HTTP only.
    pub(super) fn http(http: axum::Router) -> Self {
        Self(Arc::new(Inner {
            grpc: None,
            tunnels: None,
            http,
            budget: BodyBudget::new(),
            authenticator: None,
        }))
    }

    async fn route(self, request: hyper::Request<Incoming>) -> Answer {
        let Inner {
            grpc,
            tunnels,
            http,
            budget,
            authenticator,
        } = &*self.0;
        let router = match grpc {
            Some(grpc) if is_grpc(&request) => match tunnels {
                Some(tunnels) if request.uri().path() == STREAM => {
                    return tunnels.open(request).await;
                }
                _ => grpc,
            },
            _ => http,
        };
        let connection = request.extensions().get::<ConnectionState>().cloned();
        let connection = connection.unwrap_or_default();
        // Before the body is read: how much it may take depends on who sends it.
        let recognizes =
            |authenticator: &Authenticator| authenticator.recognizes(request.headers());
        if !connection.is_authenticated() && authenticator.as_ref().is_some_and(recognizes) {
            connection.mark_authenticated();
        }
        let is_grpc = is_grpc(&request);
        let request = match request.uri().path() {
            AUDIT => request.map(Body::new),
            _ => {
                let (head, body) = request.into_parts();
                match budget.body(body, &connection) {
                    Ok(body) => hyper::Request::from_parts(head, Body::new(body)),
                    Err(refused) if is_grpc => return refused.into_http(),
                    Err(refused) => return busy(refused.message()),
                }
            }
        };
        match router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

fn busy(why: &str) -> Answer {
    let mut answer = Answer::new(Body::from(format!("{why}\n")));
    *answer.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    answer
}

fn is_grpc(request: &hyper::Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE);
    // gRPC needs trailers, which only HTTP/2 has for sure.
    request.version() == Version::HTTP_2
        && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

impl Handler for Dispatch {
    fn answer(
        &self,
        request: hyper::Request<Incoming>,
    ) -> impl Future<Output = Answer> + Send + 'static {
        let is_grpc = is_grpc(&request);
        let path = request.uri().path().to_owned();
        let routed = AssertUnwindSafe(self.clone().route(request)).catch_unwind();
        async move {
            routed.await.unwrap_or_else(|_| {
                // The panic itself was logged; callers are not told more.
                tracing::error!(path, "a call panicked");
                if is_grpc {
                    return Status::internal("internal error").into_http();
                }
                let mut answer = Answer::new(Body::from("internal error\n"));
                *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                answer
            })
        }
    }
}
