//! Ending a lease on request.

use super::not_found;
use crate::lab::step::{Command, Step};
use crate::lab::{Lab, LabError, clock};
use crate::model::{EndReason, Key, Uid};

/// Who ends a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The client that owns it, by name.
    Client(String),
    /// The exporter that serves it.
    Exporter { uid: Uid, name: String },
    /// An administrator, who may end any lease, by name.
    Admin(String),
}

struct Release {
    key: Key,
    by: By,
    /// The call, for the refusal's text.
    what: &'static str,
}

// === impl Lab ===

impl Lab {
    /// Ends a lease now. It is no error if it has ended already.
    pub async fn release_lease(&self, key: Key, by: By) -> Result<(), LabError> {
        self.release(key, by, "ReleaseLease", false).await
    }

    /// Ends a lease now; an error if it was released before.
    pub async fn delete_lease(&self, key: Key, by: By) -> Result<(), LabError> {
        self.release(key, by, "DeleteLease", true).await
    }

    async fn release(
        &self,
        key: Key,
        by: By,
        what: &'static str,
        once: bool,
    ) -> Result<(), LabError> {
        let release = Release {
            key: key.clone(),
            by: by.clone(),
            what,
        };
        match self.change(release).await {
            // It may have ended, which only the database knows.
            Err(LabError::NotFound { .. }) => {}
            other => return other,
        }
        let Some(lease) = self.lease(&key).await? else {
            return Err(not_found(&key));
        };
        by.check(&lease, what)?;
        if once && lease.end_reason == Some(EndReason::Released) {
            return Err(LabError::AlreadyReleased(key));
        }
        Ok(())
    }
}

// === impl By ===

impl By {
    fn check(&self, lease: &crate::model::Lease, what: &'static str) -> Result<(), LabError> {
        match self {
            Self::Client(name) if *name != lease.owner => Err(LabError::NotOwner { what }),
            Self::Exporter { uid, name }
                if lease.exporter.as_ref().map(|exporter| exporter.uid) != Some(*uid) =>
            {
                Err(LabError::NotHolder {
                    lease: lease.key.name.clone(),
                    exporter: name.clone(),
                })
            }
            _ => Ok(()),
        }
    }

    fn actor(&self, key: &Key) -> String {
        match self {
            Self::Client(name) => format!("client:{}/{name}", key.namespace),
            Self::Exporter { name, .. } => format!("exporter:{}/{name}", key.namespace),
            Self::Admin(name) => name.clone(),
        }
    }
}

// === impl Command ===

impl Command for Release {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let lease = step.lease_named(&self.key);
        let mut lease = lease.ok_or_else(|| not_found(&self.key))?;
        self.by.check(&lease, self.what)?;
        lease.generation += 1;
        clock::end(step, lease, EndReason::Released, &self.by.actor(&self.key));
        Ok(())
    }
}
