//! Messages from the client to the server and back.
//!
//! The end of what the client sends ends nothing: a WebSocket has no half-close. The stream ends
//! when the server closes it or the client is gone, of which the exporter tells by dropping all
//! this; the server is told by a close message, too.

use std::io::{self, ErrorKind};
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use jumpstarter_driver::{Error, MessageReader, MessageStream, MessageWriter, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as ProtocolError, Message};

/// How long a server may take to hang up after both sides have said goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// The way to the server. Says goodbye when it is dropped.
struct Outgoing<S: AsyncRead + AsyncWrite + Unpin>(SplitSink<WebSocketStream<S>, Message>);

/// Passes messages on until one of the sides has hung up.
pub(super) async fn run<S>(socket: WebSocketStream<S>, io: MessageStream) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (sink, mut stream) = socket.split();
    let mut sink = Outgoing(sink);
    let (from_client, to_client) = io.into_split();
    tokio::select! {
        error = forward(from_client, &mut sink) => Err(broken(error)),
        outcome = deliver(&mut stream, to_client) => outcome,
    }
}

/// From the client to the server, for ever: returns only if it cannot go on.
async fn forward<S>(mut client: MessageReader, sink: &mut Outgoing<S>) -> ProtocolError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        // What has come meanwhile goes out together; when there is nothing more, it goes at once.
        let next = match client.try_recv() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if let Err(error) = sink.0.flush().await {
                    return error;
                }
                client.recv().await
            }
            other => other,
        };
        let sent = match next {
            Ok(Some(message)) => sink.0.feed(Message::binary(message)).await,
            Ok(None) => match sink.0.flush().await {
                Ok(()) => std::future::pending().await,
                failed => failed,
            },
            Err(error) => Err(error.into()),
        };
        if let Err(error) = sent {
            return error;
        }
    }
}

/// From the server to the client, until the server is through.
async fn deliver<S>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    mut client: MessageWriter,
) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = stream.next().await {
        let sent = match message {
            Ok(Message::Binary(bytes)) => send(&mut client, &bytes).await,
            Ok(Message::Text(text)) => send(&mut client, text.as_bytes()).await,
            Ok(Message::Close(_)) => {
                // Our goodbye goes out while we wait for theirs.
                drop(timeout(GOODBYE, stream.next()).await);
                return Ok(());
            }
            // A ping is answered with the next look at the socket.
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(()),
            Err(error) => return Err(broken(error)),
        };
        match sent {
            // The client is gone; what it has sent before may still be on its way to the server.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => std::future::pending().await,
            other => other?,
        }
    }
    Ok(())
}

/// One message, in pieces if it is larger than a piece can be.
async fn send(client: &mut MessageWriter, message: &[u8]) -> io::Result<()> {
    for piece in message.chunks(client.max_message()) {
        client.send(piece).await?;
    }
    Ok(())
}

fn broken(error: ProtocolError) -> Error {
    match error {
        ProtocolError::Io(error) => error.into(),
        other => Error::unavailable(format_args!("the WebSocket broke: {other}")),
    }
}

// === impl Outgoing ===

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for Outgoing<S> {
    fn drop(&mut self) {
        // One attempt: if the network has no room for it now, the end of the connection must do.
        let mut once = Context::from_waker(Waker::noop());
        drop(self.0.poll_close_unpin(&mut once));
    }
}
