//! Access policies: applied and deleted.

use std::sync::Arc;

use jumpstarter_proto::selector::Selector;

use super::step::{Command, Step};
use super::{Lab, LabError};
use crate::model::{Key, Length, Policy, Rule, Uid, validate};
use crate::store::Change;

const PLURAL: &str = "exporteraccesspolicies";

/// A policy to be made, or to replace the one of its name.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    pub key: Key,
    /// The exporters that it grants.
    pub exporters: Selector,
    pub rules: Vec<Rule>,
}

struct Apply {
    new: NewPolicy,
    actor: String,
}

struct Delete {
    key: Key,
    actor: String,
}

// === impl Lab ===

impl Lab {
    /// Makes a policy, or replaces the one of this name. Active leases are not touched.
    pub async fn apply_policy(&self, new: NewPolicy, actor: &str) -> Result<Arc<Policy>, LabError> {
        let actor = actor.to_owned();
        self.change(Apply { new, actor }).await
    }

    /// Deletes a policy. A namespace without policies allows everything to everybody.
    pub async fn delete_policy(&self, key: Key, actor: &str) -> Result<(), LabError> {
        let actor = actor.to_owned();
        self.change(Delete { key, actor }).await
    }
}

// === impl Command ===

impl Command for Apply {
    type Answer = Arc<Policy>;

    fn carry_out(self, step: &mut Step<'_>) -> Result<Arc<Policy>, LabError> {
        let NewPolicy {
            key,
            exporters,
            rules,
        } = self.new;
        validate::namespace(&key.namespace).map_err(LabError::Invalid)?;
        validate::name(PLURAL, &key.name).map_err(LabError::Invalid)?;
        let (uid, generation, created) = match step.state.policies.named(&key) {
            Some(old) => (old.uid, old.generation + 1, old.created),
            None => (Uid::random(), 1, step.now),
        };
        let policy = Arc::new(Policy {
            uid,
            key,
            exporters,
            rules,
            generation,
            created,
        });
        step.change(Change::Policy(Arc::clone(&policy)));
        let detail = policy_text(&policy);
        step.record(self.actor, "PolicyApplied", ("policy", &policy.key), detail);
        Ok(policy)
    }
}

/// What a policy grants, for the audit log: `exporters board=x; from team=apps for 1h0m0s, priority 5`.
fn policy_text(policy: &Policy) -> String {
    let mut text = match policy.exporters.is_empty() {
        true => "all exporters".to_owned(),
        false => format!("exporters {}", policy.exporters),
    };
    for rule in &policy.rules {
        let from: Vec<String> = rule.from.iter().map(Selector::to_string).collect();
        text.push_str(&format!("; from [{}]", from.join("] or [")));
        if let Some(most) = rule.maximum {
            text.push_str(&format!(" for {}", Length::from(most)));
        }
        text.push_str(&format!(", priority {}", rule.priority));
        if rule.spot {
            text.push_str(", spot");
        }
    }
    text
}

impl Command for Delete {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let Some(policy) = step.state.policies.named(&self.key) else {
            return Err(LabError::NotFound {
                plural: PLURAL,
                name: self.key.name,
            });
        };
        let uid = policy.uid;
        step.change(Change::NoPolicy(uid));
        step.record(self.actor, "PolicyDeleted", ("policy", &self.key), "");
        Ok(())
    }
}
