//! What drivers ask of the host, and who answers.
//!
//! A driver names itself by its *node*, a number that it was given when it was opened. The numbers
//! lead to whoever built the tree:
//!
//! ```text
//!   plugin ── jmp.tree/1 call(node, "serial", ...) ──► NODES[node] ──► dyn Services ──► Instance
//! ```
//!
//! A node lives as long as its [`Node`]; a number that leads nowhere is a clean error.

use std::collections::HashMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock, Weak};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Level;

use super::error::{CallError, Code};
use super::host;
use super::instance::Instance;
use crate::resource::{Direction, Transfer};

/// What a driver takes, when it is there.
pub type Taking = Pin<Box<dyn Future<Output = Result<Transfer, CallError>> + Send>>;

/// What the host does for the drivers of one tree. `node` is always the driver that asks. The
/// functions are called from threads of plugins and do not block.
pub trait Services: Send + Sync {
    /// The children of a driver, by name and type.
    ///
    /// # Errors
    /// The node is not in this tree.
    fn children(&self, node: u64) -> Result<Vec<Child>, CallError>;

    /// A child, or a driver further below (`usb.power`), with references followed.
    ///
    /// # Errors
    /// There is none, or it is no driver that could be called.
    fn child(&self, node: u64, path: &str) -> Result<Instance, CallError>;

    /// A folder, mode 0700, that lives as long as the session.
    ///
    /// # Errors
    /// There is none.
    fn folder(&self, node: u64) -> Result<PathBuf, CallError>;

    /// Data of a client, for which a driver has got `handle`, an encoded `google.protobuf.Value`, as
    /// an argument.
    ///
    /// # Errors
    /// There is none.
    fn take(&self, node: u64, handle: &[u8], direction: Direction) -> Result<Taking, CallError> {
        let (_, _, _) = (node, handle, direction);
        let text = "this session takes no data from clients";
        Err(CallError::new(Code::Unimplemented, text))
    }

    /// Takes a log line.
    fn log(&self, record: Record) {
        record.trace();
    }
}

/// A child of a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name in the tree.
    pub name: String,
    /// Its type in the configuration.
    pub type_name: String,
}

/// One line of a driver's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The driver that speaks, or nothing for its plugin as a whole.
    pub node: Option<u64>,
    /// Name and version of the plugin.
    pub plugin: String,
    /// How much the line matters.
    pub level: Level,
    /// Where in the plugin it comes from.
    pub target: String,
    /// The text.
    pub message: String,
    /// What the text does not say.
    pub fields: Vec<(String, String)>,
}

/// A place in the tree that a driver can be opened at. Dropping it gives up all that the driver has
/// asked for and not got.
#[derive(Debug)]
pub struct Node {
    id: u64,
    station: Arc<Station>,
}

/// What stands behind a node.
pub(super) struct Station {
    services: Weak<dyn Services>,
    /// Where the work runs that a plugin starts from its own threads.
    pub(super) runtime: Handle,
    pub(super) stop: CancellationToken,
    pub(super) work: TaskTracker,
}

static NODES: LazyLock<RwLock<HashMap<u64, Arc<Station>>>> = LazyLock::new(RwLock::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// What stands behind the number that a plugin gave.
pub(super) fn station(node: u64) -> Result<Arc<Station>, CallError> {
    // The map is whole at every moment, so a panic of another thread does no harm.
    let nodes = NODES.read().unwrap_or_else(PoisonError::into_inner);
    nodes.get(&node).map(Arc::clone).ok_or_else(|| {
        CallError::new(
            Code::FailedPrecondition,
            format!("there is no driver with the node number {node} in this session"),
        )
    })
}

/// Hands a log line to the tree of its node, or to the host's own log.
pub(super) fn log(record: Record) {
    let station = record.node.and_then(|node| station(node).ok());
    match station.and_then(|station| station.services.upgrade()) {
        Some(services) => services.log(record),
        None => record.trace(),
    }
}

// === impl Node ===

impl Node {
    /// Takes a new number. `services` answers for it; the work that the driver starts runs on
    /// `runtime`.
    pub fn new(services: Weak<dyn Services>, runtime: &Handle) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let station = Arc::new(Station {
            services,
            runtime: runtime.clone(),
            stop: CancellationToken::new(),
            work: TaskTracker::new(),
        });
        let mut nodes = NODES.write().unwrap_or_else(PoisonError::into_inner);
        nodes.insert(id, Arc::clone(&station));
        drop(nodes);
        Self { id, station }
    }

    /// The number, for [`Library::open`](super::Library::open).
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut nodes = NODES.write().unwrap_or_else(PoisonError::into_inner);
        nodes.remove(&self.id);
        drop(nodes);
        self.station.stop.cancel();
        host::forget(self.id);
    }
}

// === impl Station ===

impl Station {
    pub(super) fn services(&self) -> Result<Arc<dyn Services>, CallError> {
        self.services.upgrade().ok_or_else(|| {
            CallError::new(
                Code::FailedPrecondition,
                "the session of this driver has ended",
            )
        })
    }

    /// Runs a task until it is done, stopped, or the node has ended. A task that is stopped drops
    /// its [`Done`](host::Done), which answers.
    pub(super) fn run<F>(&self, stop: CancellationToken, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let ended = self.stop.clone();
        let task = async move {
            tokio::select! {
                () = work => {}
                () = stop.cancelled() => {}
                () = ended.cancelled() => {}
            }
        };
        self.work.spawn_on(task, &self.runtime);
    }
}

impl std::fmt::Debug for Station {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Station")
            .field("work", &self.work.len())
            .finish_non_exhaustive()
    }
}

// === impl Record ===

impl Record {
    /// Writes the line to the host's own log, with target `driver`.
    pub fn trace(&self) {
        let fields: Vec<_> = self
            .fields
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let fields = (!fields.is_empty()).then(|| fields.join(" "));
        let Self {
            plugin,
            node,
            target: source,
            message,
            ..
        } = self;
        // The level of an event is part of the program, so there is one event per level.
        macro_rules! emit {
            ($($level:ident),*) => {
                match self.level {
                    $(Level::$level => tracing::event!(
                        target: "driver", Level::$level, plugin, node, source, fields, "{message}"
                    ),)*
                }
            };
        }
        emit!(ERROR, WARN, INFO, DEBUG, TRACE);
    }
}
