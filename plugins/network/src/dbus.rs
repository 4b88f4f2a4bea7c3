//! Message buses.

mod address;

use std::io;
use std::os::fd::OwnedFd;

use jumpstarter_driver::{Context, Description, Driver, Error, Result, Schema, driver};
use serde::Deserialize;
use tracing::debug;

use crate::dial;
use address::Address;

/// The label that tells clients which bus it is.
const KIND: &str = "jumpstarter.dev/dbusnetwork/kind";

/// Byte streams to a message bus of the exporter's machine.
pub(crate) struct DbusNetwork {
    kind: String,
    address: Address,
}

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `system` or `session`.
    kind: String,
}

impl Driver for DbusNetwork {
    type Config = Config;

    async fn open(Config { kind }: Config, _cx: Context) -> Result<Self> {
        let address = Address::of(&kind).map_err(Error::invalid_argument)?;
        Ok(Self { kind, address })
    }

    fn describe(&self) -> Description {
        Description {
            labels: [(KIND.to_owned(), self.kind.clone())].into(),
            ..Description::default()
        }
    }
}

/// Byte streams to a message bus of the exporter's machine.
#[driver(
    type = "jumpstarter_driver_network.driver.DbusNetwork",
    client = "jumpstarter_driver_network.client.DbusNetworkClient",
    category = "network"
)]
impl DbusNetwork {
    /// Connect to the bus
    ///
    /// Whoever uses the stream authenticates to the bus, as the user that the exporter runs as.
    #[export(bytes)]
    async fn connect(&self) -> io::Result<OwnedFd> {
        match &self.address {
            Address::Unix(path) => {
                debug!("connecting to {}", path.display());
                Ok(dial::unix(path).await?.into_std()?.into())
            }
            Address::Tcp(peer) => {
                debug!("connecting to {peer}");
                Ok(dial::tcp(peer).await?.into_std()?.into())
            }
        }
    }
}
