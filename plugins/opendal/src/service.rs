//! Storages that OpenDAL reaches for us: memory, and files on a web server.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt};
use jumpstarter_driver::{Resource, Result};
use opendal::layers::HttpClientLayer;
use opendal::raw::HttpClient;
use opendal::services::{HttpConfig, MemoryConfig};
use opendal::{Buffer, Configurator, Error as StorageError, ErrorKind, Operator, Reader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::capability::Capability;
use crate::error::told;
use crate::hash::Hasher;
use crate::types::{Metadata, Presigned};
use crate::web::Web;

/// How much of an upload is collected before it is put away.
const CHUNK: usize = 256 * 1024;

/// The storage.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    operator: Operator,
}

/// A file that is being read.
pub(crate) struct Reading {
    reader: Reader,
    /// Its size when it was opened.
    pub(crate) size: u64,
    /// Where the next read begins.
    position: Mutex<u64>,
}

/// A file that is being written; these storages take it in one piece, when it is closed.
pub(crate) struct Writing {
    operator: Operator,
    path: String,
    chunks: Mutex<Vec<Bytes>>,
}

// === impl Service ===

impl Service {
    /// Sets the storage up; nothing is asked of it yet.
    pub(crate) fn new(scheme: &str, options: BTreeMap<String, String>) -> Result<Self> {
        let operator = match scheme {
            "memory" => configured::<MemoryConfig>(options),
            "http" => {
                let endpoint = options.get("endpoint").cloned().unwrap_or_default();
                configured::<HttpConfig>(options).and_then(|operator| {
                    let client = HttpClient::with(Web::new(&endpoint)?);
                    Ok(operator.layer(HttpClientLayer::new(client)))
                })
            }
            _ => Err(StorageError::new(
                ErrorKind::Unsupported,
                "scheme is not enabled or supported",
            )
            .with_context("scheme", scheme)
            .with_context("supported", "fs, memory, http")),
        };
        let operator = operator.map_err(|error| told(&error))?;
        Ok(Self { operator })
    }

    pub(crate) async fn open_to_read(&self, path: &str) -> Result<Reading> {
        let size = self.stat(path).await?.content_length;
        let reader = self
            .operator
            .reader(path)
            .await
            .map_err(|error| told(&error))?;
        Ok(Reading {
            reader,
            size,
            position: Mutex::new(0),
        })
    }

    pub(crate) async fn open_to_write(&self, path: &str) -> Result<Writing> {
        // Whether it can be written shows here rather than when it is closed.
        let writer = self
            .operator
            .writer(path)
            .await
            .map_err(|error| told(&error))?;
        drop(writer);
        Ok(Writing {
            operator: self.operator.clone(),
            path: path.to_owned(),
            chunks: Mutex::default(),
        })
    }

    pub(crate) async fn stat(&self, path: &str) -> Result<Metadata> {
        let metadata = self.operator.stat(path).await;
        metadata.map(Metadata::from).map_err(|error| told(&error))
    }

    pub(crate) async fn hash(&self, path: &str, mut hasher: Hasher) -> Result<String> {
        let reader = self
            .operator
            .reader(path)
            .await
            .map_err(|error| told(&error))?;
        let data = reader.into_stream(..).await.map_err(|error| told(&error))?;
        let mut data = std::pin::pin!(data);
        while let Some(pieces) = data.try_next().await.map_err(|error| told(&error))? {
            for piece in pieces {
                hasher.update(&piece);
            }
        }
        Ok(hasher.finish())
    }

    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<()> {
        let copied = self.operator.copy(from, to).await;
        copied.map(drop).map_err(|error| told(&error))
    }

