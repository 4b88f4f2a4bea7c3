//! The contents of files: open, transfer, close.

use std::ffi::OsStr;

use tracing::warn;

use crate::Device;
use crate::device::CallError;
use crate::j::farewell::Farewell;
use crate::j::transfer::{self, Source, Target, failed};
use crate::ui::Failure;

/// Writes `source` to `path`.
pub(super) async fn write(
    device: &Device,
    path: &str,
    source: &OsStr,
    farewell: &Farewell,
) -> Result<(), Failure> {
    let source = Source::open(source, None).await?;
    with_file(device, path, "wb", farewell, async |file| {
        transfer::send(device, source, None, async |handle| {
            device.call_raw("file_write", (file, handle)).await
        })
        .await
    })
    .await
}

/// Reads `path` into `target`.
pub(super) async fn read(
    device: &Device,
    path: &str,
    target: &OsStr,
    farewell: &Farewell,
) -> Result<(), Failure> {
    let target = Target::new(target)?;
    with_file(device, path, "rb", farewell, async |file| {
        transfer::fetch(device, target, None, async |handle| {
            device.call_raw("file_read", (file, handle)).await
        })
        .await
    })
    .await
}

/// Does `work` with an open file, and closes it in any case.
async fn with_file<T>(
    device: &Device,
    path: &str,
    mode: &str,
    farewell: &Farewell,
    work: impl AsyncFnOnce(&str) -> Result<T, Failure>,
) -> Result<(), Failure> {
    let file: String = device.call("open", (path, mode)).await.map_err(failed)?;
    let closing = close(device.clone(), file.clone());
    farewell.promise(closing);
    let done = work(&file).await;
    match (done, farewell.keep().await) {
        (Ok(_), Ok(())) => Ok(()),
        // What was written may become visible, or fail, only here.
        (Ok(_), Err(error)) => Err(failed(error)),
        (Err(failure), Ok(())) => Err(failure),
        (Err(failure), Err(error)) => {
            warn!("{error}");
            Err(failure)
        }
    }
}

async fn close(device: Device, file: String) -> Result<(), CallError> {
    device.call_raw("file_close", (file,)).await.map(drop)
}
