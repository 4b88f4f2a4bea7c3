//! A host and a port, and what clients are told of them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use jumpstarter_driver::{Error, Result, Schema};
use serde::Deserialize;
use tokio::net::lookup_host;

/// The configuration of a driver that connects to a host and a port.
#[derive(Debug, Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Host name or IP address.
    host: String,
    /// Port number.
    port: u16,
    /// Whether clients may learn the address, to connect to it past the exporter.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enable_address: bool,
}

/// A host, by name or by address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What `enable_address` is when nothing is said.
pub(crate) fn yes() -> bool {
    true
}

/// The error of an `address` that is not to be told.
pub(crate) fn hidden() -> Error {
    Error::invalid_argument("enable_address mode is not true in the exporter configuration")
}

// === impl Config ===

impl Config {
    /// Where to connect to.
    pub(crate) fn peer(&self) -> Peer {
        Peer {
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// The address for clients, `tcp://192.0.2.1:22`.
    ///
    /// # Errors
    /// It is not to be told.
    pub(crate) async fn address(&self, scheme: &str) -> Result<String> {
        match self.enable_address {
            true => Ok(format!("{scheme}://{}", self.peer().resolved().await)),
            false => Err(hidden()),
        }
    }
}

// === impl Peer ===

impl Peer {
    /// With the first address that the name stands for; unchanged if it is an address already, or if
    /// nobody knows the name here: the client may.
    async fn resolved(self) -> Self {
        if self.host.parse::<IpAddr>().is_ok() {
            return self;
        }
        let found = lookup_host((self.host.as_str(), self.port)).await;
        match found.ok().and_then(|mut addresses| addresses.next()) {
            Some(address) => Self {
                host: address.ip().to_string(),
                port: self.port,
            },
            None => self,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host.parse::<Ipv6Addr>() {
            Ok(_) => write!(f, "[{host}]:{port}"),
            Err(_) => write!(f, "{host}:{port}"),
        }
    }
}
