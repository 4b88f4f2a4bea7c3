//! The way to a client that waits at a router.

use std::time::Duration;

use jumpstarter_client::ByteStream;
use jumpstarter_client::controller::describe;
use jumpstarter_client::stream::StreamError;
use tokio::time::timeout;
use tonic::Status;

use super::link::Link;
use super::listen::Invitation;

/// How long a router may take to refuse. One that does not refuse may say nothing until the client
/// does, which can be never.
const REFUSAL: Duration = Duration::from_secs(1);

/// The client cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// There is no connection to the router.
    #[error("{}", describe(.0))]
    Unreachable(Box<Status>),
    /// The router does not like the token, or the client is gone.
    #[error("router `{endpoint}`: {source}")]
    Refused {
        /// Where the router is.
        endpoint: String,
        /// What it said.
        source: StreamError,
    },
}

// === impl Link ===

impl Link {
    /// Opens a stream to the client that waits at a router; what flows in it is the client's
    /// connection to a session of ours.
    ///
    /// # Errors
    ///
    /// When the router cannot be reached, or refuses.
    pub async fn tunnel(&self, invitation: &Invitation) -> Result<ByteStream, TunnelError> {
        let Invitation { endpoint, token } = invitation;
        let opened = self.controller().router(endpoint, token).await;
        let mut stream = opened.map_err(|status| TunnelError::Unreachable(Box::new(status)))?;
        match timeout(REFUSAL, stream.answered()).await {
            Ok(Err(source)) => Err(TunnelError::Refused {
                endpoint: endpoint.clone(),
                source,
            }),
            Ok(Ok(())) | Err(_) => Ok(stream),
        }
    }
}
