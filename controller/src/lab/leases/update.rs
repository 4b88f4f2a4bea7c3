//! Changing a lease: longer, shorter, at another time, for another owner.

use std::sync::Arc;
use std::time::Duration;

use super::not_found;
use crate::lab::change_summary::ChangeSummary;
use crate::lab::step::{Command, Step};
use crate::lab::{Lab, LabError, clock};
use crate::model::{EndReason, Key, Lease, LeaseState, Length, Time, Wish};
use crate::schedule;

/// Changes to a lease; a field that is `None` leaves its value.
#[derive(Clone, Debug, Default)]
pub struct LeaseUpdate {
    /// Its whole length.
    pub duration: Option<Length>,
    /// When it may begin.
    pub begin: Option<Time>,
    /// When it has to end.
    pub end: Option<Time>,
    /// The name of the client that shall own it.
    pub owner: Option<String>,
}

struct Update {
    key: Key,
    by: Option<String>,
    actor: String,
    update: LeaseUpdate,
}

// === impl Lab ===

impl Lab {
    /// Changes a lease that has not ended. `by` is the client that asks; `None` may change any lease.
    pub async fn update_lease(
        &self,
        key: Key,
        by: Option<String>,
        update: LeaseUpdate,
    ) -> Result<Arc<Lease>, LabError> {
        let actor = match &by {
            Some(by) => format!("client:{}/{by}", key.namespace),
            None => "lab".to_owned(),
        };
        self.update(key, by, actor, update).await
    }

    /// Changes any lease that has not ended, for an administrator.
    pub async fn alter_lease(
        &self,
        key: Key,
        update: LeaseUpdate,
        actor: &str,
    ) -> Result<Arc<Lease>, LabError> {
        self.update(key, None, actor.to_owned(), update).await
    }

    async fn update(
        &self,
        key: Key,
        by: Option<String>,
        actor: String,
        update: LeaseUpdate,
    ) -> Result<Arc<Lease>, LabError> {
        let command = Update {
            key: key.clone(),
            by: by.clone(),
            actor,
            update,
        };
        match self.change(command).await {
            Ok(()) => {}
            Err(LabError::NotFound { .. }) => {
                let lease = self.lease(&key).await?.ok_or_else(|| not_found(&key))?;
                return Err(match by {
                    Some(by) if by != lease.owner => refused(),
                    _ => LabError::Ended,
                });
            }
            Err(error) => return Err(error),
        }
        self.lease(&key).await?.ok_or_else(|| not_found(&key))
    }
}

fn refused() -> LabError {
    LabError::NotOwner {
        what: "UpdateLease",
    }
}

// === impl LeaseUpdate ===

impl LeaseUpdate {
    fn changes_times(&self) -> bool {
        self.duration.is_some() || self.begin.is_some() || self.end.is_some()
    }

    /// What the lease asks for after the update. Begin, end and duration depend on each other: a new
    /// one replaces the one that followed from the other two.
    fn wish(&self, lease: &Lease) -> Wish {
        let mut wish = Wish {
            begin: self.begin.or(lease.not_before),
            end: self.end.or(lease.not_after),
            duration: self.duration.or(lease.duration.map(Length::from)),
        };
        if wish.begin.is_some() && wish.end.is_some() {
            match (self.begin, self.end, self.duration) {
                // All three are new: they have to agree.
                (Some(_), Some(_), Some(_)) => {}
                (_, Some(_), None) => wish.duration = None,
                (Some(_), None, None) => wish.end = None,
                (_, None, Some(_)) => wish.end = None,
                (None, Some(_), Some(_)) => wish.begin = None,
                (None, None, None) => {}
            }
        }
        wish
    }
}

// === impl Command ===

impl Command for Update {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut lease = step
            .lease_named(&self.key)
            .ok_or_else(|| not_found(&self.key))?;
        if self.by.as_ref().is_some_and(|by| *by != lease.owner) {
            return Err(refused());
        }
        let before = lease.clone();
        let began = lease.began.is_some();
        if self.update.changes_times() {
            if began
                && self
                    .update
                    .begin
                    .is_some_and(|begin| lease.not_before != Some(begin))
            {
                return Err(LabError::Started);
            }
            let window = self.update.wish(&lease).resolve()?;
            lease.not_before = window.begin;
            lease.not_after = window.end;
            lease.duration = window.duration;
        }
        if let Some(owner) = &self.update.owner {
            transferable(step, &lease, owner)?;
            lease.owner.clone_from(owner);
        }
        if self.update.changes_times() || self.update.owner.is_some() {
            allowed(step, &lease)?;
        }
        lease.generation += 1;
        if !began {
            let later = lease.not_before.filter(|begin| *begin > step.now);
            lease.state = later.map_or(LeaseState::Pending, |_| LeaseState::Scheduled);
            lease.eligible_since = match later {
                Some(_) => None,
                None => lease
                    .eligible_since
                    .or_else(|| Some(step.state.next_turn(step.now))),
            };
        }
        let key = lease.key.clone();
        let detail = changed(&before, &lease);
        let over = lease.end().is_some_and(|end| end <= step.now);
        step.put_lease(lease.clone());
        step.record(self.actor, "LeaseUpdated", ("lease", &key), detail);
        if over {
            clock::end(step, lease, EndReason::Expired, "lab");
        }
        Ok(())
    }
}

