//! What is open, while drivers are being opened and after.
//!
//! Drivers ask for their children from threads of their plugins at any time, so this is behind a
//! lock. It is held for look-ups only, never while a driver runs.

use std::{
    collections::HashMap,
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use uuid::Uuid;

use crate::{
    config::{
        COMPOSITE, Place,
        shape::{Shape, SpotKind},
    },
    plugin::{Added, DriverMetadata, Instance, Node, Opened, OpenedChild},
    resource::Resources,
};

use super::plan::Plan;

/// The drivers of one tree.
#[derive(Debug)]
pub(super) struct State {
    inner: RwLock<Inner>,
    folder: PathBuf,
    /// The numbers under which drivers ask; dropped when the tree is closed.
    nodes: Mutex<Vec<Node>>,
    /// What clients offer to drivers.
    pub(super) resources: Arc<Resources>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) shape: Shape,
    /// Beside every spot of the shape.
    pub(super) slots: Vec<Slot>,
    pub(super) by_node: HashMap<u64, usize>,
}

/// What is at a spot.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// In the report, and what clients open their resources to.
    pub(super) uuid: Uuid,
    pub(super) type_name: String,
    pub(super) instance: Option<Instance>,
    /// What the driver told about itself when it was opened; its children are spots of their own.
    pub(super) added: Added,
    /// What the plugin says about a driver that another one brought along.
    pub(super) metadata: Option<DriverMetadata>,
    /// Brought along by another driver, and closed with it.
    pub(super) brought: bool,
    /// Least important lines of the log to keep.
    pub(super) log_level: crate::config::LogLevel,
}

// === impl State ===

impl State {
    pub(super) fn new(plan: &Plan<'_>, folder: &Path, resources: Resources) -> Self {
        let spots = plan.shape.spots().iter().enumerate();
        let slots = spots
            .map(|(spot, what)| {
                let order = plan.orders.get(&spot);
                let type_name = match &what.kind {
                    SpotKind::Driver => order.map_or("", |order| &order.entry.type_name),
                    _ => COMPOSITE,
                };
                Slot {
                    uuid: order
                        .and_then(|order| order.entry.base.uuid)
                        .unwrap_or_else(Uuid::new_v4),
                    type_name: type_name.to_owned(),
                    log_level: order
                        .map(|order| order.entry.base.log_level)
                        .unwrap_or_default(),
                    ..Slot::default()
                }
            })
            .collect();
        Self {
            inner: RwLock::new(Inner {
                shape: plan.shape.clone(),
                slots,
                by_node: HashMap::new(),
            }),
            folder: folder.to_owned(),
            nodes: Mutex::default(),
            resources: Arc::new(resources),
        }
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Inner> {
        // Every change is made of steps that cannot panic half-way.
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the driver that is about to open at `spot` ask under this number.
    pub(super) fn admit(&self, node: Node, spot: usize) {
        self.write().by_node.insert(node.id(), spot);
        self.nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(node);
    }

    /// Gives up all that drivers have asked for, and answers them no more.
    pub(super) fn forget(&self) {
        self.nodes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// A folder for a driver, made when it is first asked for.
    pub(super) fn folder(&self, node: u64) -> std::io::Result<PathBuf> {
        // Short, because the paths of sockets are limited to about a hundred bytes.
        let path = self.folder.join(format!("d{node}"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        Ok(path)
    }
}

// === impl Inner ===

impl Inner {
    /// A driver has opened: it and what it brought along can be called now.
    pub(super) fn opened(&mut self, spot: usize, opened: Opened, plan: &Plan<'_>) {
        let found = plan
            .orders
            .get(&spot)
            .and_then(|order| order.found.as_ref());
        let metadata = |type_name: &str| {
            let driver = found.and_then(|found| found.metadata.driver(type_name));
            driver.cloned()
        };
        let Opened { driver, added } = opened;
        let at = self.shape.spots()[spot].at;
        self.slots[spot].instance = Some(driver);
        self.add(spot, added, at, &metadata);
    }

    fn add(
        &mut self,
        spot: usize,
        mut added: Added,
        at: Place,
        metadata: &dyn Fn(&str) -> Option<DriverMetadata>,
    ) {
        let log_level = self.slots[spot].log_level;
        for (name, child) in std::mem::take(&mut added.children) {
            let OpenedChild {
                type_name,
                driver,
                added,
            } = child;
            let new = self.shape.add(spot, &name, SpotKind::Driver, at);
            self.slots.push(Slot {
                uuid: Uuid::new_v4(),
                metadata: metadata(&type_name),
                type_name,
                instance: Some(driver),
                added: Added::default(),
                brought: true,
                log_level,
            });
            self.add(new, added, at, metadata);
        }
        self.slots[spot].added = added;
    }
}
