//! The steps from the headers of a call to an object, in the order in which programs see them fail.

use std::sync::{Arc, PoisonError};

use http::HeaderMap;
use jumpstarter_client::Secret;

use super::actor::{Actor, not_found, subjects};
use super::{Inner, Rules};
use crate::identity::error::Foreign;
use crate::identity::issuers::Verdict;
use crate::identity::jws::Jws;
use crate::identity::metadata;
use crate::identity::name::{Shape, derive, shape};
use crate::identity::{AuthError, Caller, Claims, Peer, Subject, TokenError};
use crate::lab::{LabError, NewClient};
use crate::model::{Client, CredentialKind, Exporter, Key, Labels, Time};

/// Who a verified token says the caller is.
enum Identity {
    /// Ours, or that of an installation whose key was imported.
    Internal(Claims),
    /// Of an issuer in the configuration.
    Outside { username: String },
}

// === impl Inner ===

impl Inner {
    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) async fn client(
        &self,
        headers: &HeaderMap,
        peer: Peer,
    ) -> Result<Caller<Client>, AuthError> {
        let identity = self.identify(metadata::bearer(headers)?).await?;
        let key = self.key::<Client>(headers, &identity)?;
        let object = match self.lab.client(&key) {
            Some(client) => client,
            None => self.provision(&key, &identity).await?,
        };
        self.caller(identity, object, peer)
    }

    pub(super) async fn exporter(
        &self,
        headers: &HeaderMap,
        peer: Peer,
    ) -> Result<Caller<Exporter>, AuthError> {
        let identity = self.identify(metadata::bearer(headers)?).await?;
        let key = self.key::<Exporter>(headers, &identity)?;
        let object = self.lab.exporter(&key);
        let object = object.ok_or_else(|| not_found::<Exporter>(&key))?;
        self.caller(identity, object, peer)
    }

    pub(super) fn exporter_by_token(&self, headers: &HeaderMap) -> Result<Key, AuthError> {
        let token = metadata::bearer(headers)?;
        let claims = self.tokens.verify(&token)?;
        let subject: Result<Subject, _> = claims.subject.parse();
        let subject = subject
            .ok()
            .filter(|subject| subject.kind == CredentialKind::Exporter);
        let key = subject.ok_or(AuthError::NotExporter)?.key;
        let object = self.lab.exporter(&key);
        let its = |object: &Exporter| subjects(object).any(|subject| subject == claims.subject);
        match &object {
            Some(object) if its(object) => return Ok(key),
            _ => {}
        }
        // An imported exporter may have a subject from another namespace.
        let namespaces = self.lab.namespaces().into_iter();
        let keys = namespaces.map(|namespace| Key::new(namespace, &key.name));
        let mut objects = keys.filter_map(|key| self.lab.exporter(&key));
        match (objects.find(|object| its(object)), object) {
            (Some(moved), _) => Ok(moved.key.clone()),
            (None, Some(_)) => {
                let kind = Exporter::WORD;
                Err(AuthError::Denied { kind, key })
            }
            (None, None) => Err(not_found::<Exporter>(&key)),
        }
    }

    pub(super) fn admin(&self, headers: &HeaderMap) -> Result<Subject, AuthError> {
        let token = metadata::bearer(headers)?;
        let claims = self.tokens.verify(&token)?;
        claims.admin().ok_or(AuthError::NotAdmin)
    }

    /// Verifies the token. Each issuer decides on its own tokens and on no others.
    async fn identify(&self, token: Secret<String>) -> Result<Identity, TokenError> {
        let jws = Jws::parse(token.expose())?;
        if let Some(claims) = self.tokens.verify_parsed(&jws, Time::now()) {
            return claims.map(Identity::Internal);
        }
        match self.issuers.verify(&jws).await {
            Verdict::Abstains => Err(TokenError::Foreign(Foreign::Issuer)),
            Verdict::Refuses(error) => Err(error),
            Verdict::Accepts(username) if self.is_reserved(&username) => Err(TokenError::Reserved),
            Verdict::Accepts(username) => Ok(Identity::Outside { username }),
        }
    }

    /// Whether a username from another issuer could be taken for an internal one.
    fn is_reserved(&self, username: &str) -> bool {
        let rules = self.rules();
        let prefix = &rules.prefix;
        let rest = username.strip_prefix(prefix.as_str());
        rest.is_some_and(|rest| !prefix.is_empty() || rest.parse::<Subject>().is_ok())
    }

    /// The name of the object that the caller wants to act as, from the headers.
    fn key<T: Actor>(&self, headers: &HeaderMap, identity: &Identity) -> Result<Key, AuthError> {
        let namespace = metadata::once(headers, metadata::NAMESPACE)?;
        let kind = metadata::once(headers, metadata::KIND)?;
        let provided = metadata::name(headers);
        let name = match identity {
            Identity::Outside { username } if shape(username) == Shape::Person => {
                derived(username, provided)?
            }
            Identity::Internal(_) | Identity::Outside { .. } => {
                provided.ok_or(AuthError::NameRequired)?.to_owned()
            }
        };
        if kind != T::HEADER {
            return Err(AuthError::Kind);
        }
        Ok(Key::new(namespace, name))
    }

    /// Makes the client of an external user who calls for the first time, where that is configured. Other
    /// callers choose the name freely, and must not get an object by naming it.
    async fn provision(&self, key: &Key, identity: &Identity) -> Result<Arc<Client>, AuthError> {
        let Identity::Outside { username } = identity else {
            return Err(not_found::<Client>(key));
        };
        let is_on = self.rules().provisioning.contains(&key.namespace);
        if !is_on || shape(username) != Shape::Person {
            return Err(not_found::<Client>(key));
        }
        let new = NewClient {
            key: key.clone(),
            labels: Labels::new(),
            username: Some(username.clone()),
            migrated: None,
            provisioned: true,
        };
        match self.lab.create_client(new, username).await {
            Ok(client) => Ok(client),
            // Another call has just made it; whether it is this user's is checked later.
            Err(LabError::Exists { .. }) => {
                self.lab.client(key).ok_or_else(|| not_found::<Client>(key))
            }
            Err(source) => Err(AuthError::Provision {
                key: key.clone(),
                source,
            }),
        }
    }

    /// Checks that the identity may act as the object.
    fn caller<T: Actor>(
        &self,
        identity: Identity,
        object: Arc<T>,
        peer: Peer,
    ) -> Result<Caller<T>, AuthError> {
        let (username, is_allowed) = match identity {
            Identity::Internal(claims) => {
                let username = format!("{}{}", self.rules().prefix, claims.subject);
                let is_allowed = object.username() == Some(&username)
                    || subjects(&*object).any(|subject| subject == claims.subject);
                (username, is_allowed)
            }
            Identity::Outside { username } => {
                let is_allowed = object.username() == Some(&username);
                (username, is_allowed)
            }
        };
        if !is_allowed {
            return Err(AuthError::Denied {
                kind: T::WORD,
                key: object.key().clone(),
            });
        }
        Ok(Caller {
            object,
            username,
            peer,
        })
    }
}

/// The name for an external username; the caller may leave it out, but not give another.
fn derived(username: &str, provided: Option<&str>) -> Result<String, AuthError> {
    let expected = derive(username);
    match provided {
        Some(provided) if provided != expected => Err(AuthError::Name {
            provided: provided.to_owned(),
            expected,
            username: username.to_owned(),
        }),
        _ if expected.is_empty() => Err(AuthError::NameRequired),
        _ => Ok(expected),
    }
}
