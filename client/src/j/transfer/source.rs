//! Where data for a driver comes from.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, IsTerminal};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tokio::io::AsyncRead;

use super::{URLS, is_like_url, is_url};
use crate::resource::Compression;
use crate::ui::{Failure, tell};

/// Where data for a driver comes from.
pub(in crate::j) enum Source {
    /// The exporter gets it by itself.
    Url(String),
    /// It is here.
    Data {
        /// What to call it in an error.
        name: String,
        data: Box<dyn AsyncRead + Send + Unpin>,
        /// If that can be known.
        size: Option<u64>,
    },
}

// === impl Source ===

impl Source {
    /// What `word` stands for: a URL, `-` for stdin, or a file.
    pub(in crate::j) async fn open(
        word: &OsStr,
        compression: Option<Compression>,
    ) -> Result<Self, Failure> {
        match word.to_str() {
            Some(url) if is_url(url) => Ok(Self::Url(url.to_owned())),
            Some("-") => Self::stdin(),
            _ => Self::file(Path::new(word), compression).await,
        }
    }

    /// Whatever is piped into this program.
    pub(in crate::j) fn stdin() -> Result<Self, Failure> {
        if io::stdin().is_terminal() {
            tell("Reading from the terminal; CTRL+D ends it.");
        }
        Ok(Self::Data {
            name: "stdin".to_owned(),
            data: Box::new(tokio::io::stdin()),
            size: None,
        })
    }

    async fn file(path: &Path, compression: Option<Compression>) -> Result<Self, Failure> {
        let shown = path.display();
        let (file, metadata) = open(path).await.map_err(|error| {
            Failure::Error(match error.kind() {
                io::ErrorKind::NotFound if is_like_url(path) => {
                    format!("File not found. There is no `{shown}`; {URLS}")
                }
                io::ErrorKind::NotFound => {
                    format!("File not found. There is no `{shown}`; check its name")
                }
                _ => format!("cannot read `{shown}`: {error}"),
            })
        })?;
        if metadata.is_dir() {
            let text = format!("`{shown}` is a directory; name a file in it");
            return Err(Failure::Error(text));
        }
        if compression.is_none() {
            hint(path, &file, &metadata);
        }
        Ok(Self::Data {
            name: format!("`{shown}`"),
            data: Box::new(tokio::fs::File::from_std(file)),
            size: metadata.is_file().then_some(metadata.len()),
        })
    }
}

/// Not on this thread, because a named pipe opens only when somebody has opened its other end.
async fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = tokio::fs::File::open(path).await?;
    let metadata = file.metadata().await?;
    Ok((file.into_std().await, metadata))
}

/// The data goes out as it is, which is not what everybody expects of a compressed image.
fn hint(path: &Path, file: &File, metadata: &Metadata) {
    let mut beginning = [0; 6];
    if !metadata.is_file() || file.read_exact_at(&mut beginning, 0).is_err() {
        return;
    }
    if let Some(kind) = Compression::guess(&beginning) {
        tell(&format!(
            "`{}` looks compressed and is sent as it is; with --compression {kind} the exporter \
             decompresses it",
            path.display()
        ));
    }
}
