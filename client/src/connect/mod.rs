//! One channel to an exporter, whatever lies between; and the way to controllers and routers.
//!
//! ```text
//! Host ─► transport (TCP, unix socket) ─► tls (ours, or none) ─► HTTP/2 ─► passphrase ─► services
//! target ─► uplink (TCP) ───────────────► tls ──────────────────► HTTP/2 ─► identity ───► controller
//! ```
//!
//! TLS is done here and not by tonic, because "encrypted but not verified" and lab certificates
//! that are their own CA need a verifier of ours. No certificate is loaded unless TLS is used.

mod dial;
mod error;
mod passphrase;
mod roots;
mod tls;
mod transport;
mod trust;
mod uplink;
mod verify;
#[cfg(feature = "commands")]
mod web;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};

use crate::{Host, Secret};

pub use dial::{DialError, dial};
pub use error::ConnectError;
pub use passphrase::{Passphrase, UnusablePassphrase};
pub use roots::{Roots, RootsError};
pub use tls::Tls;
use transport::{Connector, PeerNotes};
pub use trust::CaError;
#[cfg(feature = "commands")]
pub(crate) use uplink::ReachError;
pub use uplink::{ChannelOptions, OptionValue, TargetError, Uplink, UplinkError, target};
pub(crate) use uplink::{explain, plainly, was_unsent};
#[cfg(feature = "commands")]
pub(crate) use web::Web;

/// A channel that adds the passphrase to every request.
pub type Transport = InterceptedService<Channel, Passphrase>;

/// How long a peer may take to accept a connection, and to greet.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How much of a stream may be under way, or wait here for somebody to read it: enough for 40 MB/s
/// at a distance of 50 ms.
const STREAM_WINDOW: u32 = 2 << 20;

/// As much as HTTP/2 allows. What nobody reads counts against it, so with any less a few streams
/// that are stuck would stop all others. Memory is bounded by the streams' own windows.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Larger frames than the usual 16 KiB, because each costs the peer a header and us a copy.
const FRAME: u32 = 64 * 1024;

/// How to talk to a host.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Encryption, for TCP hosts; unix sockets are always plaintext.
    pub tls: Tls,
    /// Sent with every request to a TCP host, never over a unix socket.
    pub passphrase: Option<Secret<String>>,
}

/// An open connection.
///
/// It reconnects by itself when the peer goes away and comes back.
#[derive(Debug, Clone)]
pub struct Connection {
    host: Host,
    transport: Transport,
    /// TCP without TLS.
    plaintext: bool,
    notes: Arc<PeerNotes>,
}

/// Connects to `host`.
///
/// ```no_run
/// # async fn example() -> Result<(), jumpstarter_client::connect::ConnectError> {
/// use jumpstarter_client::Host;
/// use jumpstarter_client::connect::{Options, connect};
///
/// let connection = connect(&Host::parse("lab-3:8082"), &Options::default()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Why there is no connection, and what to try.
pub async fn connect(host: &Host, options: &Options) -> Result<Connection, ConnectError> {
    let passphrase = match &options.passphrase {
        Some(secret) if host.is_tcp() => Passphrase::new(secret)?,
        _ => Passphrase::none(),
    };
    let notes = Arc::new(PeerNotes::default());
    let connector = Connector::new(host, &options.tls, Arc::clone(&notes))?;
    let channel = channel(host, &options.tls, connector).await?;
    Ok(Connection {
        host: host.clone(),
        transport: InterceptedService::new(channel, passphrase),
        plaintext: host.is_tcp() && !options.tls.is_on(),
        notes,
    })
}

async fn channel(host: &Host, tls: &Tls, connector: Connector) -> Result<Channel, ConnectError> {
    // tonic boxes and wraps what the connector returns; this keeps the error as it was.
    let reason: Arc<Mutex<Option<ConnectError>>> = Arc::default();
    let service = tower::service_fn({
        let reason = Arc::clone(&reason);
        move |_: Uri| {
            let connector = connector.clone();
            let reason = Arc::clone(&reason);
            async move {
                connector.open().await.map(TokioIo::new).map_err(|error| {
                    let text = error.to_string();
                    *reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    std::io::Error::other(text)
                })
            }
        }
    });
    let connected = endpoint(host, tls.is_on())
        .connect_with_connector(service)
        .await;
    connected.map_err(|error| {
        let reason = reason.lock().unwrap_or_else(PoisonError::into_inner).take();
        reason.unwrap_or_else(|| ConnectError::Http2 {
            host: host.clone(),
            why: innermost(&error).to_string(),
        })
    })
}

fn endpoint(host: &Host, encrypted: bool) -> Endpoint {
    let scheme = if encrypted && host.is_tcp() {
        "https"
    } else {
        "http"
    };
    let authority = match host {
        Host::Tcp { name, .. } if !name.is_empty() => host.to_string(),
        _ => "localhost".to_owned(),
    };
    let plain = Endpoint::from_static("http://localhost");
    // A name that no URI can carry still connects; only the header becomes `localhost`.
    let endpoint = match format!("{scheme}://{authority}").parse::<Uri>() {
        Ok(origin) => plain.origin(origin),
        Err(_) => plain,
    };
    endpoint
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(180))
        .keep_alive_while_idle(true)
        .max_frame_size(FRAME)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}

fn innermost<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> &'a (dyn std::error::Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

// === impl Connection ===

impl Connection {
    /// The channel, for the generated clients.
    pub fn transport(&self) -> Transport {
        self.transport.clone()
    }

    /// Where it leads.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whether the peer has said anything since it accepted the connection.
    pub(crate) fn heard(&self) -> bool {
        self.notes.heard()
    }

    /// Why requests fail although the connection could be made, if that is known: a peer that
    /// expects TLS while we speak plaintext is noticed only when it answers, or hangs up.
    pub fn diagnosis(&self) -> Option<ConnectError> {
        let host = self.host.clone();
        if !self.plaintext {
            None
        } else if self.notes.answered_with_tls() {
            Some(ConnectError::SpeaksTls { host })
        } else if !self.notes.heard() {
            Some(ConnectError::HungUp { host })
        } else {
            None
        }
    }
}

/// The status of a request, in which what went wrong on the way here counts as unavailable.
///
/// tonic calls a connection that broke `UNKNOWN`; to everybody else that word means that a driver
/// failed.
pub(crate) fn status_of(status: Status) -> Status {
    let cause = std::error::Error::source(&status).map(innermost);
    match cause.filter(|_| status.code() == Code::Unknown) {
        // That a connection cannot be made is an error of ours, which needs no introduction.
        Some(cause) if cause.is::<std::io::Error>() => Status::unavailable(cause.to_string()),
        Some(cause) => {
            Status::unavailable(format!("the connection to the exporter broke: {cause}"))
        }
        None => status,
    }
}