    pub(crate) async fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.operator
            .rename(from, to)
            .await
            .map_err(|error| told(&error))
    }

    pub(crate) async fn remove_all(&self, path: &str) -> Result<()> {
        let removed = self.operator.delete_with(path).recursive(true).await;
        removed.map_err(|error| told(&error))
    }

    pub(crate) async fn create_dir(&self, path: &str) -> Result<()> {
        self.operator
            .create_dir(path)
            .await
            .map_err(|error| told(&error))
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.operator
            .delete(path)
            .await
            .map_err(|error| told(&error))
    }

    pub(crate) async fn exists(&self, path: &str) -> Result<bool> {
        self.operator
            .exists(path)
            .await
            .map_err(|error| told(&error))
    }

    /// The paths below a path, as the storage comes up with them.
    pub(crate) async fn list(
        &self,
        path: &str,
        deep: bool,
    ) -> Result<impl Stream<Item = Result<String>> + Send + use<>> {
        let lister = self.operator.lister_with(path).recursive(deep).await;
        let lister = lister.map_err(|error| told(&error))?;
        Ok(lister.map(|entry| match entry {
            Ok(entry) => Ok(entry.path().to_owned()),
            Err(error) => Err(told(&error)),
        }))
    }

    pub(crate) async fn presign_stat(&self, path: &str, valid: Duration) -> Result<Presigned> {
        let request = self.operator.presign_stat(path, valid).await;
        request.map(Presigned::from).map_err(|error| told(&error))
    }

    pub(crate) async fn presign_read(&self, path: &str, valid: Duration) -> Result<Presigned> {
        let request = self.operator.presign_read(path, valid).await;
        request.map(Presigned::from).map_err(|error| told(&error))
    }

    pub(crate) async fn presign_write(&self, path: &str, valid: Duration) -> Result<Presigned> {
        let request = self.operator.presign_write(path, valid).await;
        request.map(Presigned::from).map_err(|error| told(&error))
    }

    pub(crate) fn capability(&self) -> Capability {
        self.operator.info().full_capability().into()
    }
}

fn configured<C: Configurator>(
    options: BTreeMap<String, String>,
) -> Result<Operator, StorageError> {
    Ok(Operator::from_config(C::from_iter(options)?)?.finish())
}

// === impl Reading ===

impl Reading {
    pub(crate) fn position(&self) -> u64 {
        *locked(&self.position)
    }

    pub(crate) fn go_to(&self, position: u64) {
        *locked(&self.position) = position;
    }

    /// Sends the client what is left to read.
    pub(crate) async fn send(&self, target: Resource) -> Result<()> {
        let mut target = target.write().await?;
        let mut position = self.position();
        // Servers refuse to start beyond the end.
        if position < self.size {
            let data = self.reader.clone().into_stream(position..).await;
            let mut data = std::pin::pin!(data.map_err(|error| told(&error))?);
            while let Some(pieces) = data.try_next().await.map_err(|error| told(&error))? {
                for piece in pieces {
                    target.write_all(&piece).await?;
                    position += piece.len() as u64;
                }
            }
            self.go_to(position);
        }
        target.finish().await
    }
}

// === impl Writing ===

impl Writing {
    /// Collects what the client sends.
    pub(crate) async fn receive(&self, source: Resource) -> Result<()> {
        let mut source = source.read().await?;
        let mut buffer = BytesMut::with_capacity(CHUNK);
        while source.read_buf(&mut buffer).await? > 0 {
            if buffer.len() == buffer.capacity() {
                self.keep(std::mem::replace(
                    &mut buffer,
                    BytesMut::with_capacity(CHUNK),
                ));
            }
        }
        self.keep(buffer);
        Ok(())
    }

    /// Puts it into the storage.
    pub(crate) async fn close(&self) -> Result<()> {
        let chunks = std::mem::take(&mut *locked(&self.chunks));
        let written = self.operator.write(&self.path, Buffer::from(chunks)).await;
        written.map(drop).map_err(|error| told(&error))
    }

    fn keep(&self, chunk: BytesMut) {
        if !chunk.is_empty() {
            locked(&self.chunks).push(chunk.freeze());
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Both that are locked here are whole after every step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
