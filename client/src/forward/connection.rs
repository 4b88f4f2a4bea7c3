//! One connection, or as many as come.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use crate::Device;
use crate::stream::pump::{self, Broken};

/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1024;

/// How long to wait when the system has no descriptor left for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the exporter may take to say that it has got everything. Some never do.
const LAST_BYTES: Duration = Duration::from_secs(1);

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

/// Serves what `accept` gives, for ever; dropping the future ends all connections.
pub(super) async fn serve<L: Local>(
    device: &Device,
    method: &str,
    mut accept: impl AsyncFnMut() -> io::Result<L>,
) -> std::convert::Infallible {
    let method: Arc<str> = method.into();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let permit = Arc::clone(&room).acquire_owned().await;
        let accepted = tokio::select! {
            accepted = accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok(local) => {
                let (device, method) = (device.clone(), Arc::clone(&method));
                connections.spawn(async move {
                    carry(&device, &method, local).await;
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
async fn carry<L: Local>(device: &Device, method: &str, local: L) {
    let name = device.name();
    let peer = local.peer();
    let (reading, mut writing) = local.split();
    let stream = match device.connect(method).await {
        Ok(stream) => stream,
        Err(error) => {
            L::break_off(writing);
            warn!("cannot connect to `{name}`: {error}");
            return;
        }
    };
    let (mut reader, writer) = stream.split();
    let copied = tokio::try_join!(
        pump::send(reading, writer),
        pump::receive(&mut reader, &mut writing)
    );
    match copied {
        // Dropped now, the stream would be cancelled with its last bytes still on their way.
        Ok(_) => match timeout(LAST_BYTES, reader.outcome()).await {
            Ok(Err(error)) => warn!("the connection of {peer} to `{name}` ended badly: {error}"),
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
