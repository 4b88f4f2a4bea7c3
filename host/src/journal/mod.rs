//! Which lease is open, on disk, so that its afterLease hook also runs when the exporter or the whole
//! machine went down in the middle of it.
//!
//! ```text
//!   <state folder>/leases/<namespace>.<name>.json     {"lease":…,"client":…,"after_started":false}
//!
//!   no file                 nothing to catch up on
//!   after_started: false    the next exporter runs afterLease before anything else
//!   after_started: true     afterLease has begun; it is not run a second time
//! ```
//!
//! A change is on the disk, and its folder too, before the hook it speaks of starts.

mod file;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::Metadata;
use crate::plugin::state_dir;

pub use file::JournalError;

/// Longer names become a hash; file systems allow 255 bytes.
const LONGEST_NAME: usize = 200;

/// The lease that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name at the controller.
    pub lease: String,
    /// Who has it.
    pub client: String,
    /// Whether its afterLease hook has been started.
    pub after_started: bool,
}

/// The file of one exporter.
///
/// All of it blocks; a change takes as long as the disk does.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

// === impl Journal ===

impl Journal {
    /// The journal of this exporter, in the folder that systemd or the user gives programs for their
    /// state.
    pub fn of(exporter: &Metadata) -> Self {
        Self::at(state_dir().join("leases").join(file_name(exporter)))
    }

    /// The journal in this file; its folder is made when it is needed.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lease that was open when the last exporter ended, if it did not end as it should.
    ///
    /// A file that cannot be understood is renamed to `….unreadable` and reported once.
    ///
    /// # Errors
    ///
    /// The file exists and cannot be read.
    pub fn load(&self) -> Result<Option<Entry>, JournalError> {
        let Some(text) = file::read(&self.path)? else {
            return Ok(None);
        };
        match serde_json::from_slice::<Entry>(&text) {
            Ok(entry) if !entry.lease.is_empty() => Ok(Some(entry)),
            _ => {
                let aside = file::set_aside(&self.path)?;
                tracing::warn!(
                    "The journal of open leases was unreadable, so an afterLease hook may have been \
                     missed; it is kept as `{}`",
                    aside.display()
                );
                Ok(None)
            }
        }
    }

    /// Replaces what it says; on return the disk has it.
    ///
    /// # Errors
    ///
    /// The disk is full, for example; then it still says what it said.
    pub fn write(&self, entry: &Entry) -> Result<(), JournalError> {
        // Strings and a bool always serialize.
        let text = serde_json::to_vec(entry).unwrap_or_default();
        file::replace(&self.path, &text)
    }

    /// No lease is open any more.
    ///
    /// # Errors
    ///
    /// The file cannot be removed.
    pub fn forget(&self) -> Result<(), JournalError> {
        file::remove(&self.path)
    }
}

/// Names as Kubernetes allows them are kept, others hashed.
fn file_name(exporter: &Metadata) -> String {
    let namespace = exporter.namespace.as_deref().unwrap_or_default();
    let name = format!("{namespace}.{}", exporter.name);
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // The first dot separates the two, so that no two exporters share a file.
    if name.len() <= LONGEST_NAME && name.bytes().all(harmless) && !namespace.contains('.') {
        return format!("{name}.json");
    }
    let mut hasher = Sha256::new();
    for part in [namespace, &exporter.name] {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let hash = hasher.finalize();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.json")
}

#[cfg(test)]
mod tests;
