//! Making a lease.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jumpstarter_proto::selector::Selector;
use uuid::Uuid;

use super::PLURAL;
use crate::lab::step::{Command, Step};
use crate::lab::{Lab, LabError};
use crate::model::{Conditions, Key, Labels, Lease, LeaseState, Uid, Wish, validate};

/// What a client asks for; the caller has been authenticated.
#[derive(Clone, Debug)]
pub struct NewLease {
    pub namespace: String,
    /// Its name; `None` gets one that sorts by time.
    pub name: Option<String>,
    /// The name of the client that will own it.
    pub owner: String,
    /// Selects exporters by their labels.
    pub selector: Selector,
    /// The name of the only exporter that will do.
    pub pinned: Option<String>,
    /// Whether the pinned exporter may be disabled.
    pub allow_disabled: bool,
    /// Its times, as far as they are given.
    pub wish: Wish,
    /// The owner's labels, to find it by.
    pub tags: Labels,
    /// Fields for the log lines of all parties.
    pub context: Labels,
    /// How many tags it may have.
    pub most_tags: usize,
}

pub(in crate::lab) struct Create {
    pub(in crate::lab) new: NewLease,
    /// How many open leases one owner may have.
    pub(in crate::lab) most_open: usize,
    pub(in crate::lab) actor: String,
}

// === impl Lab ===

impl Lab {
    /// Makes a lease. When this returns, the schedule has considered it.
    pub async fn create_lease(&self, new: NewLease) -> Result<Arc<Lease>, LabError> {
        let actor = format!("client:{}/{}", new.namespace, new.owner);
        self.create_lease_for(new, &actor).await
    }

    /// The same, by an administrator.
    pub async fn create_lease_for(
        &self,
        new: NewLease,
        actor: &str,
    ) -> Result<Arc<Lease>, LabError> {
        if let Some(name) = &new.name {
            // Names of ended leases stay taken, too, and only the database knows those.
            let key = Key::new(&new.namespace, name);
            if self.lease(&key).await?.is_some() {
                return Err(exists(name));
            }
        }
        let most_open = self.most_leases.load(Ordering::Relaxed);
        let key = self
            .change(Create {
                new,
                most_open,
                actor: actor.to_owned(),
            })
            .await?;
        match self.lease(&key).await? {
            Some(lease) => Ok(lease),
            None => Err(super::not_found(&key)),
        }
    }
}

fn exists(name: &str) -> LabError {
    LabError::Exists {
        plural: PLURAL,
        name: name.to_owned(),
    }
}

// === impl Command ===

impl Command for Create {
    type Answer = Key;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Key, LabError> {
        let Self {
            new,
            most_open,
            actor,
        } = self;
        validate::namespace(&new.namespace).map_err(LabError::Invalid)?;
        if new.selector.is_empty() && new.pinned.is_none() {
            return Err(LabError::Invalid(
                "one of selector or exporterRef.name is required".to_owned(),
            ));
        }
        validate::tags(&new.tags, new.most_tags).map_err(LabError::Tags)?;
        validate::context(&new.context).map_err(LabError::Invalid)?;
        let window = new.wish.resolve()?;
        let name = match new.name {
            Some(name) => {
                validate::name(PLURAL, &name).map_err(LabError::Invalid)?;
                name
            }
            None => Uuid::now_v7().to_string(),
        };
        let key = Key::new(new.namespace, name);
        if step.is_taken(&key) {
            return Err(exists(&key.name));
        }
        if step.state.open_leases(&key.namespace, &new.owner) >= most_open {
            return Err(LabError::TooMany {
                owner: new.owner,
                most: most_open,
            });
        }
        // The owner may have been deleted meanwhile, and another client of that name must not get the
        // lease.
        let owner = Key::new(&key.namespace, &new.owner);
        if step.state.clients.named(&owner).is_none() {
            return Err(LabError::NotFound {
                plural: "clients",
                name: new.owner,
            });
        }
        let detail = format!("of client {}", new.owner);
        let later = window.begin.filter(|begin| *begin > step.now);
        step.put_lease(Lease {
            uid: Uid::random(),
            key: key.clone(),
            owner: new.owner,
            selector: new.selector,
            pinned: new.pinned,
            allow_disabled: new.allow_disabled,
            duration: window.duration,
            not_before: window.begin,
            not_after: window.end,
            tags: new.tags,
            context: new.context,
            state: match later {
                Some(_) => LeaseState::Scheduled,
                None => LeaseState::Pending,
            },
            exporter: None,
            began: None,
            ended: None,
            end_reason: None,
            priority: 0,
            eligible_since: match later {
                Some(_) => None,
                None => Some(step.state.next_turn(step.now)),
            },
            conditions: Conditions::default(),
            generation: 1,
            created: step.now,
        });
        step.record(actor, "LeaseCreated", ("lease", &key), detail);
        Ok(key)
    }
}
