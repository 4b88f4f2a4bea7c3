//! Server reflection, for `grpcurl` and its like.
//!
//! Built when first asked for: most exporters never are, and the parsed descriptors would be a
//! third of the memory of an idle one.

use std::convert::Infallible;
use std::sync::OnceLock;

use hyper::body::Incoming;
use hyper::{Request, Response};
use jumpstarter_proto::FILE_DESCRIPTOR_SET;
use tonic::body::Body;
use tonic_reflection::server::{Builder, Error};
use tower::util::BoxCloneSyncService;

type Server = BoxCloneSyncService<Request<Incoming>, Response<Body>, Infallible>;

/// Both versions of the service.
#[derive(Debug, Default)]
pub(super) struct Reflection {
    v1: OnceLock<Server>,
    v1alpha: OnceLock<Server>,
}

// === impl Reflection ===

impl Reflection {
    pub(super) fn v1(&self) -> Result<Server, Error> {
        build(&self.v1, || {
            Ok(BoxCloneSyncService::new(builder().build_v1()?))
        })
    }

    /// The name it had before it was settled; older tools know no other.
    pub(super) fn v1alpha(&self) -> Result<Server, Error> {
        build(&self.v1alpha, || {
            Ok(BoxCloneSyncService::new(builder().build_v1alpha()?))
        })
    }
}

fn build(
    built: &OnceLock<Server>,
    make: impl FnOnce() -> Result<Server, Error>,
) -> Result<Server, Error> {
    if let Some(server) = built.get() {
        return Ok(server.clone());
    }
    let server = make()?;
    Ok(built.get_or_init(|| server).clone())
}

fn builder() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}
