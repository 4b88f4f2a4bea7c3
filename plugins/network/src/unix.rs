//! Unix sockets.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use jumpstarter_driver::{Context, Driver, Result, Schema, driver};
use serde::Deserialize;
use tracing::debug;

use crate::dial;

/// Byte streams to a Unix socket of the exporter's machine.
pub(crate) struct UnixNetwork(Config);

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Path of the socket.
    path: PathBuf,
}

impl Driver for UnixNetwork {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        Ok(Self(config))
    }
}

/// Byte streams to a Unix socket of the exporter's machine.
#[driver(
    type = "jumpstarter_driver_network.driver.UnixNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl UnixNetwork {
    /// Connect to the socket
    #[export(bytes)]
    async fn connect(&self) -> io::Result<OwnedFd> {
        let path = &self.0.path;
        debug!("connecting to {}", path.display());
        let stream = dial::unix(path).await?;
        Ok(stream.into_std()?.into())
    }
}
