//! What a driver knows about its place, and what the exporter does for it.

use std::path::PathBuf;
use std::sync::Arc;

use jumpstarter_value::from_slice;
use serde::Deserialize;

use crate::host::checked;
use crate::scope::Scope;
use crate::{Child, Result, image};

/// The place of a driver in the exporter's tree. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Context {
    scope: Arc<Scope>,
    name: Arc<str>,
}

/// A child of a driver, as [`Context::children`] lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChildInfo {
    /// Its name.
    pub name: String,
    /// Its `type`.
    #[serde(rename = "type")]
    pub type_name: String,
}

// === impl Context ===

impl Context {
    pub(crate) fn new(scope: Arc<Scope>, name: &str) -> Self {
        Self {
            scope,
            name: name.into(),
        }
    }

    /// The name of the driver.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The exporter's number for this place in its tree.
    pub fn node(&self) -> u64 {
        self.scope.node
    }

    /// The same place under another name, for a driver that this one brings along.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self::new(Arc::clone(&self.scope), name)
    }

    /// A child of this driver, or a dotted path below it. Whether it is there shows with the first
    /// call.
    pub fn child(&self, name: impl Into<String>) -> Child {
        Child::new(self.scope.node, name.into())
    }

    /// The children of this driver.
    ///
    /// # Errors
    /// The exporter does not know.
    pub async fn children(&self) -> Result<Vec<ChildInfo>> {
        let tree = image::ready()?.services.tree()?;
        let answer = checked(tree.children(self.scope.node).await)?;
        Ok(from_slice(&answer.body)?)
    }

    /// A folder for files that are needed as long as the session lasts. Only this user can read it,
    /// and it is removed with everything in it.
    ///
    /// # Errors
    /// The exporter has no such folder.
    pub async fn session_folder(&self) -> Result<PathBuf> {
        let folder = image::ready()?.services.folder(self.scope.node)?;
        Ok(from_slice(&checked(folder.await)?.body)?)
    }

    /// Starts a task that runs beside the calls, at the latest until the driver closes. Its log
    /// lines are the driver's, unlike those of a task started with `tokio::spawn`.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // The scope ends it.
        drop(self.scope.spawn_until_closed(work));
    }
}
