//! Whether the exporter of a lease can be dialled, as far as it says itself.

use jumpstarter_proto::v1::ExporterStatus;

use crate::lab::ExporterState;

/// What to do about a client that dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Let it through.
    Open,
    /// The exporter has not noticed its lease yet; try again when it says something new.
    Wait,
    /// Refuse, with these words. Clients know them.
    Shut(&'static str),
}

/// Looks at what an exporter says of itself. One that never says anything is let through.
pub fn gate(state: &ExporterState) -> Gate {
    let status = state.reported.as_ref().map(|reported| reported.status);
    match status {
        None
        | Some(
            ExporterStatus::Unspecified
            | ExporterStatus::LeaseReady
            | ExporterStatus::BeforeLeaseHook
            | ExporterStatus::AfterLeaseHook,
        ) => Gate::Open,
        Some(ExporterStatus::Available) => Gate::Wait,
        Some(ExporterStatus::Offline) => Gate::Shut("exporter is offline"),
        Some(ExporterStatus::BeforeLeaseHookFailed) => {
            Gate::Shut("exporter beforeLease hook failed")
        }
        Some(ExporterStatus::AfterLeaseHookFailed) => Gate::Shut("exporter afterLease hook failed"),
    }
}
