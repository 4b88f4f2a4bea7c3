//! The gRPC services: requests become commands of the lab, and objects of the lab become messages.
//!
//! ```text
//!  request ─► who calls? (identity) ─► allowed? ─► lab ─► response, or a status
//! ```

mod brief;
mod client;
mod controller;
mod dial;
mod errors;
mod exporter;
mod labels;
mod legacy;
mod listen;
mod paging;
mod selectors;
mod status;
mod telemetry;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jumpstarter_proto::names::{Kind, Name};
use jumpstarter_proto::v1::TelemetryEndpoint;
use tonic::{Request, Status};

pub use brief::brief;
pub use client::ClientApi;
pub use controller::ControllerApi;
pub use errors::meant;
pub(crate) use errors::unknown;
pub use labels::{LabelRules, Shown};
pub use telemetry::TelemetryApi;

use errors::not_found;

use crate::dial::Listeners;
use crate::identity::{Authenticator, Caller, ConnectionState, Peer, RouterTokens, Tokens};
use crate::lab::Lab;
use crate::model::{Client, Exporter, Key};

#[derive(Clone, Debug)]
pub struct Settings {
    /// Which labels are hidden or deprecated.
    pub labels: LabelRules,
    /// How many tags a lease may have.
    pub most_tags: usize,
    /// The endpoints of routers, `host:port`; the first is used.
    pub routers: Vec<String>,
    /// Where exporters send their logs; `None` if they need not.
    pub telemetry: Option<TelemetryEndpoint>,
    /// How long a client's new token is valid.
    pub token_lifetime: Duration,
    /// How long its earlier tokens stay valid after a rotation.
    pub rotation_grace: Duration,
}

/// What all services share; cheap to clone.
#[derive(Clone, Debug)]
pub struct Services {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    lab: Lab,
    authenticator: Authenticator,
    tokens: Tokens,
    router_tokens: RouterTokens,
    listeners: Listeners,
    settings: RwLock<Arc<Settings>>,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            labels: LabelRules::default(),
            most_tags: crate::model::validate::MOST_TAGS,
            routers: Vec::new(),
            telemetry: None,
            token_lifetime: Duration::from_secs(365 * 24 * 3600),
            rotation_grace: Duration::from_secs(600),
        }
    }
}

// === impl Services ===

impl Services {
    pub fn new(
        lab: Lab,
        authenticator: Authenticator,
        tokens: Tokens,
        router_tokens: RouterTokens,
        settings: Settings,
    ) -> Self {
        let inner = Inner {
            lab,
            authenticator,
            tokens,
            router_tokens,
            listeners: Listeners::default(),
            settings: RwLock::new(Arc::new(settings)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The Listen streams of all exporters.
    pub fn listeners(&self) -> &Listeners {
        &self.inner.listeners
    }

    fn lab(&self) -> &Lab {
        &self.inner.lab
    }

    /// Replaces the settings; calls that have begun keep the earlier ones.
    pub fn configure(&self, settings: Settings) {
        let mut kept = self.inner.settings.write();
        *kept
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = Arc::new(settings);
    }

    fn settings(&self) -> Arc<Settings> {
        let settings = self.inner.settings.read();
        Arc::clone(&settings.unwrap_or_else(PoisonError::into_inner))
    }

    /// Authenticates a call of a client.
    fn client<'a, T>(
        &'a self,
        request: &'a Request<T>,
    ) -> impl Future<Output = Result<Caller<Client>, Status>> + use<'a, T> {
        // Only these parts go into the future, because the request itself is not `Sync`.
        let (headers, peer) = (request.metadata().as_ref(), peer(request));
        let connection = request.extensions().get::<ConnectionState>();
        async move {
            let caller = self.inner.authenticator.client(headers, peer).await?;
            if let Some(connection) = connection {
                connection.mark_authenticated();
            }
            Ok(caller)
        }
    }

    /// Authenticates a call of an exporter.
    fn exporter<'a, T>(
        &'a self,
        request: &'a Request<T>,
    ) -> impl Future<Output = Result<Caller<Exporter>, Status>> + use<'a, T> {
        let (headers, peer) = (request.metadata().as_ref(), peer(request));
        let connection = request.extensions().get::<ConnectionState>();
        async move {
            let caller = self.inner.authenticator.exporter(headers, peer).await?;
            if let Some(connection) = connection {
                connection.mark_authenticated();
            }
            Ok(caller)
        }
    }
}

/// The peer's address, as the server attached it to the request.
fn peer<T>(request: &Request<T>) -> Peer {
    request
        .extensions()
        .get::<Peer>()
        .copied()
        .unwrap_or_default()
}

/// The namespace in the `parent` of a request: `namespaces/lab`.
fn parent(text: &str) -> Result<String, Status> {
    let segments: Vec<&str> = text.split('/').collect();
    match segments[..] {
        ["namespaces", namespace] => Ok(namespace.to_owned()),
        [first, _] => Err(Status::invalid_argument(format!(
            "invalid first segment in identifier \"{text}\", expecting \"namespaces\", got \"{first}\""
        ))),
        _ => Err(Status::invalid_argument(format!(
            "invalid number of segments in identifier \"{text}\", expecting 2, got {}",
            segments.len()
        ))),
    }
}

/// The namespace and name of an object in a request.
fn named(kind: Kind, text: &str) -> Result<Key, Status> {
    use jumpstarter_proto::names::NameError;
    match Name::parse(kind, text) {
        Ok(name) => Ok(Key::new(name.namespace, name.name)),
        Err(error) => Err(Status::invalid_argument(match error {
            NameError::Segments(got) => format!(
                "invalid number of segments in identifier \"{text}\", expecting 4, got {got}"
            ),
            NameError::First(got) => format!(
                "invalid first segment in identifier \"{text}\", expecting \"namespaces\", got \"{got}\""
            ),
            NameError::Third { expected, got } => format!(
                "invalid third segment in identifier \"{text}\", expecting \"{expected}\", got \"{got}\""
            ),
        })),
    }
}
