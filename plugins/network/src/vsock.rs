//! Sockets between a virtual machine and its host.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use jumpstarter_driver::{Context, Driver, Result, Schema, driver};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, VsockAddr, connect, socket};
use serde::Deserialize;
use tracing::debug;

/// Byte streams to a vsock port.
pub(crate) struct VsockNetwork(Config);

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Context id of the machine: 2 is the host, guests have greater ones.
    cid: u32,
    /// Port number.
    port: u32,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[error("vsock connect() failed: cid {cid}, port {port}: {source}")]
struct VsockError {
    cid: u32,
    port: u32,
    source: io::Error,
}

impl Driver for VsockNetwork {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        Ok(Self(config))
    }
}

/// Byte streams to a vsock port.
#[driver(
    type = "jumpstarter_driver_network.driver.VsockNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl VsockNetwork {
    /// Connect to the port
    // On a thread that may block: the kernel itself gives up after two seconds.
    #[export(bytes)]
    fn connect(&self) -> io::Result<OwnedFd> {
        let Config { cid, port } = self.0;
        debug!("connecting to cid {cid}, port {port}");
        let connected = || -> nix::Result<OwnedFd> {
            let flags = SockFlag::SOCK_CLOEXEC;
            let socket = socket(AddressFamily::Vsock, SockType::Stream, flags, None)?;
            connect(socket.as_raw_fd(), &VsockAddr::new(cid, port))?;
            Ok(socket)
        };
        connected().map_err(|errno| {
            let source = io::Error::from(errno);
            let kind = source.kind();
            io::Error::new(kind, VsockError { cid, port, source })
        })
    }
}
