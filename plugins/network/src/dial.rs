//! Connecting, with errors that name what was to be reached.

mod race;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket, UnixStream, lookup_host};
use tokio::time::{sleep, timeout};

use crate::peer::Peer;

/// How long a peer may take to answer. A client that waits for a device wants to know sooner than
/// the kernel gives up, which is after two minutes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The name means nothing here.
    #[error("cannot resolve `{host}`: {source}")]
    Resolve { host: String, source: io::Error },
    /// Nobody there, or nobody who wants us.
    #[error("cannot connect to `{peer}`: {source}")]
    Connect { peer: String, source: io::Error },
    /// Several addresses, and none of them let us in.
    #[error("cannot connect to `{peer}`: {}", attempts(.failures))]
    Nowhere {
        peer: String,
        failures: Vec<(SocketAddr, io::Error)>,
    },
    /// Silence.
    #[error("cannot connect to `{peer}`: no answer within {} s", PATIENCE.as_secs())]
    Silence { peer: String },
}

/// Connects to whichever address of the peer answers first.
pub(crate) async fn tcp(peer: &Peer) -> Result<TcpStream, DialError> {
    let addresses = resolve(peer).await?;
    let stream = patiently(peer, race::connect(addresses)).await?;
    let stream = stream.map_err(|failures| DialError::nowhere(peer, failures))?;
    // What a person types must not wait for what they type next.
    stream.set_nodelay(true).map_err(DialError::to(peer))?;
    Ok(stream)
}

/// A datagram socket that talks to the first of the peer's addresses that there is a route to.
pub(crate) async fn udp(peer: &Peer) -> Result<UdpSocket, DialError> {
    let mut failures = Vec::new();
    for address in resolve(peer).await? {
        let local: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = async {
            let socket = UdpSocket::bind(local).await?;
            socket.connect(address).await?;
            Ok(socket)
        };
        match socket.await {
            Ok(socket) => return Ok(socket),
            Err(error) => failures.push((address, error)),
        }
    }
    Err(DialError::nowhere(peer, failures))
}

/// Connects to a Unix socket; a path that begins with a zero byte is an abstract name.
pub(crate) async fn unix(path: &Path) -> Result<UnixStream, DialError> {
    let shown = path.to_string_lossy().replace('\0', "@");
    let connecting = async {
        let mut pause = Duration::from_millis(1);
        loop {
            match UnixStream::connect(path).await {
                // The listener's queue is full. Nothing tells when there is room again.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(50));
                }
                outcome => return outcome,
            }
        }
    };
    patiently(&shown, connecting)
        .await?
        .map_err(DialError::to(&shown))
}

async fn resolve(peer: &Peer) -> Result<Vec<SocketAddr>, DialError> {
    let unknown = |source| DialError::Resolve {
        host: peer.host.clone(),
        source,
    };
    let looking = lookup_host((peer.host.as_str(), peer.port));
    let found = patiently(peer, looking).await?.map_err(unknown)?;
    let addresses: Vec<_> = found.collect();
    match addresses.is_empty() {
        true => Err(unknown(io::Error::new(
            ErrorKind::HostUnreachable,
            "it has no address",
        ))),
        false => Ok(addresses),
    }
}

async fn patiently<T>(peer: &impl ToString, work: impl Future<Output = T>) -> Result<T, DialError> {
    let silence = |_| DialError::Silence {
        peer: peer.to_string(),
    };
    timeout(PATIENCE, work).await.map_err(silence)
}

fn attempts(failures: &[(SocketAddr, io::Error)]) -> String {
    let told: Vec<_> = failures
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    told.join("; ")
}

// === impl DialError ===

impl DialError {
    /// For `map_err`.
    pub(crate) fn to(peer: &impl ToString) -> impl FnOnce(io::Error) -> Self {
        let peer = peer.to_string();
        move |source| Self::Connect { peer, source }
    }

    fn nowhere(peer: &Peer, mut failures: Vec<(SocketAddr, io::Error)>) -> Self {
        match failures.len() {
            1 => Self::to(peer)(failures.remove(0).1),
            _ => Self::Nowhere {
                peer: peer.to_string(),
                failures,
            },
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect { source, .. } => source.kind(),
            Self::Nowhere { failures, .. } => failures
                .last()
                .map_or(ErrorKind::HostUnreachable, |(_, error)| error.kind()),
            // What the resolver says has no kind of its own.
            Self::Resolve { .. } => ErrorKind::HostUnreachable,
            Self::Silence { .. } => ErrorKind::TimedOut,
        }
    }
}

/// The driver's error takes its code from the kind of an `io::Error`.
impl From<DialError> for io::Error {
    fn from(error: DialError) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(test)]
mod tests;
