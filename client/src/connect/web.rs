//! Connections for HTTP/1.1, to login services and identity providers.

use tokio::time::timeout;

use super::tls::Client;
use super::transport::Io;
use super::uplink::{UplinkError, reach};
use super::{ConnectError, PATIENCE, Tls};
use crate::Host;

/// Opens connections, encrypted as URLs say.
pub(crate) struct Web(Option<Client>);

// === impl Web ===

impl Web {
    /// Loads the certificates that are to be trusted.
    pub(crate) fn new(tls: &Tls) -> Result<Self, ConnectError> {
        Ok(Self(tls.speaking(b"http/1.1")?))
    }

    /// A connection to `port` of `name`.
    pub(crate) async fn open(
        &self,
        name: &str,
        port: u16,
        encrypted: bool,
    ) -> Result<Box<dyn Io>, UplinkError> {
        let stream = reach(name, port).await?;
        let Some(tls) = self.0.as_ref().filter(|_| encrypted) else {
            return Ok(Box::new(stream));
        };
        let host = Host::Tcp {
            name: name.to_owned(),
            port,
        };
        match timeout(PATIENCE, tls.handshake(&host, name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(UplinkError::from_handshake(&host, error)),
            Err(_) => Err(UplinkError::Silent { host }),
        }
    }
}
