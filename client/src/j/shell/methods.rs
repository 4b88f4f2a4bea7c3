//! Which scripts the exporters' devices have.

use std::collections::HashMap;
use std::ffi::OsString;

use super::CLASS;
use crate::{Allow, Device};

/// The names of the scripts, by device; or why they are not known.
#[derive(Debug, Default)]
pub(in crate::j) struct Methods(HashMap<String, Result<Vec<String>, String>>);

// === impl Methods ===

impl Methods {
    /// Asks those devices that `words` may lead to; others need no names.
    ///
    /// So a driver that fails, or takes its time, is in nobody else's way.
    pub(in crate::j) async fn ask(root: &Device, allow: &Allow, words: &[OsString]) -> Self {
        let mut known = HashMap::new();
        let mut open = vec![root.clone()];
        while let Some(device) = open.pop() {
            let node = device.node();
            if node.class() == CLASS && !known.contains_key(node.uuid()) {
                known.insert(node.uuid().to_owned(), names(&device).await);
            }
            open.extend(device.children().filter(|child| {
                allow.permits(child.node().class()) && words.iter().any(|word| word == child.name())
            }));
        }
        Self(known)
    }

    /// The scripts of `device`; none if it was not asked.
    pub(super) fn of(&self, device: &Device) -> Result<&[String], &str> {
        match self.0.get(device.node().uuid()) {
            Some(Ok(names)) => Ok(names),
            Some(Err(why)) => Err(why),
            None => Ok(&[]),
        }
    }
}

async fn names(device: &Device) -> Result<Vec<String>, String> {
    let names = device.call::<Vec<String>>("get_methods", ()).await;
    let mut names = names.map_err(|error| error.to_string())?;
    // Each may be there once, in whatever order.
    names.sort();
    names.dedup();
    Ok(names)
}
