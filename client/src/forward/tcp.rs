//! TCP ports that lead to a driver.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, lookup_host};

use super::ForwardError;
use super::connection::{Listener, Local, Silence, serve};
use super::stream_to;
use crate::Device;

/// A TCP port that leads to a driver while [`run`](Self::run) runs.
#[derive(Debug)]
pub struct TcpForward {
    listener: TcpListener,
    address: SocketAddr,
}

// === impl TcpForward ===

impl TcpForward {
    /// Listens on `port` of `host`; port 0 takes any that is free.
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub async fn bind(host: &str, port: u16) -> Result<Self, ForwardError> {
        let failed = |source| ForwardError::Listen {
            address: format!("{host}:{port}"),
            source,
        };
        let listener = if host == "localhost" {
            // Programs that are told an IPv4 address do not look for an IPv6 one.
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
        } else {
            let resolved = lookup_host((host, port)).await;
            let addresses: Vec<SocketAddr> = match resolved {
                Ok(addresses) => addresses.collect(),
                Err(source) => {
                    let host = host.to_owned();
                    return Err(ForwardError::Resolve { host, source });
                }
            };
            TcpListener::bind(addresses.as_slice()).await
        };
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens a stream by `method` of `device` for each connection; ends only by being dropped.
    pub async fn run(self, device: &Device, method: &str) -> Infallible {
        let open = stream_to(device, method);
        serve(device.name(), &self.listener, Silence::Listens, open).await
    }
}

impl Listener for TcpListener {
    type Local = TcpStream;

    async fn accept_one(&self) -> io::Result<TcpStream> {
        let (stream, _) = self.accept().await?;
        // What a person types, or a protocol asks, must not wait for more.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Local for TcpStream {
    type Reading = OwnedReadHalf;
    type Writing = OwnedWriteHalf;

    fn peer(&self) -> String {
        let address = self.peer_addr();
        // It may be gone already.
        address.map_or_else(|_| "a program".to_owned(), |address| address.to_string())
    }

    fn split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        self.into_split()
    }

    fn break_off(writing: OwnedWriteHalf) {
        // Closing then resets the connection; if that cannot be, it ends like any other.
        writing.as_ref().set_zero_linger().ok();
        // Dropped as it is, it would announce a regular end first.
        writing.forget();
    }
}
