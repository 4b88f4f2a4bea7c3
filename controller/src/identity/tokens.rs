//! The tokens that this installation issues: ES256, each with an id that is in the database.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use jumpstarter_client::Secret;
use serde::Serialize;

use super::error::Foreign;
use super::jws::Jws;
use super::keys::Imported;
use super::{Keys, KeysError, Subject, TokenError};
use crate::lab::Lab;
use crate::model::{Credential, CredentialKind, Key, Time, Uid};

/// How far `nbf` may be ahead of our clock.
pub(super) const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Claims that all tokens of this installation have in common.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim.
    pub audience: String,
}

/// Issues and verifies tokens; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tokens {
    keys: Keys,
    rules: TokenRules,
    lab: Lab,
}

/// What a valid token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The `sub` claim: usually a [`Subject`].
    pub subject: String,
    /// Its id. Tokens of other installations have none here.
    pub jti: Option<String>,
    /// When it expires.
    pub expires: Time,
}

#[derive(Serialize)]
struct IssuedClaims<'a> {
    iss: &'a str,
    aud: [&'a str; 1],
    sub: String,
    iat: i64,
    exp: i64,
    jti: &'a str,
}

// === impl TokenRules ===

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            issuer: "https://localhost:8085".to_owned(),
            audience: "jumpstarter".to_owned(),
        }
    }
}

// === impl Tokens ===

impl Tokens {
    /// Tokens are signed with `keys`, and looked up in `lab`.
    pub fn new(keys: Keys, rules: TokenRules, lab: Lab) -> Self {
        Self { keys, rules, lab }
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.rules.issuer
    }

    /// A token for a client, and the credential that the lab must keep ([`Lab::keep_credential`])
    /// before the token is accepted.
    pub fn for_client(
        &self,
        client: &crate::model::Client,
        lifetime: Duration,
    ) -> Result<(Secret<String>, Credential), KeysError> {
        let subject = Subject::client(client);
        self.issue(&subject, client.uid, String::new(), lifetime)
    }

    /// A token for an exporter, as for a client.
    pub fn for_exporter(
        &self,
        exporter: &crate::model::Exporter,
        lifetime: Duration,
    ) -> Result<(Secret<String>, Credential), KeysError> {
        let subject = Subject::exporter(exporter);
        self.issue(&subject, exporter.uid, String::new(), lifetime)
    }

    /// A token for an administrator.
    pub fn for_admin(
        &self,
        key: Key,
        uid: Uid,
        lifetime: Duration,
    ) -> Result<(Secret<String>, Credential), KeysError> {
        let label = key.name.clone();
        self.issue(&Subject::admin(key, uid), uid, label, lifetime)
    }

    fn issue(
        &self,
        subject: &Subject,
        owner: Uid,
        label: String,
        lifetime: Duration,
    ) -> Result<(Secret<String>, Credential), KeysError> {
        let now = Time::now();
        // Tokens have whole seconds; rounded up, none ends before its lifetime is over.
        let end = now.after(lifetime).after(Duration::from_micros(999_999));
        let end = end.0.div_euclid(1_000_000);
        let jti = uuid::Uuid::new_v4().to_string();
        let ring = self.keys.ring();
        let key = ring.signing()?;
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key.id.clone());
        let claims = IssuedClaims {
            iss: &self.rules.issuer,
            aud: [&self.rules.audience],
            sub: subject.to_string(),
            iat: now.0.div_euclid(1_000_000),
            exp: end,
            jti: &jti,
        };
        let token = jsonwebtoken::encode(&header, &claims, &key.signing);
        let token = token.map_err(|error| KeysError::Crypto(error.to_string()))?;
        let credential = Credential {
            jti,
            kind: subject.kind,
            owner,
            label,
            key_id: key.id.clone(),
            issued: now,
            expires: Time(end.saturating_mul(1_000_000)),
            revoked: None,
        };
        Ok((Secret::new(token), credential))
    }

    /// Verifies a token of ours, or of an installation whose key was imported.
    pub fn verify(&self, token: &Secret<String>) -> Result<Claims, TokenError> {
        let jws = Jws::parse(token.expose())?;
        let claims = self.verify_parsed(&jws, Time::now());
        claims.unwrap_or(Err(TokenError::Foreign(Foreign::Issuer)))
    }

    /// Like `verify`; `None` if the token is of another issuer.
    pub(super) fn verify_parsed(
        &self,
        jws: &Jws<'_>,
        now: Time,
    ) -> Option<Result<Claims, TokenError>> {
        let issuer = jws.text("iss")?;
        let ring = self.keys.ring();
        let mut imported = ring.imported(issuer).peekable();
        if issuer != self.rules.issuer && imported.peek().is_none() {
            return None;
        }
        let own = jws.key_id().and_then(|id| ring.own(id));
        let own = own.filter(|_| issuer == self.rules.issuer);
        Some(match own {
            Some(key) => {
                let audience = std::slice::from_ref(&self.rules.audience);
                let claims = claims(jws, now, || {
                    jws.is_signed_by(&key.public).then_some(audience)
                });
                claims.and_then(|claims| self.is_known(claims, &key.id, now))
            }
            None => {
                let signs =
                    |imported: &&Imported| imported.keys.iter().any(|key| jws.is_signed_by(key));
                claims(jws, now, || {
                    imported
                        .find(signs)
                        .map(|imported| imported.audience.as_slice())
                })
                .map(|claims| Claims {
                    jti: None,
                    ..claims
                })
            }
        })
    }

    /// Checks that the credential of a token is in the lab, and not revoked.
    fn is_known(&self, claims: Claims, key_id: &str, now: Time) -> Result<Claims, TokenError> {
        let jti = claims.jti.as_deref().ok_or(TokenError::Unknown)?;
        let credential = self.lab.credential(jti).ok_or(TokenError::Unknown)?;
        let subject: Subject = claims.subject.parse().map_err(|_| TokenError::Unknown)?;
        let is_its = credential.key_id == key_id
            && credential.kind == subject.kind
            && credential.owner.to_string() == subject.uid;
        if !is_its {
            return Err(TokenError::Unknown);
        }
        if !credential.is_good(now) {
            return Err(TokenError::Revoked);
        }
        Ok(claims)
    }
}

/// All checks but that of the credential. `signer` returns the audiences of the key that signed the
/// token.
fn claims<'a>(
    jws: &Jws<'_>,
    now: Time,
    signer: impl FnOnce() -> Option<&'a [String]>,
) -> Result<Claims, TokenError> {
    let expires = jws.is_current(now, LEEWAY)?;
    if !jws.is_signed_with(&["ES256"]) {
        return Err(TokenError::Algorithm);
    }
    let audience = signer().ok_or(TokenError::Signature)?;
    jws.is_for(audience)?;
    let subject = jws
        .text("sub")
        .ok_or_else(|| TokenError::Claim("sub".to_owned()))?;
    Ok(Claims {
        subject: subject.to_owned(),
        jti: jws.text("jti").map(str::to_owned),
        expires,
    })
}

// === impl Claims ===

impl Claims {
    /// The administrator it is for; `None` if it is for another kind of owner.
    pub(super) fn admin(&self) -> Option<Subject> {
        // Tokens of other installations cannot administer this one.
        self.jti.as_ref()?;
        let subject: Subject = self.subject.parse().ok()?;
        (subject.kind == CredentialKind::Admin).then_some(subject)
    }
}
