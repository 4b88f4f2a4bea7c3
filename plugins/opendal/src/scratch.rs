//! Files that go away with their driver, even if the exporter is killed: they have no names.
//!
//! Not in the session's folder, which is small where it lies in memory: disk images go in here.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jumpstarter_driver::{Error, Resource, Result};

use crate::transfer::{blocking, receive, send};

/// As many as there may be at once. Each one costs a descriptor.
const MOST_FILES: usize = 128;

/// The files.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    files: Mutex<HashMap<String, Arc<File>>>,
}

// === impl Scratch ===

impl Scratch {
    /// Writes what the client sends to a file, in place of what was there.
    pub(crate) async fn receive(&self, name: String, source: Resource) -> Result<()> {
        let file = blocking(|| Ok(Arc::new(tempfile::tempfile()?))).await?;
        {
            let mut files = self.files();
            if files.len() >= MOST_FILES && !files.contains_key(&name) {
                return Err(Error::failed_precondition(format_args!(
                    "there are {MOST_FILES} images already"
                )));
            }
            files.insert(name.clone(), Arc::clone(&file));
        }
        receive(source, file, name).await
    }

    /// Sends a file to the client.
    pub(crate) async fn send(&self, name: &str, target: Resource) -> Result<()> {
        let file = self.files().get(name).cloned().ok_or_else(|| {
            // As Python puts it, since there are scripts that look for it.
            Error::internal(format_args!(
                "[Errno 2] No such file or directory: '{name}'"
            ))
        })?;
        // Opened once more, since whoever reads it at the same time has a place of their own in it.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let reader = blocking(move || {
            let reader = File::open(path)?;
            drop(file);
            Ok(Arc::new(reader))
        });
        send(target, reader.await?, name.to_owned()).await
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.files().contains_key(name)
    }

    /// Lets go of all of them.
    pub(crate) fn clear(&self) {
        self.files().clear();
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, Arc<File>>> {
        // A map is whole after every step.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
