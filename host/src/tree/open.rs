//! Opens the drivers of a plan.
//!
//! A driver opens after its children, and the children of one parent one after the other, in the
//! order of the configuration: drivers that share a device are siblings. What is below different
//! parents opens side by side.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use futures_util::future::join_all;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{
    config::shape::ROOT,
    plugin::{CallError, Library, Node, Registry, Services},
    resource::Resources,
};

use super::{
    error::Failure,
    plan::{Order, Plan},
    state::State,
};

/// The plugins of a plan, by path.
pub(super) type Libraries = HashMap<PathBuf, Arc<Library>>;

/// Loads each plugin once; the failures name the first driver that needs it.
pub(super) fn load(plan: &Plan<'_>, registry: &Registry) -> Result<Libraries, Vec<Failure>> {
    // Foreign code runs in here, on a thread that other tasks may not need meanwhile.
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| load_all(plan, registry)),
        _ => load_all(plan, registry),
    }
}

fn load_all(plan: &Plan<'_>, registry: &Registry) -> Result<Libraries, Vec<Failure>> {
    let mut libraries = Libraries::new();
    let mut failures: HashMap<&Path, Failure> = HashMap::new();
    let mut spots: Vec<_> = plan.orders.keys().copied().collect();
    spots.sort_unstable();
    for spot in spots {
        let Some(found) = &plan.orders[&spot].found else {
            continue;
        };
        if libraries.contains_key(&found.path) || failures.contains_key(found.path.as_path()) {
            continue;
        }
        match registry.load(found) {
            Ok(library) => drop(libraries.insert(found.path.clone(), library)),
            Err(error) => {
                failures.insert(&found.path, failure(plan, spot, error.to_string()));
            }
        }
    }
    sorted(failures.into_values().collect()).map_or(Ok(libraries), Err)
}

/// Opens everything. If anything fails the rest is opened all the same, so that all failures are
/// known; what is open then comes back with them.
pub(super) async fn open(
    plan: &Plan<'_>,
    libraries: &Libraries,
    folder: &Path,
    resources: Resources,
) -> Result<Arc<State>, (Arc<State>, Vec<Failure>)> {
    let state = Arc::new(State::new(plan, folder, resources));
    let services: Arc<dyn Services> = Arc::<State>::clone(&state);
    let opening = Opening {
        plan,
        libraries,
        state: &state,
        services: Arc::downgrade(&services),
        runtime: Handle::current(),
        failures: Mutex::default(),
    };
    opening.below(ROOT).await;
    let mut failures = opening
        .failures
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    if failures.is_empty() {
        let faults = state.write().shape.resolve(true);
        failures.extend(
            faults
                .into_iter()
                .map(|fault| failure(plan, fault.spot, fault.message)),
        );
        if failures.is_empty() && state.read().shape.visits().is_none() {
            let message = "references to references multiply the tree beyond any use";
            failures.push(failure(plan, ROOT, message.to_owned()));
        }
    }
    match sorted(failures) {
        Some(failures) => Err((state, failures)),
        None => Ok(state),
    }
}

struct Opening<'a, 'c> {
    plan: &'a Plan<'c>,
    libraries: &'a Libraries,
    state: &'a Arc<State>,
    services: Weak<dyn Services>,
    runtime: Handle,
    failures: Mutex<Vec<Failure>>,
}

// === impl Opening ===

impl Opening<'_, '_> {
    /// Opens all that is below `spot`, and answers whether it opened.
    fn below(&self, spot: usize) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(async move {
            let spots = self.plan.shape.spots();
            let children = &spots[spot].children;
            let parents = children
                .iter()
                .filter(|child| !spots[**child].children.is_empty());
            let below = parents.map(async |&child| (child, self.below(child).await));
            let broken: Vec<usize> = join_all(below)
                .await
                .into_iter()
                .filter(|(_, ok)| !ok)
                .map(|(spot, _)| spot)
                .collect();
            let mut ok = broken.is_empty();
            for &child in children {
                if !broken.contains(&child)
                    && let Some(order) = self.plan.orders.get(&child)
                    && let Err(error) = self.one(child, order).await
                {
                    let failure = failure(self.plan, child, error.to_string());
                    let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                    failures.push(failure);
                    ok = false;
                }
            }
            ok
        })
    }

    async fn one(&self, spot: usize, order: &Order<'_>) -> Result<(), CallError> {
        let library = order
            .found
            .as_ref()
            .and_then(|found| self.libraries.get(&found.path));
        let Some(library) = library else {
            // A group that was written with its type.
            return Ok(());
        };
        let node = Node::new(Weak::clone(&self.services), &self.runtime);
        let id = node.id();
        self.state.admit(node, spot);
        let name = self.plan.shape.path(spot);
        let settings = serde_json::Value::Object(order.entry.settings()).to_string();
        let opened = library
            .open(id, &order.entry.type_name, &name, &settings)
            .await?;
        self.state.write().opened(spot, opened, self.plan);
        Ok(())
    }
}

fn failure(plan: &Plan<'_>, spot: usize, message: String) -> Failure {
    let order = plan.orders.get(&spot);
    Failure {
        source: plan.config.source.clone(),
        at: plan.shape.spots()[spot].at,
        name: plan.shape.path(spot),
        type_name: order
            .map_or("reference", |order| &order.entry.type_name)
            .to_owned(),
        message,
    }
}

/// In the order of the file; none if there are none.
fn sorted(mut failures: Vec<Failure>) -> Option<Vec<Failure>> {
    failures.sort_by_key(|failure| (failure.at.line, failure.at.column));
    (!failures.is_empty()).then_some(failures)
}
