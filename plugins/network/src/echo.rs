//! The client's own words.

use std::io::ErrorKind;

use jumpstarter_driver::{Context, Driver, MessageStream, NoConfig, Result, driver};

/// Sends everything back.
pub(crate) struct EchoNetwork;

impl Driver for EchoNetwork {
    type Config = NoConfig;

    async fn open(_config: NoConfig, _cx: Context) -> Result<Self> {
        Ok(Self)
    }
}

/// Sends everything back: for trying out clients and connections.
#[driver(
    type = "jumpstarter_driver_network.driver.EchoNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl EchoNetwork {
    /// Hear what you say
    ///
    /// Messages come back as they were sent, and the stream ends after the last of them.
    #[export(bytes)]
    async fn connect(&self, mut io: MessageStream) -> Result<()> {
        loop {
            let message = match io.try_recv() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => io.recv().await?,
                other => other?,
            };
            match message {
                Some(message) => io.send(&message).await?,
                None => return Ok(()),
            }
        }
    }
}
