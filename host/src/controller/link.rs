//! One handle for everything between this exporter and its controller.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jumpstarter_client::connect::{CaError, ChannelOptions, OptionValue, Tls};
use jumpstarter_client::controller::{Controller, ControllerError, Identity, Kind, describe};
use jumpstarter_proto::v1::{ExporterStatus, GetServiceEndpointsRequest, TelemetryEndpoint};
use tracing::debug;

use super::ask::{ANSWER, ask};
use super::reporter::Reporter;
use crate::config::{ExporterConfig, GrpcOption};

/// This exporter at its controller; cheap to clone.
///
/// Nothing is sent before it is asked for. When the last clone is dropped, nothing is left.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    controller: Controller,
    name: String,
    reporter: Reporter,
    registered: AtomicBool,
    lacks_release: AtomicBool,
}

/// Why a configuration leads to no controller.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is nothing to connect to, or nothing to say who we are.
    #[error("endpoint or token not set in exporter config; a controller gives both to an exporter")]
    NotSet,
    /// The CA to trust cannot be read.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The settings make no sense.
    #[error(transparent)]
    Controller(#[from] ControllerError),
}

// === impl Link ===

impl Link {
    /// Prepares what the configuration says. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the configuration names no controller, or one that nobody could talk to.
    pub fn new(config: &ExporterConfig) -> Result<Self, LinkError> {
        let endpoint = config.endpoint.as_deref().unwrap_or_default();
        let token = config.token.clone().unwrap_or_default();
        if endpoint.is_empty() || token.expose().is_empty() {
            return Err(LinkError::NotSet);
        }
        let tls = Tls::configured(&config.tls.ca, config.tls.insecure)?;
        let options = config.grpc_options.iter();
        let options = options.map(|(name, value)| (name.as_str(), OptionValue::from(value)));
        let identity = Identity {
            kind: Kind::Exporter,
            namespace: config.metadata.namespace.clone().unwrap_or_default(),
            name: config.metadata.name.clone(),
            token,
        };
        let options = ChannelOptions::from_args(options);
        let controller = Controller::new(endpoint, &tls, &identity, &options)?;
        Ok(Self(Arc::new(Inner {
            reporter: Reporter::start(&controller),
            controller,
            name: identity.name,
            registered: AtomicBool::new(false),
            lacks_release: AtomicBool::new(false),
        })))
    }

    /// Tells the controller where the exporter stands; returns at once. What the controller has not
    /// been told by then, it is never told.
    pub fn report(&self, status: ExporterStatus, message: impl Into<String>) {
        self.0.reporter.report(status, message.into());
    }

    /// Resolves when the first report has reached the controller, or when that was given up.
    pub async fn reported(&self) {
        self.0.reporter.begun().await;
    }

    /// Where to send the log, if the controller wants it.
    pub async fn endpoints(&self) -> Option<TelemetryEndpoint> {
        let question = GetServiceEndpointsRequest {};
        let answered = ask(
            &self.0.controller,
            ANSWER,
            question,
            |mut service, request| async move { service.get_service_endpoints(request).await },
        );
        match answered.await {
            Ok(endpoints) => endpoints.telemetry_endpoints.into_iter().next(),
            // Controllers without telemetry do not know the call.
            Err(status) => {
                debug!("no telemetry: {}", describe(&status));
                None
            }
        }
    }

    pub(super) fn controller(&self) -> &Controller {
        &self.0.controller
    }

    pub(super) fn reporter(&self) -> &Reporter {
        &self.0.reporter
    }

    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether the controller should know us from now on; tells what was so before.
    pub(super) fn suppose_registered(&self, registered: bool) -> bool {
        self.0.registered.swap(registered, Ordering::Relaxed)
    }

    /// Whether the controller has shown that exporters cannot release leases there.
    pub(super) fn lacks_release(&self) -> bool {
        self.0.lacks_release.load(Ordering::Relaxed)
    }

    pub(super) fn remember_lack_of_release(&self) {
        self.0.lacks_release.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("controller", &self.0.controller)
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

impl From<&GrpcOption> for OptionValue {
    fn from(option: &GrpcOption) -> Self {
        match option {
            GrpcOption::Text(text) => Self::Text(text.clone()),
            GrpcOption::Int(number) => Self::Int(*number),
        }
    }
}
