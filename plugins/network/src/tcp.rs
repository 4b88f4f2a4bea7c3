//! TCP.

use std::io;
use std::os::fd::OwnedFd;

use jumpstarter_driver::{Context, Driver, Result, driver};
use tracing::debug;

use crate::dial;
use crate::peer::Config;

/// Byte streams to a TCP port.
pub(crate) struct TcpNetwork(Config);

impl Driver for TcpNetwork {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        Ok(Self(config))
    }
}

/// Byte streams to a TCP port.
#[driver(
    type = "jumpstarter_driver_network.driver.TcpNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl TcpNetwork {
    /// Connect to the port
    #[export(bytes)]
    async fn connect(&self) -> io::Result<OwnedFd> {
        let peer = self.0.peer();
        debug!("connecting to {peer}");
        let stream = dial::tcp(&peer).await?;
        Ok(stream.into_std()?.into())
    }

    /// Where the port is, for clients that connect to it themselves
    #[export]
    async fn address(&self) -> Result<String> {
        self.0.address("tcp").await
    }
}
