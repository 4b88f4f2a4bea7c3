//! `loop://`: what a client sends comes back, for trying things without a device.

use jumpstarter_driver::{ByteStream, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::pace::Pace;
use crate::pump::PIECE;

/// Sends everything back until the client sends no more. At a pace, every character is on its own.
pub(crate) async fn echo(mut io: ByteStream, mut pace: Option<Pace>) -> Result<()> {
    let mut piece = [0; PIECE];
    loop {
        // A client that is gone is the end, too.
        let Ok(read @ 1..) = io.read(&mut piece).await else {
            return Ok(());
        };
        let sent = match &mut pace {
            None => io.write_all(&piece[..read]).await,
            Some(pace) => {
                let mut sent = Ok(());
                for byte in piece[..read].chunks(1) {
                    pace.wait().await;
                    sent = sent.and(io.write_all(byte).await);
                }
                sent
            }
        };
        if sent.is_err() {
            return Ok(());
        }
    }
}
