//! The current settings of a running program.

use std::sync::{Arc, PoisonError, RwLock};

use super::Config;

/// Settings that can be replaced while the program runs; cheap to clone.
#[derive(Clone, Debug)]
pub struct LiveConfig(Arc<RwLock<Arc<Config>>>);

// === impl LiveConfig ===

impl LiveConfig {
    pub fn new(config: Config) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(config))))
    }

    /// The current settings.
    pub fn get(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the settings.
    pub fn set(&self, config: Config) {
        let mut kept = self.0.write();
        *kept
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = Arc::new(config);
    }
}
