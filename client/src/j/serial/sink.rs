//! A file that keeps what a device sends.

use std::path::{Path, PathBuf};

use tokio::fs::{File, OpenOptions};
use tokio::io::AsyncWriteExt;

use crate::ui::Failure;

/// A file that grows; whoever looks at it sees what has come so far.
#[derive(Debug)]
pub(super) struct Sink {
    file: File,
    path: PathBuf,
}

// === impl Sink ===

impl Sink {
    /// Keeps what is in the file already.
    pub(super) async fn append(path: &Path) -> Result<Self, Failure> {
        Self::open(path, OpenOptions::new().create(true).append(true)).await
    }

    /// Begins with an empty file.
    pub(super) async fn replace(path: &Path) -> Result<Self, Failure> {
        Self::open(
            path,
            OpenOptions::new().create(true).write(true).truncate(true),
        )
        .await
    }

    async fn open(path: &Path, options: &OpenOptions) -> Result<Self, Failure> {
        match options.open(path).await {
            Ok(file) => Ok(Self {
                file,
                path: path.to_owned(),
            }),
            Err(error) => Err(Failure::Error(format!(
                "cannot open `{}`: {error}",
                path.display()
            ))),
        }
    }

    pub(super) async fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        let written = match self.file.write_all(data).await {
            Ok(()) => self.file.flush().await,
            Err(error) => Err(error),
        };
        written.map_err(|error| {
            Failure::Error(format!("cannot write `{}`: {error}", self.path.display()))
        })
    }
}
