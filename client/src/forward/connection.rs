//! One connection, or as many as come.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::ByteStream;
use crate::stream::pump::{self, Broken};

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;

/// How long to wait when the system has no descriptor left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the exporter may take to say that it has got everything. Some never do.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// What it means that a local program sends no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// That is all; it may still wait for an answer.
    Listens,
    /// It has gone, as programs that speak HTTP/2 do: how the other side takes that is nobody's
    /// business any more.
    Gone,
}

/// What connections come from.
pub(super) trait Listener {
    type Local: Local;

    fn accept_one(&self) -> impl Future<Output = io::Result<Self::Local>> + Send;
}

/// What a listener gives.
pub(super) trait Local: Send + 'static {
    type Reading: AsyncRead + Unpin + Send;
    type Writing: AsyncWrite + Unpin + Send;

    /// Who is at the other end, for a person who reads about it.
    fn peer(&self) -> String;

    fn split(self) -> (Self::Reading, Self::Writing);

    /// Lets the peer know that this is no regular end.
    fn break_off(writing: Self::Writing);
}

/// Carries what a listener gives to `name` over streams that `open` makes, for ever; dropping the
/// future ends all connections.
pub(super) async fn serve<F>(
    name: &str,
    listener: &impl Listener,
    silence: Silence,
    open: impl Fn() -> F,
) -> std::convert::Infallible
where
    F: Future<Output = Result<ByteStream, String>> + Send + 'static,
{
    let name: Arc<str> = name.into();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let permit = Arc::clone(&room).acquire_owned().await;
        let accepted = tokio::select! {
            accepted = listener.accept_one() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok(local) => {
                let (name, opened) = (Arc::clone(&name), open());
                connections.spawn(async move {
                    carry(&name, opened, silence, local).await;
                    drop(permit);
                });
            }
            Err(error) => {
                warn!("cannot accept a connection: {error}");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Carries one connection until both directions are at their end.
async fn carry<L: Local>(
    name: &str,
    opened: impl Future<Output = Result<ByteStream, String>>,
    silence: Silence,
    local: L,
) {
    let peer = local.peer();
    let (reading, mut writing) = local.split();
    let stream = match opened.await {
        Ok(stream) => stream,
        Err(error) => {
            L::break_off(writing);
            warn!("{error}");
            return;
        }
    };
    let (mut reader, writer) = stream.split();
    let gone = AtomicBool::new(false);
    let sent = async {
        pump::send(reading, writer).await?;
        gone.store(silence == Silence::Gone, Ordering::Relaxed);
        Ok(())
    };
    let copied = tokio::try_join!(sent, pump::receive(&mut reader, &mut writing));
    let gone = gone.into_inner();
    match copied {
        Err(Broken::Stream(error)) if gone => {
            debug!("connection of {peer} to `{name}` closed: {error}");
        }
        // Dropped now, the stream would be cancelled with its last bytes still on their way.
        Ok(_) => match timeout(LAST_BYTES, reader.outcome()).await {
            Ok(Err(error)) if !gone => {
                warn!("the connection of {peer} to `{name}` ended badly: {error}")
            }
            ended => debug!(?ended, "connection of {peer} to `{name}` closed"),
        },
        // Programs close what they have read enough of.
        Err(Broken::Local(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            debug!("stream copy interrupted ({}): {error}", error.kind());
        }
        Err(Broken::Local(error)) => {
            warn!("stream copy interrupted ({}): {error}", error.kind());
        }
        Err(Broken::Stream(error)) => {
            L::break_off(writing);
            // That no more data is taken is only half of the story.
            let error = match timeout(LAST_BYTES, reader.outcome()).await {
                Ok(Err(reason)) => reason,
                Ok(Ok(())) | Err(_) => error,
            };
            warn!("stream copy interrupted (`{name}`): {error}");
        }
    }
}
