//! Moving data between a client and a file of this machine, as fast as the disk takes it.
//!
//! A transfer has a thread to itself, on which the socket and the file are read and written
//! directly. Handing every piece to another thread, which is what asynchronous files do, costs more
//! than the copying. It is none of the plugin's threads for work that blocks: a client may take as
//! long as it likes, and there are only so many of those.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::Builder;

use jumpstarter_driver::{Error, Resource, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
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
    let mut source = source.read().await?;
    aside(async move {
        let mut buffer = vec![0; CHUNK];
        loop {
            match source.read(&mut buffer).await {
                Ok(0) => return Ok(()),
                Ok(size) => (&*file).write_all(&buffer[..size]).map_err(|error| {
                    Error::internal(format_args!("cannot write `{path}`: {error}"))
                })?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // It tells what has happened to the client.
                Err(error) => return Err(error.into()),
            }
        }
    })
    .await
}

/// Sends the client what is left to read. `path` is for the messages.
pub(crate) async fn send(target: Resource, file: Arc<File>, path: String) -> Result<()> {
    let mut target = target.write().await?;
    aside(async move {
        let mut buffer = vec![0; CHUNK];
        loop {
            match read(&file, &mut buffer, &path)? {
                0 => return target.finish().await,
                size => target.write_all(&buffer[..size]).await?,
            }
        }
    })
    .await
}

/// Runs a transfer on a thread of its own, which ends with the call.
async fn aside(transfer: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    let (mut answer, answered) = oneshot::channel();
    let runtime = Handle::current();
    let work = move || {
        runtime.block_on(async {
            let result = tokio::select! {
                result = transfer => result,
                // The call is given up: nobody hears the result.
                () = answer.closed() => return,
            };
            drop(answer.send(result));
        });
    };
    Builder::new().name("transfer".to_owned()).spawn(work)?;
    answered
        .await
        .unwrap_or_else(|_| Err(Error::internal("the transfer broke off")))
}

/// Reads a file to its end.
pub(crate) fn each_chunk(
    file: &File,
    path: &str,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match read(file, &mut buffer, path)? {
            0 => return Ok(()),
            size => take(&buffer[..size])?,
        }
    }
}

/// Reads the next chunk of a file; nothing at its end.
fn read(mut file: &File, buffer: &mut [u8], path: &str) -> Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => {
                return read.map_err(|error| {
                    Error::internal(format_args!("cannot read `{path}`: {error}"))
                });
            }
        }
    }
}
