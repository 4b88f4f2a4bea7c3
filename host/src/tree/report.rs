//! The report: made once, when the tree is open.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jumpstarter_proto::v1::DriverInstanceReport;
use uuid::Uuid;

use crate::{
    config::{
        COMPOSITE,
        shape::{ROOT, Visit},
    },
    plugin::DriverMetadata,
};

use super::{
    driver::{Driver, class_of},
    methods::Methods,
    plan::Plan,
    state::{Inner, Slot, State},
};

/// Label with the class of the client.
const CLIENT: &str = "jumpstarter.dev/client";
/// Label with the name in the parent.
const NAME: &str = "jumpstarter.dev/name";
/// Client of a group.
const COMPOSITE_CLIENT: &str = "jumpstarter_driver_composite.client.CompositeClient";
/// Client of a driver that names none: it can be called, and has no commands of its own.
const PLAIN_CLIENT: &str = "jumpstarter.client.DriverClient";
/// Clients take messages of up to 4 MiB; the descriptors are what they can do without.
const MAX_DESCRIPTORS: usize = 2 << 20;

/// A driver with what all its entries in the report have in common.
struct Profile {
    driver: Arc<Driver>,
    labels: BTreeMap<String, String>,
    description: Option<String>,
    methods_description: HashMap<String, String>,
}

/// Methods by type: a rack of a thousand relays has one set of them.
#[derive(Default)]
struct Types<'a> {
    known: HashMap<&'a str, Arc<Methods>>,
}

pub(super) fn make(
    plan: &Plan<'_>,
    state: &State,
    root_description: Option<&str>,
) -> (HashMap<Uuid, Arc<Driver>>, Vec<DriverInstanceReport>) {
    let inner = state.read();
    let visits = inner.shape.visits().unwrap_or_default();
    let mut types = Types::default();
    let mut profiles: HashMap<usize, Profile> = HashMap::new();
    for Visit { spot, .. } in &visits {
        profiles
            .entry(*spot)
            .or_insert_with(|| profile(plan, &inner, *spot, root_description, &mut types));
    }
    let size: usize = visits
        .iter()
        .map(|visit| profiles[&visit.spot].driver.methods.descriptor.len())
        .sum();
    let described = size <= MAX_DESCRIPTORS;
    if !described {
        tracing::warn!("this tree is too large to tell clients the methods of its drivers");
    }
    let reports = visits.iter().map(|visit| {
        let name = &inner.shape.spots()[visit.named_by].name;
        let parent = visit.parent.map(|parent| profiles[&parent].driver.uuid);
        profiles[&visit.spot].report(name, parent, described)
    });
    let reports = reports.collect();
    let drivers = profiles
        .into_values()
        .map(|profile| (profile.driver.uuid, profile.driver));
    (drivers.collect(), reports)
}

fn profile<'a>(
    plan: &Plan<'_>,
    inner: &'a Inner,
    spot: usize,
    root_description: Option<&str>,
    types: &mut Types<'a>,
) -> Profile {
    let slot = &inner.slots[spot];
    let order = plan.orders.get(&spot);
    let entry = order.map(|order| order.entry);
    let found = order.and_then(|order| order.found.as_deref());
    let metadata = slot.metadata.as_ref().or(found.map(|found| &*found.driver));
    let is_group = slot.type_name == COMPOSITE;

    let added = &slot.added;
    let told = |added: &Option<String>| added.clone().filter(|text| !text.is_empty());
    let metadata_client = || metadata.and_then(|metadata| metadata.client.clone());
    let client = match is_group {
        true => COMPOSITE_CLIENT.to_owned(),
        false => told(&added.client)
            .or_else(metadata_client)
            .unwrap_or_else(|| PLAIN_CLIENT.to_owned()),
    };
    let category = match is_group {
        true => "composite".to_owned(),
        false => told(&added.category)
            .or_else(|| metadata.map(|metadata| metadata.category.clone()))
            .unwrap_or_else(|| "other".to_owned()),
    };
    let mut labels = entry
        .map(|entry| entry.base.labels.clone())
        .unwrap_or_default();
    labels.extend(added.labels.clone());
    labels.insert(CLIENT.to_owned(), client);

    let configured = match spot {
        ROOT => root_description,
        _ => entry.and_then(|entry| entry.description.as_deref()),
    };
    let description = configured
        .map(str::to_owned)
        .filter(|text| !text.is_empty());
    let methods = types.methods(slot, metadata);
    // What the configuration says is passed on as it is; clients show it instead of their own help.
    // A driver that makes its methods out of its configuration knows them better.
    let mut methods_description = HashMap::new();
    let configured = entry.map(|entry| &entry.methods_description);
    for texts in configured.into_iter().chain([&added.methods_description]) {
        methods_description.extend(texts.clone());
    }
    if methods_description.is_empty() {
        methods_description = methods.help.clone();
    }
    let driver = Driver {
        uuid: slot.uuid,
        name: inner.shape.path(spot),
        class: class_of(&slot.type_name).to_owned(),
        type_name: slot.type_name.clone(),
        category,
        instance: slot.instance.clone(),
        methods,
    };
    Profile {
        driver: Arc::new(driver),
        labels,
        description: description.or_else(|| told(&added.description)),
        methods_description,
    }
}

// === impl Profile ===

impl Profile {
    fn report(&self, name: &str, parent: Option<Uuid>, described: bool) -> DriverInstanceReport {
        let mut labels: HashMap<String, String> = self.labels.clone().into_iter().collect();
        if parent.is_some() {
            labels.insert(NAME.to_owned(), name.to_owned());
        }
        let descriptor = &self.driver.methods.descriptor;
        DriverInstanceReport {
            uuid: self.driver.uuid.to_string(),
            parent_uuid: parent.map(|uuid| uuid.to_string()),
            labels,
            description: self.description.clone(),
            methods_description: self.methods_description.clone(),
            file_descriptor_proto: (described && !descriptor.is_empty())
                .then(|| descriptor.clone()),
        }
    }
}

// === impl Types ===

impl<'a> Types<'a> {
    fn methods(&mut self, slot: &'a Slot, metadata: Option<&DriverMetadata>) -> Arc<Methods> {
        if slot.type_name == COMPOSITE {
            return self.known(&slot.type_name, Methods::default);
        }
        let further = &slot.added.methods;
        let make = || Methods::new(&slot.type_name, metadata, further);
        match further.is_empty() {
            true => self.known(&slot.type_name, make),
            false => Arc::new(make()),
        }
    }

    fn known(&mut self, name: &'a str, make: impl FnOnce() -> Methods) -> Arc<Methods> {
        Arc::clone(self.known.entry(name).or_insert_with(|| Arc::new(make())))
    }
}
