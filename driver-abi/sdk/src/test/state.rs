//! What the host of a test keeps, and how its functions find it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde_json::{Map, Value};
use tracing::Level;

use super::resource::Stored;
use crate::entry::Verdict;

/// The host of every node.
static NODES: Mutex<BTreeMap<u64, (String, Weak<State>)>> = Mutex::new(BTreeMap::new());

/// Numbers for whatever needs one. Those of calls must not meet the ones that drivers give to
/// calls of their children.
static NUMBERS: AtomicU64 = AtomicU64::new(1 << 32);

/// A line of a driver's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The driver that wrote it.
    pub driver: String,
    /// Where in the code it was written.
    pub target: String,
    /// The text.
    pub message: String,
    /// Further fields.
    pub fields: Map<String, Value>,
}

/// A driver as the child of others.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) type_name: String,
    pub(super) handle: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    children: Mutex<BTreeMap<String, Child>>,
    lines: Mutex<Vec<Line>>,
    stored: Mutex<HashMap<String, Stored>>,
    transfers: Mutex<HashMap<u64, Verdict>>,
    folder: Mutex<Option<PathBuf>>,
}

/// A new number.
pub(super) fn number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// The name of a node and the host it is in.
pub(super) fn find(node: u64) -> Option<(String, Arc<State>)> {
    let nodes = lock(&NODES);
    let (name, state) = nodes.get(&node)?;
    Some((name.clone(), state.upgrade()?))
}

/// A test that failed while it held a lock is no reason to fail others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl State ===

impl State {
    /// A number for a place in the tree of this host.
    pub(super) fn node(self: &Arc<Self>, name: &str) -> u64 {
        let node = number();
        let mut nodes = lock(&NODES);
        nodes.retain(|_, (_, state)| state.strong_count() > 0);
        nodes.insert(node, (name.to_owned(), Arc::downgrade(self)));
        node
    }

    pub(super) fn children(&self) -> MutexGuard<'_, BTreeMap<String, Child>> {
        lock(&self.children)
    }

    pub(super) fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        lock(&self.lines)
    }

    pub(super) fn stored(&self) -> MutexGuard<'_, HashMap<String, Stored>> {
        lock(&self.stored)
    }

    /// Resources that drivers have taken, until they ask how it went.
    pub(super) fn transfers(&self) -> MutexGuard<'_, HashMap<u64, Verdict>> {
        lock(&self.transfers)
    }

    pub(super) fn folder(&self) -> io::Result<PathBuf> {
        let mut folder = lock(&self.folder);
        if let Some(path) = &*folder {
            return Ok(path.clone());
        }
        let name = format!("jumpstarter-test-{}-{}", std::process::id(), number());
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        *folder = Some(path.clone());
        Ok(path)
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(path) = lock(&self.folder).take() {
            // What stays behind is a temporary folder.
            drop(fs::remove_dir_all(path));
        }
    }
}
