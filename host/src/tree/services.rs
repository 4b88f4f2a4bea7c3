//! What drivers may ask of their tree.

use std::{path::PathBuf, sync::Arc};

use uuid::Uuid;

use crate::{
    config::{LogLevel, shape::SpotKind},
    log,
    plugin::{CallError, Child, Code, Instance, Record, Services, Taking},
    resource::Direction,
};

use super::{
    driver::class_of,
    state::{Inner, State},
};

// === impl State ===

impl Services for State {
    fn children(&self, node: u64) -> Result<Vec<Child>, CallError> {
        let inner = self.read();
        let spot = inner.spot(node)?;
        let children = inner.shape.spots()[spot].children.iter().map(|&child| {
            let real = inner.shape.real(child).unwrap_or(child);
            Child {
                name: inner.shape.spots()[child].name.clone(),
                type_name: inner.slots[real].type_name.clone(),
            }
        });
        Ok(children.collect())
    }

    fn child(&self, node: u64, path: &str) -> Result<Instance, CallError> {
        let inner = self.read();
        let mut at = inner.spot(node)?;
        for name in path.split('.') {
            at = inner.step(at, name)?;
        }
        let spot = &inner.shape.spots()[at];
        match &inner.slots[at].instance {
            Some(instance) => Ok(instance.clone()),
            None if spot.kind == SpotKind::Group => {
                let message = format!("`{path}` is a group, it has no methods");
                Err(CallError::new(Code::NotFound, message))
            }
            None => Err(not_open(path)),
        }
    }

    fn folder(&self, node: u64) -> Result<PathBuf, CallError> {
        self.read().spot(node)?;
        State::folder(self, node).map_err(|error| {
            CallError::new(
                Code::Internal,
                format!("cannot make a folder for the session: {error}"),
            )
        })
    }

    fn take(&self, node: u64, handle: &[u8], direction: Direction) -> Result<Taking, CallError> {
        let drivers = {
            let inner = self.read();
            let mut drivers = Vec::new();
            inner.speaks_for(inner.spot(node)?, &mut drivers);
            drivers
        };
        let (resources, handle) = (Arc::clone(&self.resources), handle.to_vec());
        Ok(Box::pin(async move {
            resources.take(&drivers, &handle, direction).await
        }))
    }

    fn log(&self, record: Record) {
        let speaker = record.node.and_then(|node| {
            let inner = self.read();
            let slot = &inner.slots[inner.spot(node).ok()?];
            Some((class_of(&slot.type_name).to_owned(), slot.log_level))
        });
        match speaker {
            Some((_, least)) if !keeps(least, record.level) => {}
            Some((class, _)) => emit(&class, &record),
            None => record.trace(),
        }
    }
}

// === impl Inner ===

impl Inner {
    fn spot(&self, node: u64) -> Result<usize, CallError> {
        self.by_node.get(&node).copied().ok_or_else(|| {
            let message = format!("there is no driver with the node number {node} in this session");
            CallError::new(Code::FailedPrecondition, message)
        })
    }

    /// The driver at `spot`, and those that it has brought along: they have no number of their own.
    fn speaks_for(&self, spot: usize, drivers: &mut Vec<Uuid>) {
        drivers.push(self.slots[spot].uuid);
        for &child in &self.shape.spots()[spot].children {
            if self.slots[child].brought {
                self.speaks_for(child, drivers);
            }
        }
    }

    /// The driver or group that a child's name stands for.
    fn step(&self, at: usize, name: &str) -> Result<usize, CallError> {
        let Some(child) = self.shape.child(at, name) else {
            let path = self.shape.path(at);
            let children = &self.shape.spots()[at].children;
            let names: Vec<_> = children
                .iter()
                .map(|child| format!("`{}`", self.shape.spots()[*child].name))
                .collect();
            let has = match names.as_slice() {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            let message = format!("driver `{path}` has no child `{name}`; {has}");
            return Err(CallError::new(Code::NotFound, message));
        };
        // A reference to what another driver brings along leads nowhere until that one is open.
        self.shape.real(child).ok_or_else(|| not_open(name))
    }
}

fn not_open(path: &str) -> CallError {
    CallError::new(
        Code::Unavailable,
        format!("driver `{path}` is not open yet"),
    )
}

fn keeps(least: LogLevel, level: tracing::Level) -> bool {
    use tracing::Level;
    level
        <= match least {
            LogLevel::Debug => Level::TRACE,
            LogLevel::Info => Level::INFO,
            LogLevel::Warning => Level::WARN,
            // Nothing is worse than an error here.
            LogLevel::Error | LogLevel::Critical => Level::ERROR,
        }
}

/// Writes a line of a driver to the log, under the name that clients know as a driver's.
fn emit(class: &str, record: &Record) {
    let fields = record.fields.iter();
    let fields: Vec<_> = fields
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let line = log::Line {
        level: record.level,
        logger: &format!("driver.{class}"),
        message: &record.message,
        fields: &fields,
    };
    line.write();
}
