//! Data on its way between this machine and a driver, for all commands that move some.
//!
//! ```text
//! file, stdin ──► Source ──► stream ─┐
//! http(s)://… ──► the URL itself ────┴► handle ► call          bar and summary on stderr
//! file, stdout ◄─ Target ◄── stream ◄─────────── call
//! ```

mod bar;
mod options;
mod source;
mod target;

use std::path::Path;

use crate::Device;
use crate::device::CallError;
use crate::resource::{Compression, Handle, Transfer, TransferError};
use crate::ui::Failure;
use bar::Bar;

pub(super) use options::{compression, compression_of, file, file_of};
pub(super) use source::Source;
pub(super) use target::Target;

/// Makes `call` with `source` for its data.
pub(super) async fn send<T>(
    device: &Device,
    source: Source,
    compression: Option<Compression>,
    call: impl AsyncFnOnce(Handle) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let (name, data, size) = match source {
        Source::Url(url) => return call(Handle::get(&url)).await.map_err(failed),
        Source::Data { name, data, size } => (name, data, size),
    };
    let bar = Bar::new("sent", size);
    let sent = Transfer::new(device)
        .compression(compression)
        .watched(bar.watcher())
        .upload(data, call)
        .await;
    match sent {
        Ok(result) => {
            bar.finish();
            Ok(result)
        }
        Err(TransferError::Read(error)) => {
            Err(Failure::Error(format!("cannot read {name}: {error}")))
        }
        Err(error) => Err(Failure::Error(error.to_string())),
    }
}

/// Makes `call` and puts its data into `target`, where it is only if all went well.
pub(super) async fn fetch<T>(
    device: &Device,
    mut target: Target,
    compression: Option<Compression>,
    call: impl AsyncFnOnce(Handle) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let Some(data) = target.open().await? else {
        return call(Handle::put(target.name())).await.map_err(failed);
    };
    let bar = Bar::new("received", None);
    let received = Transfer::new(device)
        .compression(compression)
        .watched(bar.watcher())
        .download(data, call)
        .await;
    match received {
        Ok(result) => {
            target.keep()?;
            bar.finish();
            Ok(result)
        }
        Err(TransferError::Write(error)) => Err(target.unwritable(&error)),
        Err(error) => Err(Failure::Error(error.to_string())),
    }
}

pub(super) fn failed(error: CallError) -> Failure {
    Failure::Error(error.to_string())
}

/// What to say when there is no file of a name that looks like a URL.
const URLS: &str = "a URL begins with http:// or https://";

/// What was meant to be a URL, such as `oci://x` or `http:/x`.
fn is_like_url(path: &Path) -> bool {
    let word = path.to_string_lossy().to_ascii_lowercase();
    word.contains("://") || word.starts_with("http:") || word.starts_with("https:")
}

/// What the exporter fetches or delivers by itself.
fn is_url(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}
