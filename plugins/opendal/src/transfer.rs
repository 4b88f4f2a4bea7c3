//! Moving data between a client and a file of this machine, as fast as the disk takes it.
//!
//! A transfer has a thread to itself, on which the socket and the file are read and written
//! directly. Handing every piece to another thread, which is what asynchronous files do, costs more
//! than the copying.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::panic::resume_unwind;
use std::sync::Arc;

use jumpstarter_driver::{Error, Resource, Result};
use tokio::task::spawn_blocking;

/// How much is read and written at a time.
pub(crate) const CHUNK: usize = 1024 * 1024;

/// Does work that waits for the disk.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(Error::cancelled("the exporter stops")),
        },
    }
}

/// Writes what the client sends. `path` is for the messages.
pub(crate) async fn receive(source: Resource, file: Arc<File>, path: String) -> Result<()> {
    let mut source = source.read().await?.blocking()?;
    blocking(move || pump(&mut source, &file, &path)).await
}

/// Sends the client what is left to read. `path` is for the messages.
pub(crate) async fn send(target: Resource, file: Arc<File>, path: String) -> Result<()> {
    let mut target = target.write().await?.blocking()?;
    blocking(move || {
        each_chunk(&file, &path, |chunk| Ok(target.write_all(chunk)?))?;
        target.finish()
    })
    .await
}

/// Reads a file to its end.
pub(crate) fn each_chunk(
    mut file: &File,
    path: &str,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(size) => take(&buffer[..size])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(Error::internal(format_args!(
                    "cannot read `{path}`: {error}"
                )));
            }
        }
    }
}

fn pump(source: &mut impl Read, mut file: &File, path: &str) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(size) => file
                .write_all(&buffer[..size])
                .map_err(|error| Error::internal(format_args!("cannot write `{path}`: {error}")))?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // It tells what has happened to the client.
            Err(error) => return Err(error.into()),
        }
    }
}
