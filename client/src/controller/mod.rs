//! The controller, as exporters and clients talk to it.
//!
//! ```text
//! ControllerServiceClient ─► Transport ─► Channel ─► uplink (TCP, TLS) ─► controller
//!                            └ who is calling, as four headers
//!                            └ whatever goes wrong on the way: UNAVAILABLE, and why
//! ```
//!
//! A [`Controller`] is made once and used for weeks. It connects at the first call, again whenever
//! the connection is gone, and looks the name up each time. Its calls therefore fail with a
//! [`Status`] and nothing else: UNAVAILABLE stands for all that can happen to a connection, and its
//! message says what happened, and what to look at.
//!
//! ```no_run
//! use jumpstarter_client::Secret;
//! use jumpstarter_client::connect::{ChannelOptions, Tls};
//! use jumpstarter_client::controller::{Controller, Identity, Kind};
//! use jumpstarter_proto::client_v1::ListLeasesRequest;
//!
//! # async fn example(ca: &str, token: Secret<String>) -> Result<(), Box<dyn std::error::Error>> {
//! let identity = Identity {
//!     kind: Kind::Client,
//!     namespace: "lab".to_owned(),
//!     name: "me".to_owned(),
//!     token,
//! };
//! let tls = Tls::configured(ca, false)?;
//! let options = ChannelOptions::default();
//! let controller = Controller::new("controller.lab:8082", &tls, &identity, &options)?;
//! let leases = controller.clients().list_leases(ListLeasesRequest::default()).await?;
//! # Ok(())
//! # }
//! ```

mod identity;
mod transport;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jumpstarter_proto::client_v1::client_service_client::ClientServiceClient;
use jumpstarter_proto::v1::controller_service_client::ControllerServiceClient;
use thiserror::Error;
use tonic::Status;
use tonic::transport::Channel;

use crate::connect::{ChannelOptions, ConnectError, TargetError, Tls, Uplink, target};
use crate::{ByteStream, Host, Secret, router};

pub(crate) use identity::bearer;
pub use identity::{Identity, Kind, UnusableIdentity};
pub use transport::Transport;

/// A controller, reached by whoever the identity says; cheap to clone.
///
/// Clones share a connection.
#[derive(Clone)]
pub struct Controller(Arc<Inner>);

struct Inner {
    host: Host,
    uplink: Uplink,
    headers: identity::Headers,
    channel: Mutex<Channel>,
}

/// Why a controller can never be reached, with these settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// The endpoint is no address.
    #[error(transparent)]
    Endpoint(#[from] TargetError),
    /// The certificates to trust could not be loaded.
    #[error(transparent)]
    Trust(#[from] ConnectError),
    /// Namespace, name or token cannot be sent.
    #[error(transparent)]
    Identity(#[from] UnusableIdentity),
}

// === impl Controller ===

impl Controller {
    /// Prepares the way to the controller at `endpoint`; nothing is sent yet.
    ///
    /// Must be called within a tokio runtime, which runs the connection.
    ///
    /// # Errors
    ///
    /// When the settings make no sense, whatever the controller may say.
    pub fn new(
        endpoint: &str,
        tls: &Tls,
        identity: &Identity,
        options: &ChannelOptions,
    ) -> Result<Self, ControllerError> {
        let host = target(endpoint)?;
        let uplink = Uplink::new(tls, options)?;
        let headers = identity.headers()?;
        let channel = Mutex::new(uplink.channel(&host));
        Ok(Self(Arc::new(Inner {
            host,
            uplink,
            headers,
            channel,
        })))
    }

    /// The calls of exporters, and the older ones of clients.
    pub fn service(&self) -> ControllerServiceClient<Transport> {
        let options = self.0.uplink.options();
        ControllerServiceClient::new(self.transport())
            .max_decoding_message_size(options.largest_received.unwrap_or(usize::MAX))
            .max_encoding_message_size(options.largest_sent.unwrap_or(usize::MAX))
    }

    /// The calls of clients: leases and exporters.
    pub fn clients(&self) -> ClientServiceClient<Transport> {
        let options = self.0.uplink.options();
        ClientServiceClient::new(self.transport())
            .max_decoding_message_size(options.largest_received.unwrap_or(usize::MAX))
            .max_encoding_message_size(options.largest_sent.unwrap_or(usize::MAX))
    }

    /// A stream through the router that the controller has named, with the same trust.
    ///
    /// # Errors
    ///
    /// See [`router::open`].
    pub async fn router(
        &self,
        endpoint: &str,
        token: &Secret<String>,
    ) -> Result<ByteStream, Status> {
        router::open(&self.0.uplink, endpoint, token).await
    }

    /// Uses a new connection for the calls to come; those under way go on with the old one.
    ///
    /// For whoever has waited in vain for an answer: a connection that was cut without a word looks
    /// healthy until its next check.
    pub fn renew(&self) {
        let fresh = self.0.uplink.channel(&self.0.host);
        *self.channel() = fresh;
    }

    /// Where it is.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    fn transport(&self) -> Transport {
        Transport::new(self.channel().clone(), self.0.headers.clone())
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        // Channels are replaced whole.
        self.0
            .channel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("host", &self.0.host)
            .finish_non_exhaustive()
    }
}

/// A status as one reads it in a log: `UNAVAILABLE: the controller is being restarted`.
pub fn describe(status: &Status) -> String {
    let code = crate::device::code_name(status.code());
    match status.message() {
        "" => code.to_owned(),
        message => format!("{code}: {message}"),
    }
}
