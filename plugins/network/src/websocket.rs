//! WebSockets.

mod error;
mod pump;
mod tls;
mod url;

use jumpstarter_driver::{Context, Driver, MessageStream, Result, Schema, driver};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tracing::info;

use crate::dial::{self, PATIENCE};
use crate::peer::{Peer, hidden, yes};
use error::WebsocketError;
use tls::Tls;
use url::Target;

/// The largest message that a server may send. All of it is in memory before it is passed on.
const MAX_MESSAGE: usize = 16 << 20;
/// What is read from or written to the network at once.
const BUFFER: usize = 64 << 10;

/// Messages to and from a WebSocket server.
pub(crate) struct WebsocketNetwork {
    config: Config,
    tls: Tls,
}

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the server is: `ws://HOST:PORT/PATH`, or `wss://...` for an encrypted connection.
    url: String,
    /// Whether clients may learn the address, to connect to it past the exporter.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enable_address: bool,
}

impl Driver for WebsocketNetwork {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        let tls = Tls::default();
        Ok(Self { config, tls })
    }
}

/// Messages to and from a WebSocket server.
#[driver(
    type = "jumpstarter_driver_network.driver.WebsocketNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl WebsocketNetwork {
    /// Connect to the server
    ///
    /// Each message of the stream is one binary message of the WebSocket.
    #[export(bytes)]
    async fn connect(&self, io: MessageStream) -> Result<()> {
        let target = Target::of(&self.config.url);
        let target = target.map_err(|error| WebsocketError::from(error).told())?;
        let Target {
            peer,
            secure,
            request,
        } = target;
        info!("connecting to {peer}");
        let plain = dial::tcp(&peer).await.map_err(WebsocketError::from);
        let plain = plain.map_err(WebsocketError::told)?;
        let outcome = if secure {
            let stream = within(&peer, self.tls.wrap(&peer, plain)).await?;
            let socket = within(&peer, upgrade(&peer, request, stream)).await?;
            pump::run(socket, io).await
        } else {
            let socket = within(&peer, upgrade(&peer, request, plain)).await?;
            pump::run(socket, io).await
        };
        info!("disconnected from {peer}");
        outcome
    }

    /// Where the server is, for clients that connect to it themselves
    #[export]
    async fn address(&self) -> Result<String> {
        match self.config.enable_address {
            true => Ok(self.config.url.clone()),
            false => Err(hidden()),
        }
    }
}

/// Makes a WebSocket of a connection.
async fn upgrade<S>(
    peer: &Peer,
    request: Request,
    stream: S,
) -> Result<WebSocketStream<S>, WebsocketError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _response)) => Ok(socket),
        Err(error) => Err(WebsocketError::upgrade(peer, error)),
    }
}

/// Gives the peer a while to do something.
async fn within<T>(
    peer: &Peer,
    work: impl Future<Output = Result<T, WebsocketError>>,
) -> Result<T> {
    let silence = |_| WebsocketError::Silence {
        peer: peer.to_string(),
    };
    let outcome = timeout(PATIENCE, work).await.map_err(silence);
    outcome
        .and_then(|outcome| outcome)
        .map_err(WebsocketError::told)
}
