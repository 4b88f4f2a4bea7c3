//! Bytes in both directions between a client and a device.
//!
//! ```text
//!                            ends when                        and then
//!   client ──► device        the client sends no more         the other direction goes on
//!   client ◄── device        the device hangs up              all is over
//!                            the client is gone               what it had sent is still written
//! ```
//!
//! Each direction holds one piece at a time. Whoever does not take it stops the other side.

use std::time::Duration;

use jumpstarter_driver::{ByteReader, ByteStream, ByteWriter, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::device::{Device, is_gone};
use crate::errno::failed;
use crate::pace::Pace;
use crate::streams::Listed;

/// So much of what a client sends is on its way to the device.
pub(crate) const PIECE: usize = 4096;
/// How long what a client had sent before it left is still written.
const LINGER: Duration = Duration::from_secs(1);

/// How the direction to the client ends.
enum End {
    Device,
    Client,
}

/// Copies both ways until it is over.
pub(crate) async fn pump(stream: &Listed<'_>, io: ByteStream, pace: Option<Pace>) -> Result<()> {
    let (from_client, to_client) = io.into_split();
    let said_all = Notify::new();
    let mut down = std::pin::pin!(async {
        let ended = to_device(stream.device(), from_client, pace).await;
        stream.said_all();
        said_all.notify_one();
        ended
    });
    let mut up = std::pin::pin!(from_device(stream, to_client, &said_all));
    let end = tokio::select! {
        end = &mut up => end?,
        done = &mut down => {
            done?;
            return up.await.map(drop);
        }
    };
    match end {
        End::Device => Ok(()),
        // What it had sent; how far that came, nobody wants to know any more.
        End::Client => timeout(LINGER, down).await.unwrap_or(Ok(())),
    }
}

/// Until the client sends no more, or the device takes no more.
async fn to_device(device: &Device, mut client: ByteReader, mut pace: Option<Pace>) -> Result<()> {
    let mut piece = [0; PIECE];
    while let Ok(read @ 1..) = client.read(&mut piece).await {
        let step = if pace.is_some() { 1 } else { PIECE };
        for bytes in piece[..read].chunks(step) {
            if let Some(pace) = &mut pace {
                pace.wait().await;
            }
            match device.write_all(bytes).await {
                Ok(()) => {}
                // The other direction ends, too.
                Err(error) if is_gone(&error) => return Ok(()),
                Err(error) => return Err(failed(&error)),
            }
        }
    }
    Ok(())
}

/// Until the device hangs up, or the client is gone.
async fn from_device(
    stream: &Listed<'_>,
    mut client: ByteWriter,
    said_all: &Notify,
) -> Result<End> {
    let mut turn = stream.turn();
    let mut piece = [0; PIECE];
    loop {
        let read = tokio::select! {
            read = turn.read(stream.device(), &mut piece) => read,
            () = said_all.notified() => {
                if is_deaf(&mut client).await {
                    return Ok(End::Client);
                }
                continue;
            }
        };
        match read {
            Ok(0) => return Ok(End::Device),
            Ok(read) => {
                if client.write_all(&piece[..read]).await.is_err() {
                    return Ok(End::Client);
                }
            }
            Err(error) if is_gone(&error) => return Ok(End::Device),
            Err(error) => return Err(failed(&error)),
        }
    }
}

/// Whether a client that sends no more does not listen either: writing nothing fails then. One that
/// leaves later is noticed by the next byte, or by the exporter.
async fn is_deaf(client: &mut ByteWriter) -> bool {
    client.write(&[]).await.is_err()
}
