//! A client's stream that is compressed: the task between the client's socket and the driver's.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::plugin::{CallError, Code};

use super::codec::{DecodeError, Intake, decode, encode};
use super::hangup::Hangup;
use super::link::{Gone, Link};
use super::transfer::{Teller, gone, left};
use super::{Direction, Encoding, Transfer, socket};

struct Coded {
    encoding: Encoding,
    direction: Direction,
    link: Arc<Link>,
}

/// Puts the codec between the client and the driver.
pub(super) fn transfer(
    encoding: Encoding,
    client: OwnedFd,
    link: Arc<Link>,
    direction: Direction,
) -> Result<Transfer, CallError> {
    let (ours, driver) = socket::pair()?;
    let coded = Coded {
        encoding,
        direction,
        link,
    };
    Ok(Transfer::task(driver, async move |teller| {
        match (socket::stream(client), socket::stream(ours)) {
            (Ok(client), Ok(driver)) => coded.run(client, driver, teller).await,
            (Err(error), _) | (_, Err(error)) => teller.tell(Err(socket::failed(error))),
        }
    }))
}

// === impl Coded ===

impl Coded {
    async fn run(self, mut client: UnixStream, mut driver: UnixStream, teller: Teller) {
        let hangup = match Hangup::of(&driver) {
            Ok(hangup) => hangup,
            Err(error) => return teller.tell(Err(socket::failed(error))),
        };
        let (from_client, to_client) = client.split();
        let (from_driver, to_driver) = driver.split();
        match self.direction {
            Direction::Read => {
                let outcome = self.receive(from_client, to_driver, &hangup, &teller).await;
                if outcome.is_ok() {
                    // The client sees the end when the driver has had its time.
                    tokio::select! {
                        () = hangup.wait() => {}
                        () = self.link.gone() => {}
                    }
                }
            }
            Direction::Write => teller.tell(self.send(from_driver, to_client).await),
            Direction::Either => {
                let quiet = Teller::default();
                let (received, sent) = tokio::join!(
                    self.receive(from_client, to_driver, &hangup, &quiet),
                    self.send(from_driver, to_client)
                );
                teller.tell(received.and(sent));
            }
        }
    }

    /// Decodes what the client sends. The outcome is told before the driver meets the end.
    async fn receive(
        &self,
        from_client: impl AsyncRead + Unpin + Send,
        mut to_driver: impl AsyncWrite + Unpin,
        hangup: &Hangup,
        teller: &Teller,
    ) -> Result<(), CallError> {
        let mut intake = Intake::new(from_client);
        let decoded = tokio::select! {
            decoded = decode(self.encoding, &mut intake, &mut to_driver) => Some(decoded),
            () = hangup.wait() => None,
        };
        let outcome = self.judge(decoded, intake.received()).await;
        teller.tell(outcome.clone());
        // It fails if the driver is gone.
        to_driver.shutdown().await.unwrap_or_default();
        outcome
    }

    async fn judge(
        &self,
        decoded: Option<Result<u64, DecodeError>>,
        received: u64,
    ) -> Result<(), CallError> {
        let gone = |Gone| {
            gone(&format!(
                "after {received} bytes, before it had sent all of its data"
            ))
        };
        match decoded {
            None | Some(Err(DecodeError::Sink(_))) => Err(left()),
            Some(Ok(_)) => self.link.whole().await.map_err(gone),
            Some(Err(DecodeError::Source(_))) => Err(gone(Gone)),
            Some(Err(error @ (DecodeError::Empty(_) | DecodeError::CutOff { .. }))) => {
                // Who did not mean to end there has not sent a broken file.
                self.link.whole().await.map_err(gone)?;
                match error {
                    DecodeError::Empty(_) if self.direction == Direction::Either => Ok(()),
                    error => Err(CallError::new(Code::Unknown, error.to_string())),
                }
            }
            Some(Err(error)) => Err(CallError::new(Code::Unknown, error.to_string())),
        }
    }

    /// Encodes what the driver writes.
    async fn send(
        &self,
        from_driver: impl AsyncRead + Unpin + Send,
        mut to_client: impl AsyncWrite + Unpin,
    ) -> Result<(), CallError> {
        let mut intake = Intake::new(from_driver);
        let even_nothing = self.direction == Direction::Write;
        let encoded = tokio::select! {
            biased;
            encoded = encode(self.encoding, &mut intake, &mut to_client, even_nothing) => encoded,
            () = self.link.gone() => Err(io::ErrorKind::BrokenPipe.into()),
        };
        let taken = intake.received();
        let lost = |_| {
            gone(&format!(
                "after {taken} bytes of the driver had been taken, before the last of them"
            ))
        };
        match encoded {
            // Whoever writes nothing loses nothing.
            Err(_) if !even_nothing && taken == 0 => return Ok(()),
            encoded => encoded.map_err(lost)?,
        }
        // It fails if the client is gone, which is found out next.
        to_client.shutdown().await.unwrap_or_default();
        self.link
            .served()
            .await
            .map_err(|Gone| lost(io::ErrorKind::BrokenPipe.into()))
    }
}
