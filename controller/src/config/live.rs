//! The settings that count at this moment.

use std::sync::{Arc, PoisonError, RwLock};

use super::Config;

/// Settings that can be read again while the program runs; cheap to clone.
#[derive(Clone, Debug)]
pub struct Live(Arc<RwLock<Arc<Config>>>);

// === impl Live ===

impl Live {
    /// These, for now.
    pub fn new(config: Config) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(config))))
    }

    /// Those that count now.
    pub fn get(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these.
    pub fn set(&self, config: Config) {
        let mut kept = self.0.write();
        *kept
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = Arc::new(config);
    }
}
