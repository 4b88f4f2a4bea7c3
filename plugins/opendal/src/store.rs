//! A storage of either kind.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use jumpstarter_driver::{Error, Result};
use opendal::{Error as StorageError, ErrorKind};

use crate::capability::Capability;
use crate::error::{refused, told};
use crate::files::OpenFile;
use crate::folder::{Entries, Folder};
use crate::hash::Hasher;
use crate::service::Service;
use crate::transfer::{blocking, each_chunk};
use crate::types::{Algo, Metadata, Mode, Presigned};

/// How many entries of a directory are read at a time.
const BATCH: usize = 64;

/// A list of paths on its way.
pub(crate) type Paths = Pin<Box<dyn Stream<Item = Result<String>> + Send>>;

/// The storage.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Folder(Arc<Folder>),
    Service(Service),
}

/// Which of the three requests that can be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    Stat,
    Read,
    Write,
}

// === impl Store ===

impl Store {
    pub(crate) async fn open(scheme: &str, options: BTreeMap<String, String>) -> Result<Self> {
        if scheme != "fs" {
            let scheme = scheme.to_owned();
            let service = blocking(move || Service::new(&scheme, options));
            return service.await.map(Self::Service);
        }
        let Some(root) = options.get("root").filter(|root| !root.is_empty()).cloned() else {
            let error = StorageError::new(ErrorKind::ConfigInvalid, "root is not specified");
            return Err(told(&error));
        };
        let folder = blocking(move || {
            Folder::open(Path::new(&root)).map_err(|error| {
                let text = "create root dir failed";
                let refusal = StorageError::new(ErrorKind::Unexpected, text)
                    .with_operation("Builder::build")
                    .with_context("root", root);
                told(&refusal.set_source(error))
            })
        });
        Ok(Self::Folder(Arc::new(folder.await?)))
    }

    pub(crate) async fn open_file(&self, path: String, mode: Mode) -> Result<OpenFile> {
        Ok(match (self, mode) {
            (Self::Folder(folder), mode) => {
                let folder = Arc::clone(folder);
                let file = blocking(move || {
                    let file = folder.open_file(&path, mode)?;
                    Ok(OpenFile::local(file, path, mode))
                });
                file.await?
            }
            (Self::Service(service), Mode::Read) => {
                OpenFile::Reading(Arc::new(service.open_to_read(&path).await?))
            }
            (Self::Service(service), Mode::Write) => {
                OpenFile::Writing(Arc::new(service.open_to_write(&path).await?))
            }
        })
    }

    pub(crate) async fn stat(&self, path: String) -> Result<Metadata> {
        match self {
            Self::Folder(folder) => in_folder(folder, move |folder| folder.stat(&path)).await,
            Self::Service(service) => service.stat(&path).await,
        }
    }

    pub(crate) async fn hash(&self, path: String, algo: Algo) -> Result<String> {
        let mut hasher = Hasher::new(algo);
        match self {
            Self::Folder(folder) => {
                let hash = in_folder(folder, move |folder| {
                    let file = folder.open_file(&path, Mode::Read)?;
                    each_chunk(&file, &path, |chunk| {
                        hasher.update(chunk);
                        Ok(())
                    })?;
                    Ok(hasher.finish())
                });
                hash.await
            }
            Self::Service(service) => service.hash(&path, hasher).await,
        }
    }

    pub(crate) async fn copy(&self, from: String, to: String) -> Result<()> {
        match self {
            Self::Folder(folder) => in_folder(folder, move |folder| folder.copy(&from, &to)).await,
            Self::Service(service) => service.copy(&from, &to).await,
        }
    }

    pub(crate) async fn rename(&self, from: String, to: String) -> Result<()> {
        match self {
            Self::Folder(folder) => {
                in_folder(folder, move |folder| folder.rename(&from, &to)).await
            }
            Self::Service(service) => service.rename(&from, &to).await,
        }
    }

    pub(crate) async fn remove_all(&self, path: String) -> Result<()> {
        match self {
            Self::Folder(folder) => in_folder(folder, move |folder| folder.remove_all(&path)).await,
            Self::Service(service) => service.remove_all(&path).await,
        }
    }

    pub(crate) async fn create_dir(&self, path: String) -> Result<()> {
        match self {
            Self::Folder(folder) => in_folder(folder, move |folder| folder.create_dir(&path)).await,
            Self::Service(service) => service.create_dir(&path).await,
        }
    }

    pub(crate) async fn delete(&self, path: String) -> Result<()> {
        match self {
            Self::Folder(folder) => in_folder(folder, move |folder| folder.delete(&path)).await,
            Self::Service(service) => service.delete(&path).await,
        }
    }

    pub(crate) async fn exists(&self, path: String) -> Result<bool> {
        match self {
            Self::Folder(folder) => in_folder(folder, move |folder| folder.exists(&path)).await,
            Self::Service(service) => service.exists(&path).await,
        }
    }

    /// The paths at a path, read as fast as they are taken.
    pub(crate) fn list(&self, path: String, deep: bool) -> Paths {
        let store = self.clone();
        let list = stream::once(async move {
            match &store {
                Self::Folder(folder) => {
                    let entries = in_folder(folder, move |folder| folder.list(&path, deep));
                    Ok(entries.await?.map_or_else(none, in_batches))
                }
                Self::Service(service) => {
                    let list = service.list(&path, deep).await?;
                    Ok(Box::pin(list) as Paths)
                }
            }
        });
        Box::pin(list.flat_map(|list: Result<Paths>| list.unwrap_or_else(only)))
    }

    pub(crate) async fn presign(
        &self,
        request: Request,
        path: &str,
        valid: Duration,
    ) -> Result<Presigned> {
        match (self, request) {
            (Self::Folder(_), _) => Err(refused(
                "presign",
                ErrorKind::Unsupported,
                "operation is not supported",
                &[("path", path)],
            )),
            (Self::Service(service), Request::Stat) => service.presign_stat(path, valid).await,
            (Self::Service(service), Request::Read) => service.presign_read(path, valid).await,
            (Self::Service(service), Request::Write) => service.presign_write(path, valid).await,
        }
    }

    pub(crate) fn capability(&self) -> Capability {
        match self {
            Self::Folder(_) => Capability::folder(),
            Self::Service(service) => service.capability(),
        }
    }
}

async fn in_folder<T: Send + 'static>(
    folder: &Arc<Folder>,
    work: impl FnOnce(&Folder) -> Result<T> + Send + 'static,
) -> Result<T> {
    let folder = Arc::clone(folder);
    blocking(move || work(&folder)).await
}

fn none() -> Paths {
    Box::pin(stream::empty())
}

fn only(error: Error) -> Paths {
    Box::pin(stream::once(async { Err(error) }))
}

fn in_batches(entries: Entries) -> Paths {
    let batches = stream::unfold(Some(entries), async |entries| {
        let mut entries = entries?;
        let batch = blocking(move || {
            let batch: Vec<_> = entries.by_ref().take(BATCH).collect();
            Ok((batch, entries))
        });
        match batch.await {
            Ok((batch, _)) if batch.is_empty() => None,
            Ok((batch, entries)) => Some((batch, Some(entries))),
            Err(error) => Some((vec![Err(error)], None)),
        }
    });
    Box::pin(batches.flat_map(stream::iter))
}
