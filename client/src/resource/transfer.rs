//! A stream of data around a call.
//!
//! Three things go on at once and can fail in any order: the local side, the stream, and the call.
//! The call knows best what went wrong, so its answer is waited for whenever the stream breaks. If
//! the local side fails, the stream is reset and the call cancelled, so that the driver never takes
//! half of the data for all of it.

use std::fmt;
use std::io;
use std::pin::pin;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tonic::metadata::MetadataMap;

use super::counted::{Counted, Watcher};
use super::{Compression, Handle};
use crate::Device;
use crate::device::CallError;
use crate::stream::pump::{self, Broken};
use crate::stream::{ByteStream, StreamError};

/// Metadata in which the exporter gives the handle.
const HANDLE: &str = "resource";
/// Metadata in which it says that it does the (de)compression. Exporters say so with an empty value
/// as well; only one that leaves the key out wants plain data.
const ACCEPTED: &str = "x_jmp_accept_encoding";

/// How long data may be on its way after the call has ended, before its beginning is here. Of a
/// driver that never touches its handle nothing ever comes.
const GRACE: Duration = Duration::from_secs(5);

/// Data that goes along with a call of a driver.
pub struct Transfer<'a> {
    device: &'a Device,
    compression: Option<Compression>,
    watcher: Option<Watcher<'a>>,
}

/// Why data did not get to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The driver or the exporter failed, or did not want the data.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The data could not be read here.
    #[error("cannot read the data: {0}")]
    Read(#[source] io::Error),
    /// The data could not be written here.
    #[error("cannot write the data: {0}")]
    Write(#[source] io::Error),
    /// The stream broke although the call went well.
    #[error("the data is not whole: {0}")]
    Stream(#[from] StreamError),
    /// The call went well, and of its data there is neither a byte nor the end.
    #[error(
        "the driver answered without touching the data that it was to send; the exporter's log may \
         say why"
    )]
    Untouched,
    /// The exporter opened a stream, but gave no handle for it.
    #[error("the exporter opened a stream for data without saying which")]
    NoHandle,
    /// Neither side can do this compression.
    #[error("the exporter cannot handle `{0}`, and neither can this program; send plain data")]
    Compression(Compression),
}

/// An open stream of data.
struct Opened {
    handle: Handle,
    stream: ByteStream,
    /// What is left to do here.
    here: Option<Compression>,
}

// === impl Transfer ===

impl<'a> Transfer<'a> {
    /// Data for a call of `device`.
    pub fn new(device: &'a Device) -> Self {
        Self {
            device,
            compression: None,
            watcher: None,
        }
    }

    /// Says that the data is compressed on this side; the driver's is plain.
    #[must_use]
    pub fn compression(mut self, compression: Option<Compression>) -> Self {
        self.compression = compression;
        self
    }

    /// Calls `watcher` whenever data has passed, with the number of bytes so far on this side.
    #[must_use]
    pub fn watched(mut self, watcher: impl FnMut(u64) + Send + 'a) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Sends `source` along with `call`, and returns what that returns.
    ///
    /// # Errors
    ///
    /// What `call` fails with; before that, why `source` could not be read.
    pub async fn upload<T>(
        self,
        source: impl AsyncRead + Unpin + Send,
        call: impl AsyncFnOnce(Handle) -> Result<T, CallError>,
    ) -> Result<T, TransferError> {
        let opened = self.open().await?;
        let source = Counted::new(source, self.watcher);
        // The driver may say nothing on this stream, so nobody waits for it to say it.
        let (_reader, writer) = opened.stream.split();
        let mut sending = pin!(async {
            match opened.here {
                None => pump::send(source, writer).await,
                #[cfg(feature = "compression")]
                Some(compression) => {
                    pump::send(
                        super::compression::decompressed(compression, source),
                        writer,
                    )
                    .await
                }
                #[cfg(not(feature = "compression"))]
                Some(_) => Ok(()),
            }
        });
        let mut calling = pin!(call(opened.handle));
        tokio::select! {
            biased;
            called = &mut calling => Ok(called?),
            sent = &mut sending => match sent {
                Err(Broken::Local(error)) => Err(TransferError::Read(error)),
                Ok(()) | Err(Broken::Stream(_)) => Ok(calling.await?),
            },
        }
    }

    /// Writes to `target` what the driver sends in `call`, and returns what that returns.
    ///
    /// `target` is shut down at the end.
    ///
    /// # Errors
    ///
    /// What `call` fails with; before that, why `target` could not be written to; after that, why
    /// the data is not whole, or that nothing of it came.
    pub async fn download<T>(
        self,
        target: impl AsyncWrite + Unpin + Send,
        call: impl AsyncFnOnce(Handle) -> Result<T, CallError>,
    ) -> Result<T, TransferError> {
        let opened = self.open().await?;
        let mut target = Counted::new(target, self.watcher);
        let (mut reader, writer) = opened.stream.split();
        writer.finish();
        let mut calling = pin!(call(opened.handle));
        let (called, first) = tokio::select! {
            biased;
            called = &mut calling => {
                let result = called?;
                let first = timeout(GRACE, reader.next()).await;
                (Some(result), first.map_err(|_| TransferError::Untouched)?)
            }
            first = reader.next() => (None, first),
        };
        let mut receiving = pin!(async {
            match opened.here {
                None => pump::receive_from(first, &mut reader, &mut target).await,
                #[cfg(feature = "compression")]
                Some(compression) => {
                    let mut target = super::compression::compressed(compression, target);
                    pump::receive_from(first, &mut reader, &mut target).await
                }
                #[cfg(not(feature = "compression"))]
                Some(_) => Ok(()),
            }
        });
        let (result, received) = match called {
            Some(result) => (result, receiving.await),
            None => tokio::select! {
                biased;
                called = &mut calling => (called?, receiving.await),
                received = &mut receiving => match received {
                    Err(Broken::Local(error)) => return Err(TransferError::Write(error)),
                    received => (calling.await?, received),
                },
            },
        };
        match received {
            Ok(()) => Ok(result),
            Err(Broken::Local(error)) => Err(TransferError::Write(error)),
            Err(Broken::Stream(error)) => Err(TransferError::Stream(error)),
        }
    }

    async fn open(&self) -> Result<Opened, TransferError> {
        let wanted = self.compression.map(Compression::name);
        let (stream, metadata) = self.device.connect_resource(wanted).await?;
        let handle = text(&metadata, HANDLE).and_then(Handle::of_stream);
        let here = self
            .compression
            .filter(|_| metadata.get(ACCEPTED).is_none());
        match (handle, here) {
            (None, _) => Err(TransferError::NoHandle),
            (_, Some(compression)) if cfg!(not(feature = "compression")) => {
                Err(TransferError::Compression(compression))
            }
            (Some(handle), here) => Ok(Opened {
                handle,
                stream,
                here,
            }),
        }
    }
}

fn text<'a>(metadata: &'a MetadataMap, key: &str) -> Option<&'a str> {
    metadata.get(key)?.to_str().ok()
}

impl fmt::Debug for Transfer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer")
            .field("device", &self.device.name())
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}
