//! One connection, or as many as come.

use std::io;
use std::sync::Arc;
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

/// What connections come from.
pub(super) trait Listener {
    type Local: Local;

    fn accept_one(&self) -> impl Future<Output = io::Result<Self::Local>> + Send;
}

/// What a listener gives.
pub(super) trait Local: Send + 'static {
    type Reading: AsyncRead + Unpin + Send;
    type Writing: AsyncWrite + Unpin + Send;

    fn split(self) -> (Self::Reading, Self::Writing);

    /// Lets the peer know that this is no regular end.
    fn break_off(writing: Self::Writing);
}

/// Carries what a listener gives to `peer` over streams that `open` makes, for ever; dropping the
/// future ends all connections.
pub(super) async fn serve<F>(
    peer: &str,
    listener: &impl Listener,
    open: impl Fn() -> F,
) -> std::convert::Infallible
where
    F: Future<Output = Result<ByteStream, String>> + Send + 'static,
{
    let peer: Arc<str> = peer.into();
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
                let (peer, opened) = (Arc::clone(&peer), open());
                connections.spawn(async move {
                    carry(&peer, opened, local).await;
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
    peer: &str,
    opened: impl Future<Output = Result<ByteStream, String>>,
    local: L,
) {
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
    let copied = tokio::try_join!(
        pump::send(reading, writer),
        pump::receive(&mut reader, &mut writing)
    );
    match copied {
        Ok(_) => {
            // Dropped now, the stream would be cancelled with its last bytes still on their way.
            let ended = timeout(LAST_BYTES, reader.outcome()).await;
            debug!(?ended, "connection to `{peer}` closed");
        }
        // Programs close what they have read enough of.
        Err(Broken::Local(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            debug!("stream copy interrupted ({}): {error}", error.kind());
        }
        Err(Broken::Local(error)) => {
            warn!("stream copy interrupted ({}): {error}", error.kind());
        }
        Err(Broken::Stream(error)) => {
            L::break_off(writing);
            warn!("stream copy interrupted (`{peer}`): {error}");
        }
    }
}
