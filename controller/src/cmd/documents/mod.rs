//! Objects of a lab as documents in YAML, the same as in Kubernetes: what `kubectl get -o yaml` prints
//! of a lab there can be read here, and the other way round.

mod lease;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(super) use read::{Skipped, read};
pub(super) use write::write;

const API_VERSION: &str = "jumpstarter.dev/v1alpha1";
/// Annotations with the subject of an object's tokens from a former installation.
const MIGRATED_NAMESPACE: &str = "jumpstarter.dev/migrated-namespace";
const MIGRATED_UID: &str = "jumpstarter.dev/migrated-uid";
/// Annotation of clients that were made for an external user; only our own exports have it.
const PROVISIONED: &str = "jumpstarter.dev/provisioned";
