//! What exporters and clients can ask for: requests become commands of the lab, objects of the lab
//! become messages.
//!
//! ```text
//!  request ─► who calls? (identity) ─► may he? ─► lab ─► answer, or a status
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

/// What the configuration says about the services.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which labels are hidden, which deprecated.
    pub labels: LabelRules,
    /// How many tags a lease may have.
    pub most_tags: usize,
    /// Where clients and exporters meet, `host:port`; the first is used.
    pub routers: Vec<String>,
    /// Where exporters send their log, if anywhere.
    pub telemetry: Option<TelemetryEndpoint>,
    /// How long a client's new token is good.
    pub token_lifetime: Duration,
    /// How long its earlier ones stay good then.
    pub rotation_grace: Duration,
}

/// What all services work with; cheap to clone.
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
    /// Services of this lab.
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

    /// The exporters that listen.
    pub fn listeners(&self) -> &Listeners {
        &self.inner.listeners
    }

    fn lab(&self) -> &Lab {
        &self.inner.lab
    }

    /// From now on these count; calls that have begun go on with those they began with.
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

    /// The client that calls.
    fn client<'a, T>(
        &'a self,
        request: &'a Request<T>,
    ) -> impl Future<Output = Result<Caller<Client>, Status>> + use<'a, T> {
        // Only what is looked at goes into the future, so that it may move between threads.
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

    /// The exporter that calls.
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

/// Where a request comes from, as the server noted it.
fn peer<T>(request: &Request<T>) -> Peer {
    request
        .extensions()
        .get::<Peer>()
        .copied()
        .unwrap_or_default()
}

/// The namespace that a request calls the parent.
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

/// The name of an object of this kind.
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