/// The changes, for the audit log.
fn changed(before: &Lease, after: &Lease) -> String {
    let mut summary = ChangeSummary::default();
    let time = |time: Option<Time>| time.map(prost_types::Timestamp::from);
    let length = |lease: &Lease| lease.duration.map(Length::from);
    summary.optional("begin", time(before.not_before), time(after.not_before));
    summary.optional("end", time(before.not_after), time(after.not_after));
    summary.optional("duration", length(before), length(after));
    summary.change("client", &before.owner, &after.owner);
    summary.text()
}

/// Checks that policies still allow an active lease with its new length and owner.
fn allowed(step: &Step<'_>, lease: &Lease) -> Result<(), LabError> {
    let Some(exporter) = &lease.exporter else {
        // A waiting lease is checked when it begins.
        return Ok(());
    };
    let Some(exporter) = step.state.exporters.get(exporter.uid) else {
        return Ok(());
    };
    let namespace = &lease.key.namespace;
    let policies = step.state.policies.iter();
    let policies: Vec<_> = policies
        .filter(|policy| policy.key.namespace == *namespace)
        .map(AsRef::as_ref)
        .collect();
    let owner = step.state.clients.named(&Key::new(namespace, &lease.owner));
    let length = lease.duration.unwrap_or(Duration::ZERO);
    if schedule::allows(&policies, exporter, owner.map(AsRef::as_ref), length) {
        return Ok(());
    }
    Err(LabError::Policy(format!(
        "no policy allows the exporter {} for {}",
        exporter.key.name,
        Length::from(length)
    )))
}

fn transferable(step: &Step<'_>, lease: &Lease, owner: &str) -> Result<(), LabError> {
    if lease.exporter.is_none() {
        return Err(LabError::Transfer(
            "cannot transfer lease: lease has not started yet".to_owned(),
        ));
    }
    let key = Key::new(&lease.key.namespace, owner);
    if step.state.clients.named(&key).is_none() {
        return Err(LabError::Transfer(format!(
            "target client not found: clients.jumpstarter.dev \"{owner}\" not found"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn wish(stored: [Option<i64>; 3], new: [Option<i64>; 3]) -> [Option<i64>; 3] {
        let mut lease = crate::model::samples::lease("1", "board=x");
        lease.not_before = stored[0].map(Time);
        lease.not_after = stored[1].map(Time);
        lease.duration = stored[2].map(|micros| Duration::from_micros(micros as u64));
        let update = LeaseUpdate {
            begin: new[0].map(Time),
            end: new[1].map(Time),
            duration: new[2].map(|micros| Length { micros }),
            owner: None,
        };
        let wish = update.wish(&lease);
        let micros = |time: Option<Time>| time.map(|time| time.0);
        [
            micros(wish.begin),
            micros(wish.end),
            wish.duration.map(|length| length.micros),
        ]
    }

    #[test]
    fn a_new_time_replaces_what_followed_from_the_others() {
        let all = [Some(1), Some(4), Some(3)];
        assert_eq!(wish(all, [None, None, Some(5)]), [Some(1), None, Some(5)]);
        assert_eq!(wish(all, [None, Some(9), None]), [Some(1), Some(9), None]);
        assert_eq!(wish(all, [Some(2), None, None]), [Some(2), None, Some(3)]);
        assert_eq!(
            wish(all, [None, Some(9), Some(2)]),
            [None, Some(9), Some(2)]
        );
        let only_duration = [None, None, Some(3)];
        assert_eq!(
            wish(only_duration, [None, None, Some(5)]),
            [None, None, Some(5)]
        );
        assert_eq!(
            wish(only_duration, [Some(2), None, None]),
            [Some(2), None, Some(3)]
        );
    }
}
