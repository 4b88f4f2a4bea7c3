//! A copy of the database while it is used.

use std::path::PathBuf;

use super::{Store, StoreError};

// === impl Store ===

impl Store {
    /// Writes all there is at this moment to a new file.
    ///
    /// # Errors
    ///
    /// The file is there already, or cannot be written.
    pub async fn backup(&self, to: PathBuf) -> Result<(), StoreError> {
        self.read(move |connection| {
            connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
            Ok(())
        })
        .await
    }
}
