//! Leases as callers change them: made, updated, released.

mod create;
mod release;
mod update;

#[cfg(test)]
pub(in crate::lab) use create::Create;
pub use create::NewLease;
pub use release::By;
pub use update::LeaseUpdate;

use super::LabError;
use super::step::Step;
use crate::model::{Key, Lease};

const PLURAL: &str = "leases";

fn not_found(key: &Key) -> LabError {
    LabError::NotFound {
        plural: PLURAL,
        name: key.name.clone(),
    }
}

impl Step<'_> {
    fn lease_named(&self, key: &Key) -> Option<Lease> {
        let lease = self.state.leases.named(key);
        lease.map(|lease| Lease::clone(lease))
    }
}
