//! Listening sockets: those that systemd passes, else our own.
//!
//! A socket of systemd outlives the program: while one ends and the next starts, connections wait in
//! the kernel and nobody is refused. Without systemd, the next program tries to bind until the previous
//! one has closed the port.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::time::{Instant, sleep};

use super::StartError;

/// How long the previous program may take to close a port.
const HANDOVER: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(20);
/// Connections that may wait in the kernel until we accept them.
const BACKLOG: u32 = 4096;

/// The sockets that systemd passed, by port.
#[derive(Debug, Default)]
pub(super) struct Inherited(HashMap<u16, StdListener>);

// === impl Inherited ===

impl Inherited {
    /// Takes the sockets that systemd passed to this process; none without systemd.
    pub(super) fn take() -> io::Result<Self> {
        let mut all = Self::default();
        let mut passed = ListenFd::from_env();
        for place in 0..passed.len() {
            match passed.take_tcp_listener(place) {
                Ok(Some(listener)) => {
                    let port = listener.local_addr()?.port();
                    all.0.insert(port, listener);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "systemd passed something that is no TCP port")
                }
            }
        }
        Ok(all)
    }

    /// The socket for an address in the configuration.
    pub(super) async fn listen(
        &mut self,
        what: &'static str,
        address: &str,
    ) -> Result<TcpListener, StartError> {
        let failed = |source| StartError::Listen {
            what,
            address: address.to_owned(),
            source,
        };
        let port = address
            .rsplit_once(':')
            .and_then(|(_, port)| port.parse().ok());
        if let Some(listener) = port.and_then(|port: u16| self.0.remove(&port)) {
            listener.set_nonblocking(true).map_err(failed)?;
            return TcpListener::from_std(listener).map_err(failed);
        }
        bind(address).await.map_err(failed)
    }

    /// Warns about sockets that no address asked for.
    pub(super) fn finish(self) {
        for port in self.0.into_keys() {
            tracing::warn!(
                port,
                "systemd holds a port that the configuration does not mention"
            );
        }
    }
}

async fn bind(address: &str) -> io::Result<TcpListener> {
    let deadline = Instant::now() + HANDOVER;
    loop {
        match try_bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                sleep(AGAIN).await;
            }
            other => return other,
        }
    }
}

async fn try_bind(address: &str) -> io::Result<TcpListener> {
    let Some(port) = address.strip_prefix(':') else {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "no such host");
        for address in lookup_host(address).await? {
            match open(address) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        return Err(last);
    };
    let port = port.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
    let both: SocketAddr = (std::net::Ipv6Addr::UNSPECIFIED, port).into();
    match open(both) {
        // The machine may have no IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            open((std::net::Ipv4Addr::UNSPECIFIED, port).into())
        }
        other => other,
    }
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Closing connections of the previous program do not keep us from the port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_port_is_taken_over_as_soon_as_it_is_free() {
        let first = bind("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap().to_string();
        let next = tokio::spawn(async move { bind(&address).await });
        sleep(Duration::from_millis(50)).await;
        assert!(!next.is_finished());
        drop(first);
        next.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn all_addresses_are_both_kinds() {
        let listener = bind(":0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .unwrap();
    }
}
