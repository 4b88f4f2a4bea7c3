//! What has to be opened, and whether that can work: found out without running any plugin.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use uuid::Uuid;

use crate::{
    config::{
        self, DriverEntry, Entry, ExporterConfig, Mistake, Mistakes, schema,
        shape::{ROOT, Shape},
    },
    plugin::{Found, Registry},
};

/// A configuration whose types are found and whose settings fit.
#[derive(Debug)]
pub(super) struct Plan<'c> {
    pub(super) config: &'c ExporterConfig,
    pub(super) shape: Shape,
    /// The drivers, by their number in the shape; typed groups have an entry but no plugin.
    pub(super) orders: HashMap<usize, Order<'c>>,
    /// Settings that drivers will ignore.
    pub(super) warnings: Vec<Mistake>,
}

/// One entry with a type.
#[derive(Debug)]
pub(super) struct Order<'c> {
    pub(super) entry: &'c DriverEntry,
    pub(super) found: Option<Arc<Found>>,
}

/// What a good configuration needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many drivers it has, without groups and references.
    pub drivers: usize,
    /// How many plugins they come from.
    pub plugins: usize,
    /// Settings that drivers will ignore.
    pub warnings: Vec<Mistake>,
}

/// Looks for everything that would keep the tree from opening, without running any plugin.
///
/// `known` are mistakes that were found before, when the file was read.
///
/// # Errors
///
/// All of it, with places.
pub fn check(
    config: &ExporterConfig,
    known: Vec<Mistake>,
    registry: &Registry,
) -> Result<Summary, Mistakes> {
    let plan = plan_after(config, known, registry)?;
    let orders = plan.orders.values();
    let found = orders.filter_map(|order| order.found.as_ref());
    let plugins: BTreeSet<&PathBuf> = found.clone().map(|found| &found.path).collect();
    Ok(Summary {
        drivers: found.count(),
        plugins: plugins.len(),
        warnings: plan.warnings,
    })
}

pub(super) fn plan<'c>(
    config: &'c ExporterConfig,
    registry: &Registry,
) -> Result<Plan<'c>, Mistakes> {
    plan_after(config, Vec::new(), registry)
}

fn plan_after<'c>(
    config: &'c ExporterConfig,
    known: Vec<Mistake>,
    registry: &Registry,
) -> Result<Plan<'c>, Mistakes> {
    let mut shape = Shape::of(&config.export);
    // What can be wrong with them before drivers are open was found when the file was read.
    shape.resolve(false);
    let mut planner = Planner {
        registry,
        types: HashMap::new(),
        uuids: HashMap::new(),
        mistakes: known,
        warnings: Vec::new(),
    };
    let mut entries = Vec::with_capacity(shape.spots().len());
    flatten(&config.export, &mut entries);
    let mut orders = HashMap::new();
    // The shape numbers its spots in the order of the file too, after the root.
    for (spot, entry) in (ROOT + 1..).zip(entries) {
        if let Entry::Driver(entry) = entry {
            orders.insert(spot, planner.order(entry, &|| shape.path(spot)));
        }
    }
    let Planner {
        mut mistakes,
        mut warnings,
        ..
    } = planner;
    config::sort(&mut mistakes);
    config::sort(&mut warnings);
    if !mistakes.is_empty() {
        return Err(Mistakes {
            source: config.source.clone(),
            list: mistakes,
        });
    }
    Ok(Plan {
        config,
        shape,
        orders,
        warnings,
    })
}

fn flatten<'c>(entries: &'c [(String, Entry)], all: &mut Vec<&'c Entry>) {
    for (_, entry) in entries {
        all.push(entry);
        flatten(entry.children(), all);
    }
}

struct Planner<'r> {
    registry: &'r Registry,
    /// Types that were looked for. Only the first use of a missing one is worth its long message.
    types: HashMap<String, Option<Arc<Found>>>,
    uuids: HashMap<Uuid, String>,
    mistakes: Vec<Mistake>,
    warnings: Vec<Mistake>,
}

// === impl Planner ===

impl Planner<'_> {
    fn order<'c>(&mut self, entry: &'c DriverEntry, path: &dyn Fn() -> String) -> Order<'c> {
        if let Some(uuid) = entry.base.uuid {
            let path = path();
            if let Some(other) = self.uuids.insert(uuid, path.clone()) {
                let message = format!("`{other}` has the same uuid; every driver needs its own");
                let path = format!("export.{path}.config.uuid");
                let at = entry
                    .config_node
                    .get("uuid")
                    .map_or(entry.at, |node| node.place);
                self.mistake(Mistake::new(at, path, message));
            }
        }
        if entry.is_composite() {
            return Order { entry, found: None };
        }
        let found = self.find(entry, path);
        if let Some(schema) = found
            .as_ref()
            .and_then(|found| found.driver.config.as_ref())
        {
            let path = format!("export.{}.config", path());
            let (node, at) = (&entry.config_node, entry.config_at);
            let found = schema::check(schema, node, &path, at, &DriverEntry::BASE_KEYS);
            self.warnings.extend(found.warnings);
            for mistake in found.mistakes {
                self.mistake(mistake);
            }
        }
        Order { entry, found }
    }

    fn find(&mut self, entry: &DriverEntry, path: &dyn Fn() -> String) -> Option<Arc<Found>> {
        let name = &entry.type_name;
        if name.is_empty() && !self.mistakes.is_empty() {
            // The entry could not be read.
            return None;
        }
        let message = match self.types.get(name) {
            Some(Some(found)) => return Some(Arc::clone(found)),
            Some(None) => format!("driver class `{name}` cannot be used, see above"),
            None => match self.registry.find(name) {
                Ok(found) => {
                    let found = Arc::new(found);
                    self.types.insert(name.clone(), Some(Arc::clone(&found)));
                    return Some(found);
                }
                Err(error) => {
                    self.types.insert(name.clone(), None);
                    error.to_string()
                }
            },
        };
        let path = format!("export.{}.type", path());
        self.mistake(Mistake::new(entry.type_at, path, message));
        None
    }

    /// Adds a mistake, unless something is known to be wrong there.
    fn mistake(&mut self, new: Mistake) {
        let same = |known: &Mistake| known.place == new.place && known.path == new.path;
        if !self.mistakes.iter().any(same) {
            self.mistakes.push(new);
        }
    }
}
