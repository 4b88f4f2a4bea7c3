//! From a name to a TCP connection: its addresses, one after the other.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long one of several addresses of a name may take, so that the next gets its turn.
const PER_ADDRESS: Duration = Duration::from_secs(5);

/// Why there is no TCP connection to a name.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DialError {
    /// The name has no address.
    #[error("cannot resolve `{name}`: {source}; check the name")]
    Resolve {
        /// The name.
        name: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// It has addresses, and none of them can be connected to.
    #[error("cannot connect to `{address}`: {source}; check the address and the port")]
    Connect {
        /// The last address.
        address: SocketAddr,
        /// What was wrong with it.
        source: io::Error,
    },
}

/// Connects to `port` of `name`, by the first of its addresses that answers.
///
/// An address that does not answer has five seconds, since a name often has an IPv6 address that
/// leads nowhere. The last one may take as long as it likes: how long that may be altogether is for
/// the caller to say.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use jumpstarter_client::connect::dial;
///
/// let stream = tokio::time::timeout(Duration::from_secs(20), dial("lab-3", 8082)).await??;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the name has no address, or what was wrong with the last one.
pub async fn dial(name: &str, port: u16) -> Result<TcpStream, DialError> {
    let unresolved = |source| DialError::Resolve {
        name: name.to_owned(),
        source,
    };
    let addresses = lookup_host((name, port)).await.map_err(unresolved)?;
    match first(addresses).await {
        Some(connected) => connected,
        None => Err(unresolved(io::ErrorKind::NotFound.into())),
    }
}

/// The first of these that answers; nothing if there are none.
async fn first(
    addresses: impl Iterator<Item = SocketAddr>,
) -> Option<Result<TcpStream, DialError>> {
    let mut addresses = addresses.peekable();
    let mut last = None;
    while let Some(address) = addresses.next() {
        let attempt = TcpStream::connect(address);
        let connected = if addresses.peek().is_some() {
            timeout(PER_ADDRESS, attempt)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        } else {
            attempt.await
        };
        match connected {
            Ok(stream) => return Some(Ok(stream)),
            Err(source) => last = Some(Err(DialError::Connect { address, source })),
        }
    }
    last
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::Ipv4Addr;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    /// Nobody listens there.
    async fn closed() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn the_next_address_gets_its_turn() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let open = listener.local_addr().unwrap();
        let stream = first([closed().await, open].into_iter()).await;
        assert_eq!(stream.unwrap().unwrap().peer_addr().unwrap(), open);
    }

    #[tokio::test]
    async fn the_last_failure_is_told() {
        let (one, two) = (closed().await, closed().await);
        let error = first([one, two].into_iter()).await.unwrap().unwrap_err();
        let DialError::Connect { address, source } = error else {
            panic!("{error}");
        };
        assert_eq!(address, two);
        assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
        assert!(first([].into_iter()).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_keeps_nobody() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let full = socket.listen(0).unwrap();
        let silent = full.local_addr().unwrap();
        // It takes one without accepting it, and ignores all others.
        let _only = TcpStream::connect(silent).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let open = listener.local_addr().unwrap();
        let stream = first([silent, open].into_iter()).await;
        assert_eq!(stream.unwrap().unwrap().peer_addr().unwrap(), open);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_said() {
        let error = dial("no.such.host.invalid", 1).await.unwrap_err();
        assert!(matches!(error, DialError::Resolve { .. }), "{error}");
        assert!(error.to_string().contains("`no.such.host.invalid`"));
    }
}
