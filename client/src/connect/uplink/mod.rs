//! The way to controllers and routers: what is prepared once and used for every connection.
//!
//! ```text
//! target ─► reach (all addresses at once) ─► tls (ours) ─► HTTP/2 ─► Channel
//! ```
//!
//! Unlike an exporter, which somebody waits for, a controller is talked to for weeks. A [`Channel`]
//! made here connects when it is first used and again whenever it must, looks the name up each
//! time, and tells in every failed request why there is no connection.

mod error;
mod options;
mod reach;
mod status;
mod target;

use std::fmt;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::{Channel, Endpoint, Uri};

use super::tls::Client;
use super::transport::Io;
use super::{ConnectError, PATIENCE, Tls, endpoint};
use crate::Host;

pub use error::UplinkError;
pub use options::{ChannelOptions, OptionValue};
#[cfg(feature = "commands")]
pub(crate) use reach::ReachError;
#[cfg(feature = "commands")]
pub(super) use reach::reach;
pub(crate) use status::{explain, plainly, was_unsent};
pub use target::{TargetError, target};

/// How long a name server may take.
const RESOLVING: Duration = Duration::from_secs(5);

/// How long all addresses of a name together may take to accept a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// How to reach controllers and routers; cheap to clone.
///
/// ```no_run
/// use jumpstarter_client::connect::{ChannelOptions, Tls, Uplink, target};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let uplink = Uplink::new(&Tls::default(), &ChannelOptions::default())?;
/// let channel = uplink.channel(&target("controller.lab:8082")?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Uplink {
    tls: Option<Client>,
    options: ChannelOptions,
}

// === impl Uplink ===

impl Uplink {
    /// Loads the certificates that are to be trusted.
    ///
    /// # Errors
    ///
    /// When there are none, or they are damaged.
    pub fn new(tls: &Tls, options: &ChannelOptions) -> Result<Self, ConnectError> {
        Ok(Self {
            tls: tls.client()?,
            options: options.clone(),
        })
    }

    /// A channel that connects when it is first used, and again whenever it has to.
    ///
    /// Must be called within a tokio runtime, which runs the connection.
    pub fn channel(&self, host: &Host) -> Channel {
        let (uplink, host) = (self.clone(), host.clone());
        let endpoint = self.endpoint(&host);
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let (uplink, host) = (uplink.clone(), host.clone());
            async move { uplink.open(&host).await.map(TokioIo::new) }
        }))
    }

    /// A channel that is connected.
    pub(crate) async fn connect(&self, host: &Host) -> Result<Channel, Status> {
        let (uplink, host) = (self.clone(), host.clone());
        let endpoint = self.endpoint(&host);
        let connector = tower::service_fn(move |_: Uri| {
            let (uplink, host) = (uplink.clone(), host.clone());
            async move { uplink.open(&host).await.map(TokioIo::new) }
        });
        let connected = endpoint.connect_with_connector(connector).await;
        connected.map_err(|error| explain(&error))
    }

    fn endpoint(&self, host: &Host) -> Endpoint {
        let encrypted = self.tls.is_some();
        self.options.apply(endpoint(host, encrypted), encrypted)
    }

    /// What its channels do differently from others.
    pub fn options(&self) -> &ChannelOptions {
        &self.options
    }

    async fn open(&self, host: &Host) -> Result<Box<dyn Io>, UplinkError> {
        let Host::Tcp { name, port } = host else {
            return Err(UplinkError::NotTcp { host: host.clone() });
        };
        let stream = reach::reach(name, *port).await?;
        match &self.tls {
            Some(tls) => Ok(Box::new(self.handshake(tls, host, name, stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }

    async fn handshake(
        &self,
        tls: &Client,
        host: &Host,
        name: &str,
        stream: TcpStream,
    ) -> Result<impl Io + 'static, UplinkError> {
        let name = self.options.server_name.as_deref().unwrap_or(name);
        match timeout(PATIENCE, tls.handshake(host, name, stream)).await {
            Ok(encrypted) => encrypted.map_err(|error| UplinkError::from_handshake(host, error)),
            Err(_) => Err(UplinkError::Silent { host: host.clone() }),
        }
    }
}

impl fmt::Debug for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uplink")
            .field("tls", &self.tls.is_some())
            .field("options", &self.options)
            .finish()
    }
}
