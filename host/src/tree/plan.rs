//! What has to be opened, and whether that can work: found out without running any plugin.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use uuid::Uuid;

use crate::{
    config::{
        DriverEntry, Entry, ExporterConfig, Mistake, Mistakes, schema,
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
/// # Errors
///
/// All of it, with places.
pub fn check(config: &ExporterConfig, registry: &Registry) -> Result<Summary, Mistakes> {
    let plan = plan(config, registry)?;
    let found = plan
        .orders
        .values()
        .filter_map(|order| order.found.as_ref());
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
    let mut shape = Shape::of(&config.export);
    // What can be wrong with them before drivers are open was found when the file was read.
    shape.resolve(false);
    let mut planner = Planner {
        registry,
        types: HashMap::new(),
        uuids: HashMap::new(),
        found: schema::Findings::default(),
    };
    let mut orders = HashMap::new();
    let mut todo: Vec<(usize, &'c [(String, Entry)])> = vec![(ROOT, &config.export)];
    while let Some((parent, entries)) = todo.pop() {
        for ((_, entry), &spot) in entries.iter().zip(&shape.spots()[parent].children) {
            if let Entry::Driver(entry) = entry {
                let path = || shape.path(spot);
                orders.insert(spot, planner.order(entry, &path));
            }
            todo.push((spot, entry.children()));
        }
    }
    let schema::Findings {
        mistakes: mut list,
        mut warnings,
    } = planner.found;
    for list in [&mut list, &mut warnings] {
        list.sort_by_key(|mistake| (mistake.place.line, mistake.place.column));
    }
    if !list.is_empty() {
        let source = config.source.clone();
        return Err(Mistakes { source, list });
    }
    Ok(Plan {
        config,
        shape,
        orders,
        warnings,
    })
}

struct Planner<'r> {
    registry: &'r Registry,
    /// Types that were looked for. Only the first use of a missing one is worth its long message.
    types: HashMap<String, Option<Arc<Found>>>,
    uuids: HashMap<Uuid, String>,
    found: schema::Findings,
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
                self.found.mistakes.push(Mistake::new(at, path, message));
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
            self.found.mistakes.extend(found.mistakes);
            self.found.warnings.extend(found.warnings);
        }
        Order { entry, found }
    }

    fn find(&mut self, entry: &DriverEntry, path: &dyn Fn() -> String) -> Option<Arc<Found>> {
        let name = &entry.type_name;
        let mut mistake = |message: String| {
            let path = format!("export.{}.type", path());
            let mistake = Mistake::new(entry.type_at, path, message);
            self.found.mistakes.push(mistake);
        };
        match self.types.get(name) {
            Some(Some(found)) => Some(Arc::clone(found)),
            Some(None) => {
                mistake(format!("no driver class `{name}`, as above"));
                None
            }
            None => {
                let found = match self.registry.find(name) {
                    Ok(found) => Some(Arc::new(found)),
                    Err(error) => {
                        mistake(error.to_string());
                        None
                    }
                };
                self.types.insert(name.clone(), found.clone());
                found
            }
        }
    }
}
