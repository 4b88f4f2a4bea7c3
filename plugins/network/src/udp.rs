//! UDP.

use std::io;
use std::os::fd::OwnedFd;

use jumpstarter_driver::{Context, Driver, Result, driver};
use tracing::debug;

use crate::dial;
use crate::peer::Config;

/// Datagrams to and from a UDP port.
pub(crate) struct UdpNetwork(Config);

impl Driver for UdpNetwork {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        Ok(Self(config))
    }
}

/// Datagrams to and from a UDP port.
#[driver(
    type = "jumpstarter_driver_network.driver.UdpNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl UdpNetwork {
    /// Exchange datagrams with the port
    ///
    /// Each message of the stream is one datagram.
    #[export(bytes)]
    async fn connect(&self) -> io::Result<OwnedFd> {
        let peer = self.0.peer();
        debug!("connecting to {peer}");
        let socket = dial::udp(&peer).await?;
        Ok(socket.into_std()?.into())
    }

    /// Where the port is, for clients that connect to it themselves
    #[export]
    async fn address(&self) -> Result<String> {
        self.0.address("udp").await
    }
}
