//! Clients: made, changed and deleted.

use std::sync::Arc;

use super::change_summary::ChangeSummary;
use super::step::{Command, Step};
use super::{Lab, LabError, clock};
use crate::model::validate::LabelChanges;
use crate::model::{Client, EndReason, Key, Labels, Lease, Migrated, Uid, validate};
use crate::store::Change;

const PLURAL: &str = "clients";

/// A client to be made.
#[derive(Clone, Debug)]
pub struct NewClient {
    pub key: Key,
    pub labels: Labels,
    /// The external user that may act as it.
    pub username: Option<String>,
    /// Where it comes from, if its tokens are from another installation.
    pub migrated: Option<Migrated>,
    /// Whether it is made for an external user on the first call.
    pub provisioned: bool,
}

/// Changes to a client; a field that is `None` leaves its value.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// Labels to set, or to remove with `None`; others stay as they are.
    pub labels: LabelChanges,
    /// The external user that may act as it; `Some(None)` removes it.
    pub username: Option<Option<String>>,
}

struct Create {
    new: NewClient,
    actor: String,
}

struct Alter {
    key: Key,
    change: ClientChange,
    actor: String,
}

struct Delete {
    key: Key,
    actor: String,
}

// === impl Lab ===

impl Lab {
    /// Makes a client. Two first calls of an external user may both try; then both get the same client.
    pub async fn create_client(
        &self,
        new: NewClient,
        actor: &str,
    ) -> Result<Arc<Client>, LabError> {
        let actor = actor.to_owned();
        self.change(Create { new, actor }).await
    }

    /// Changes what administrators may change.
    pub async fn alter_client(
        &self,
        key: Key,
        change: ClientChange,
        actor: &str,
    ) -> Result<Arc<Client>, LabError> {
        let actor = actor.to_owned();
        self.change(Alter { key, change, actor }).await
    }

    /// Deletes a client with its credentials, and ends its leases.
    pub async fn delete_client(&self, key: Key, actor: &str) -> Result<(), LabError> {
        let actor = actor.to_owned();
        self.change(Delete { key, actor }).await
    }
}

// === impl Step ===

impl Step<'_> {
    fn client_named(&self, key: &Key) -> Result<Client, LabError> {
        let client = self.state.clients.named(key);
        client
            .map(|client| Client::clone(client))
            .ok_or_else(|| LabError::NotFound {
                plural: PLURAL,
                name: key.name.clone(),
            })
    }

    fn put_client(&mut self, client: Client) -> Arc<Client> {
        let client = Arc::new(client);
        self.change(Change::Client(Arc::clone(&client)));
        client
    }
}

// === impl Command ===

impl Command for Create {
    type Answer = Arc<Client>;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Arc<Client>, LabError> {
        let new = self.new;
        validate::namespace(&new.key.namespace).map_err(LabError::Invalid)?;
        validate::name(PLURAL, &new.key.name).map_err(LabError::Invalid)?;
        validate::labels(&new.labels).map_err(LabError::Invalid)?;
        if let Some(there) = step.state.clients.named(&new.key) {
            if new.provisioned && there.username == new.username {
                return Ok(Arc::clone(there));
            }
            return Err(LabError::Exists {
                plural: PLURAL,
                name: new.key.name,
            });
        }
        let client = step.put_client(Client {
            uid: Uid::random(),
            key: new.key,
            labels: new.labels,
            username: new.username,
            migrated: new.migrated,
            provisioned: new.provisioned,
            generation: 1,
            created: step.now,
        });
        let mut summary = ChangeSummary::default();
        summary.labels(&Labels::new(), &client.labels);
        summary.optional("username", None, client.username.clone());
        step.record(
            self.actor,
            "ClientCreated",
            ("client", &client.key),
            summary.text(),
        );
        Ok(client)
    }
}

impl Command for Alter {
    type Answer = Arc<Client>;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Arc<Client>, LabError> {
        let mut client = step.client_named(&self.key)?;
        let before = client.clone();
        let labels = std::mem::take(&mut client.labels);
        let changed = validate::changed_labels(labels, self.change.labels);
        client.labels = changed.map_err(LabError::Invalid)?;
        client.username = self.change.username.unwrap_or(client.username);
        client.generation += 1;
        let mut summary = ChangeSummary::default();
        summary.labels(&before.labels, &client.labels);
        summary.optional("username", before.username, client.username.clone());
        let client = step.put_client(client);
        step.record(
            self.actor,
            "ClientChanged",
            ("client", &client.key),
            summary.text(),
        );
        Ok(client)
    }
}

impl Command for Delete {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let client = step.client_named(&self.key)?;
        let its = |lease: &&Arc<Lease>| {
            lease.key.namespace == client.key.namespace && lease.owner == client.key.name
        };
        let leases: Vec<Lease> = step
            .state
            .leases
            .iter()
            .filter(its)
            .map(|lease| Lease::clone(lease))
            .collect();
        for lease in leases {
            clock::end(step, lease, EndReason::Deleted, &self.actor);
        }
        step.change(Change::NoClient(client.uid));
        step.record(self.actor, "ClientDeleted", ("client", &self.key), "");
        Ok(())
    }
}
