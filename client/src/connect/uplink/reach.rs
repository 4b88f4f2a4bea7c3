//! From a name to a TCP connection, by whichever of its addresses answers first.
//!
//! An exporter that has lost its controller must not wait for the addresses one after the other:
//! of a controller with two of them, the one in front may be the one that is gone.

use std::io;
use std::net::SocketAddr;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::{CONNECTING, RESOLVING};

/// More addresses than this are not tried.
const ADDRESSES: usize = 16;

/// Why there is no TCP connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReachError {
    /// The name has no address.
    #[error("failed resolving `{name}`: {source}; check the endpoint's name")]
    Unresolved {
        /// The name.
        name: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The name server does not answer.
    #[error(
        "timeout resolving `{name}` after {}s; check the name server",
        RESOLVING.as_secs()
    )]
    SlowResolver {
        /// The name.
        name: String,
    },
    /// The name has addresses, and none answers in time.
    #[error(
        "timeout connecting to `{name}:{port}` after {}s (resolved to {}); \
         check the address and firewalls",
        CONNECTING.as_secs(),
        list(addresses)
    )]
    Silent {
        /// The name.
        name: String,
        /// The port.
        port: u16,
        /// What it resolved to.
        addresses: Vec<SocketAddr>,
    },
    /// All addresses answered, with refusals.
    #[error(
        "failed connecting to `{name}:{port}`, all addresses tried: {}; \
         check the port and that the controller is running",
        reasons(failures)
    )]
    Failed {
        /// The name.
        name: String,
        /// The port.
        port: u16,
        /// What each address answered.
        failures: Vec<(SocketAddr, io::Error)>,
    },
}

/// Connects to `port` of `name`.
pub(super) async fn reach(name: &str, port: u16) -> Result<TcpStream, ReachError> {
    let resolved = async {
        let addresses = lookup_host((name, port)).await?;
        Ok(addresses.take(ADDRESSES).collect::<Vec<_>>())
    };
    let stream = race(name, port, resolved, TcpStream::connect).await?;
    // Calls are small; waiting for more bytes would only add latency.
    let delays = stream.set_nodelay(true);
    delays.map_err(|error| failed(name, port, stream.peer_addr().ok(), error))?;
    Ok(stream)
}

/// Tries all addresses at once; the first that answers wins, the others are dropped.
async fn race<T, C>(
    name: &str,
    port: u16,
    resolved: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    connect: impl Fn(SocketAddr) -> C,
) -> Result<T, ReachError>
where
    C: Future<Output = io::Result<T>>,
{
    let name = name.to_owned();
    let addresses = match timeout(RESOLVING, resolved).await {
        Err(_) => return Err(ReachError::SlowResolver { name }),
        Ok(Err(source)) => return Err(ReachError::Unresolved { name, source }),
        Ok(Ok(addresses)) => addresses,
    };
    if addresses.is_empty() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        return Err(ReachError::Unresolved { name, source });
    }
    let mut failures = Vec::new();
    let attempts = async {
        let attempt = async |address| (address, connect(address).await);
        let mut running: FuturesUnordered<_> = addresses.iter().copied().map(attempt).collect();
        while let Some((address, connected)) = running.next().await {
            match connected {
                Ok(stream) => return Some(stream),
                Err(error) => failures.push((address, error)),
            }
        }
        None
    };
    match timeout(CONNECTING, attempts).await {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => Err(ReachError::Failed {
            name,
            port,
            failures,
        }),
        Err(_) => Err(ReachError::Silent {
            name,
            port,
            addresses,
        }),
    }
}

fn failed(name: &str, port: u16, address: Option<SocketAddr>, error: io::Error) -> ReachError {
    ReachError::Failed {
        name: name.to_owned(),
        port,
        failures: address
            .map(|address| (address, error))
            .into_iter()
            .collect(),
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(|it| it.ip().to_string()).collect();
    addresses.join(", ")
}

fn reasons(failures: &[(SocketAddr, io::Error)]) -> String {
    let failures: Vec<_> = failures
        .iter()
        .map(|(address, error)| format!("{}: {error}", address.ip()))
        .collect();
    failures.join("; ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::{pending, ready};

    use tokio::net::TcpListener;

    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 8082))
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_address_that_answers_wins() {
        let addresses = (1..=3).map(address).collect();
        let winner = race(
            "lab",
            8082,
            ready(Ok(addresses)),
            async |address: SocketAddr| match address.ip().to_string().as_str() {
                "10.0.0.1" => pending().await,
                "10.0.0.2" => Err(refused()),
                _ => Ok(address),
            },
        );
        assert_eq!(winner.await.unwrap(), address(3));
    }

    #[tokio::test]
    async fn a_listener_behind_a_dead_address_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let dead = SocketAddr::from(([127, 0, 0, 99], port));
        let live = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = race("lab", port, ready(Ok(vec![dead, live])), TcpStream::connect);
        assert_eq!(stream.await.unwrap().peer_addr().unwrap(), live);
    }

    #[tokio::test(start_paused = true)]
    async fn each_trouble_has_its_own_text() {
        type Connected = io::Result<()>;
        let text = async |resolved: io::Result<Vec<SocketAddr>>,
                          connected: Option<fn() -> Connected>| {
            let connect = |_| async move {
                match connected {
                    Some(result) => result(),
                    None => pending().await,
                }
            };
            let error = race("lab", 8082, ready(resolved), connect)
                .await
                .unwrap_err();
            error.to_string()
        };
        let two = || Ok(vec![address(1), address(2)]);
        assert_eq!(
            text(Err(io::Error::other("no such name")), None).await,
            "failed resolving `lab`: no such name; check the endpoint's name"
        );
        assert!(
            text(Ok(Vec::new()), None)
                .await
                .starts_with("failed resolving `lab`: ")
        );
        assert_eq!(
            text(two(), None).await,
            "timeout connecting to `lab:8082` after 5s (resolved to 10.0.0.1, 10.0.0.2); \
             check the address and firewalls"
        );
        assert_eq!(
            text(two(), Some(|| Err(io::Error::other("no")))).await,
            "failed connecting to `lab:8082`, all addresses tried: 10.0.0.1: no; 10.0.0.2: no; \
             check the port and that the controller is running"
        );
        let slow = race("lab", 8082, pending(), async |_: SocketAddr| Ok(())).await;
        assert_eq!(
            slow.unwrap_err().to_string(),
            "timeout resolving `lab` after 5s; check the name server"
        );
    }
}
