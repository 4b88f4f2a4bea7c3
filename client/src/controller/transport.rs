//! A channel that says who is calling, and speaks of every trouble as a status.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::transport::Channel;
use tower::{Service, ServiceExt as _};

use super::identity::Headers;
use crate::connect::{explain, plainly};

/// What the generated clients talk through; made by [`Controller`](super::Controller).
#[derive(Debug, Clone)]
pub struct Transport {
    channel: Channel,
    headers: Headers,
}

// === impl Transport ===

impl Transport {
    pub(super) fn new(channel: Channel, headers: Headers) -> Self {
        Self { channel, headers }
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    /// Always: whether there is a connection is a matter of the call, with the call's deadline.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.headers.add_to(request.headers_mut());
        let channel = self.channel.clone();
        Box::pin(async move {
            let answered = channel.oneshot(request).await;
            let response = answered.map_err(|error| explain(&error))?;
            Ok(response.map(|body| Body::new(body.map_err(plainly))))
        })
    }
}
