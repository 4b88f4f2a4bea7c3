//! Credentials: kept when a token is issued, revoked, forgotten.

use std::sync::Arc;
use std::time::Duration;

use super::step::{Command, Step};
use super::{Lab, LabError};
use crate::model::{Credential, CredentialKind, Key, Time, Uid};
use crate::store::Change;

/// How many revoked credentials of one owner are remembered. Without a bound, a client that rotates its
/// token all day would fill the memory.
const REPLACED: usize = 64;

struct KeepCredential {
    credential: Credential,
    /// How long the earlier ones of the same owner stay valid; `None` leaves them as they are.
    grace: Option<Duration>,
    actor: String,
    of: Key,
}

struct RevokeCredentials {
    owner: Uid,
    jti: Option<String>,
    actor: String,
    of: Key,
}

// === impl Lab ===

impl Lab {
    /// Keeps the credential of an issued token. With a `grace`, the owner's earlier ones end after it.
    pub async fn keep_credential(
        &self,
        credential: Credential,
        of: Key,
        grace: Option<Duration>,
        actor: &str,
    ) -> Result<(), LabError> {
        let keep = KeepCredential {
            credential,
            grace,
            actor: actor.to_owned(),
            of,
        };
        self.change(keep).await
    }

    /// Revokes all credentials of an owner, or only the one with this id; returns how many.
    pub async fn revoke_credentials(
        &self,
        owner: Uid,
        jti: Option<String>,
        of: Key,
        actor: &str,
    ) -> Result<usize, LabError> {
        let revoke = RevokeCredentials {
            owner,
            jti,
            actor: actor.to_owned(),
            of,
        };
        self.change(revoke).await
    }

    /// The credential with this id.
    pub fn credential(&self, jti: &str) -> Option<Arc<Credential>> {
        self.read().credentials.get(jti).cloned()
    }

    /// The credentials of all administrators, the newest first.
    pub fn administrators(&self) -> Vec<Arc<Credential>> {
        let state = self.read();
        let theirs = state
            .credentials
            .values()
            .filter(|credential| credential.kind == CredentialKind::Admin);
        let mut all: Vec<_> = theirs.cloned().collect();
        all.sort_by_key(|credential| std::cmp::Reverse(credential.issued));
        all
    }

    /// All credentials of an owner, the newest first.
    pub fn credentials(&self, owner: Uid) -> Vec<Arc<Credential>> {
        let state = self.read();
        let its = state
            .credentials
            .values()
            .filter(|credential| credential.owner == owner);
        let mut all: Vec<_> = its.cloned().collect();
        all.sort_by_key(|credential| std::cmp::Reverse(credential.issued));
        all
    }
}

// === impl Step ===

impl Step<'_> {
    fn good_credentials(&self, owner: Uid) -> Vec<Credential> {
        let all = self.state.credentials.values();
        all.filter(|credential| credential.owner == owner && credential.is_good(self.now))
            .map(|credential| Credential::clone(credential))
            .collect()
    }

    fn forget_replaced(&mut self, owner: Uid) {
        let all = self.state.credentials.values();
        let mut replaced: Vec<_> = all
            .filter(|credential| credential.owner == owner && credential.revoked.is_some())
            .map(|credential| (credential.issued, credential.jti.clone()))
            .collect();
        replaced.sort();
        for (_, jti) in replaced.into_iter().rev().skip(REPLACED) {
            self.change(Change::NoCredential(jti));
        }
    }

    fn put_credential(&mut self, credential: Credential) {
        self.change(Change::Credential(Arc::new(credential)));
    }
}

/// The time of revocation that makes a credential invalid at any time: one revoked now would be valid
/// again if the clock were set back.
fn never(credential: &Credential) -> Time {
    credential.issued.min(credential.expires)
}

// === impl Command ===

impl Command for KeepCredential {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        if let Some(grace) = self.grace {
            for mut earlier in step.good_credentials(self.credential.owner) {
                let end = match grace.is_zero() {
                    true => never(&earlier),
                    false => step.now.after(grace),
                };
                if earlier.revoked.is_none_or(|revoked| end < revoked) {
                    earlier.revoked = Some(end);
                    step.put_credential(earlier);
                }
            }
        }
        step.forget_replaced(self.credential.owner);
        let detail = self.credential.jti.clone();
        step.put_credential(self.credential);
        step.record(
            self.actor,
            "CredentialIssued",
            ("credential", &self.of),
            detail,
        );
        Ok(())
    }
}

impl Command for RevokeCredentials {
    type Answer = usize;

    fn carry_out(self, step: &mut Step<'_>) -> Result<usize, LabError> {
        let mut good = step.good_credentials(self.owner);
        if let Some(jti) = &self.jti {
            good.retain(|credential| credential.jti == *jti);
        }
        let count = good.len();
        for mut credential in good {
            credential.revoked = Some(never(&credential));
            let detail = credential.jti.clone();
            step.put_credential(credential);
            step.record(
                self.actor.as_str(),
                "CredentialRevoked",
                ("credential", &self.of),
                detail,
            );
        }
        Ok(count)
    }
}
