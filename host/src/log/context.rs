//! What every line is about, beside what it says itself: the exporter and, while there is one, the
//! lease.
//!
//! ```text
//!   namespace of the pod ─┐
//!   set_context           ├─► fields of every JSON line and of every entry of the telemetry
//!   lease_context         ┘   (the lease's go when its guard is dropped)
//! ```
//!
//! Of two fields with the same name the first counts, so a controller cannot rename the exporter.

use std::fmt;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::console;

/// Where the file with the namespace lies inside a Kubernetes pod.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Names that each JSON line has for itself.
const TAKEN: [&str; 5] = ["level", "logger", "component", "ts", "msg"];

type Fields = Vec<(String, String)>;

/// The fields that lines share.
pub(super) struct Context(RwLock<Shared>);

/// The fields at one moment.
#[derive(Default)]
pub(super) struct Shared {
    namespace: Option<String>,
    lasting: Fields,
    lease: Fields,
    /// Whose `lease` is: the guard with this number.
    holder: u64,
    /// All of them.
    fields: Fields,
    /// The same, written out: `"namespace":"lab","exporter":"a",`
    json: String,
}

/// The fields of one lease, for as long as this lives.
#[must_use = "the fields go when this is dropped"]
pub struct LeaseContext {
    context: Option<&'static Context>,
    number: u64,
}

// === impl Context ===

impl Context {
    pub(super) fn new(namespace: Option<String>) -> Self {
        let mut shared = Shared {
            namespace,
            ..Shared::default()
        };
        shared.compose();
        Self(RwLock::new(shared))
    }

    pub(super) fn set(&self, fields: &[(&str, &str)]) {
        let mut shared = self.write();
        shared.lasting = owned(fields);
        shared.compose();
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Shared> {
        // Composed anew at every change, so a panic leaves at worst an old state.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shared> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    pub(super) fn json(&self) -> &str {
        &self.json
    }

    fn compose(&mut self) {
        let namespace = self.namespace.iter();
        let namespace = namespace.map(|value| ("namespace".to_owned(), value.clone()));
        let given = self.lasting.iter().chain(&self.lease).cloned();
        let mut fields = Fields::new();
        for (name, value) in namespace.chain(given) {
            let known = fields.iter().any(|(other, _)| *other == name);
            if !known && !TAKEN.contains(&name.as_str()) {
                fields.push((name, value));
            }
        }
        let mut json = Vec::new();
        for (name, value) in &fields {
            console::field(&mut json, name, value);
        }
        self.fields = fields;
        // Made of strings, so it is one.
        self.json = String::from_utf8(json).unwrap_or_default();
    }
}

// === impl LeaseContext ===

impl LeaseContext {
    pub(super) fn begin(context: Option<&'static Context>, fields: &[(&str, &str)]) -> Self {
        let number = context.map_or(0, |context| {
            let mut shared = context.write();
            shared.holder += 1;
            shared.lease = owned(fields);
            shared.compose();
            shared.holder
        });
        Self { context, number }
    }

    /// Replaces the fields, as when the client becomes known.
    pub fn set(&self, fields: &[(&str, &str)]) {
        self.replace(owned(fields));
    }

    fn replace(&self, fields: Fields) {
        if let Some(context) = self.context {
            let mut shared = context.write();
            // A lease that is over says nothing about the lines of the next.
            if shared.holder == self.number {
                shared.lease = fields;
                shared.compose();
            }
        }
    }
}

impl Drop for LeaseContext {
    fn drop(&mut self) {
        self.replace(Fields::new());
    }
}

impl fmt::Debug for LeaseContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseContext")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

fn owned(fields: &[(&str, &str)]) -> Fields {
    let fields = fields.iter();
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The namespace this process runs in, where it runs in a cluster.
pub(super) fn namespace() -> Option<String> {
    find_namespace(
        |name| std::env::var(name).ok(),
        || std::fs::read_to_string(POD_NAMESPACE).ok(),
    )
}

fn find_namespace(
    variable: impl Fn(&str) -> Option<String>,
    file: impl FnOnce() -> Option<String>,
) -> Option<String> {
    let some = |text: &String| !text.is_empty();
    let variables = ["NAMESPACE", "POD_NAMESPACE"].into_iter();
    variables
        .filter_map(variable)
        .find(some)
        .or_else(|| file().map(|text| text.trim().to_owned()).filter(some))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Context, LeaseContext, find_namespace};

    fn context(namespace: Option<&str>) -> &'static Context {
        Box::leak(Box::new(Context::new(namespace.map(str::to_owned))))
    }

    #[test]
    fn what_the_controller_says_about_a_lease_goes_with_the_lease() {
        let context = context(None);
        context.set(&[("exporter", "bench")]);
        let before = context.read().json().to_owned();
        assert_eq!(before, r#""exporter":"bench","#);

        // Without anything from the controller there is only the lease.
        let lease = LeaseContext::begin(Some(context), &[("lease_id", "a")]);
        assert_eq!(
            context.read().json(),
            r#""exporter":"bench","lease_id":"a","#
        );
        lease.set(&[
            ("lease_id", "a"),
            ("client", "ann"),
            ("pipeline", "7"),
            ("team", "kernel"),
        ]);
        assert_eq!(
            context.read().json(),
            r#""exporter":"bench","lease_id":"a","client":"ann","pipeline":"7","team":"kernel","#
        );
        drop(lease);
        assert_eq!(context.read().json(), before);
    }

    #[test]
    fn a_lease_that_ends_late_leaves_the_next_alone() {
        let context = context(None);
        let first = LeaseContext::begin(Some(context), &[("lease_id", "a")]);
        let second = LeaseContext::begin(Some(context), &[("lease_id", "b")]);
        first.set(&[("lease_id", "a"), ("client", "late")]);
        drop(first);
        assert_eq!(context.read().json(), r#""lease_id":"b","#);
        drop(second);
        assert_eq!(context.read().json(), "");
    }

    #[test]
    fn a_controller_cannot_rename_the_exporter_or_forge_a_line() {
        let context = context(Some("lab"));
        context.set(&[("exporter", "bench")]);
        let _lease = LeaseContext::begin(
            Some(context),
            &[
                ("lease_id", "a"),
                ("exporter", "other"),
                ("namespace", "other"),
                ("lease_id", "other"),
                ("msg", "hello"),
                ("level", "error"),
                ("quo\"te", "\n"),
            ],
        );
        assert_eq!(
            context.read().json(),
            r#""namespace":"lab","exporter":"bench","lease_id":"a","quo\"te":"\n","#
        );
    }

    #[test]
    fn the_namespace_comes_from_the_variables_and_then_from_the_pod() {
        let file = || Some(" pod\n".to_owned());
        let both = |name: &str| Some(format!("by {name}"));
        assert_eq!(find_namespace(both, file).unwrap(), "by NAMESPACE");

        let empty = |name: &str| Some(if name == "NAMESPACE" { "" } else { "second" }.to_owned());
        assert_eq!(find_namespace(empty, file).unwrap(), "second");

        assert_eq!(find_namespace(|_| None, file).unwrap(), "pod");
        assert_eq!(find_namespace(|_| None, || Some(" \n".to_owned())), None);
        assert_eq!(find_namespace(|_| None, || None), None);
    }
}
