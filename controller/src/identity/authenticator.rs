//! From the headers of a call to the object of the lab that its caller may act as.
//!
//! The order of the steps, their codes and texts are what programs know:
//!
//! ```text
//!  header ─► token ─► namespace, kind ─► name ─► kind fits ─► object (made, if need be) ─► it is his
//! ```
//!
//! A failure is logged here, once, with the address of the peer and without the token.

use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderMap;
use jumpstarter_client::Secret;
use tonic::Status;

use super::error::Foreign;
use super::issuers::{IssuersError, JwtConfig, Verdict};
use super::jws::Jws;
use super::metadata;
use super::name::{Shape, derive, shape};
use super::peer::CONTROLLER;
use super::{Admin, Anyone, AuthError, Caller, Claims, Issuers, Peer, Subject, TokenError, Tokens};
use crate::lab::{Lab, LabError, NewClient};
use crate::model::{Client, CredentialKind, Exporter, Key, Labels, Migrated, Time, Uid};

/// What the configuration says about callers.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Before the subject of an internal token, it makes a username.
    pub prefix: String,
    /// In these namespaces, a client is made for an external user who has none.
    pub provisioning: Vec<String>,
}

/// Says who calls; cheap to clone.
#[derive(Clone, Debug)]
pub struct Authenticator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    lab: Lab,
    tokens: Tokens,
    issuers: Issuers,
    rules: RwLock<Arc<Rules>>,
}

/// Whose token it is.
enum Identity {
    /// Ours, or that of an installation whose key was imported.
    Internal(Claims),
    /// Of an issuer of the configuration.
    Outside { username: String },
}

/// An object that somebody acts as.
trait Actor {
    const WORD: &'static str;
    /// The value of `jumpstarter-kind`.
    const HEADER: &'static str;
    const KIND: CredentialKind;
    fn key(&self) -> &Key;
    fn uid(&self) -> Uid;
    fn username(&self) -> Option<&str>;
    fn migrated(&self) -> Option<&Migrated>;
}

// === impl Rules ===

impl Default for Rules {
    fn default() -> Self {
        Self {
            prefix: "internal:".to_owned(),
            provisioning: Vec::new(),
        }
    }
}

// === impl Authenticator ===

impl Authenticator {
    /// Looks callers up in `lab`.
    pub fn new(lab: Lab, tokens: Tokens, issuers: Issuers, rules: Rules) -> Self {
        let inner = Inner {
            lab,
            tokens,
            issuers,
            rules: RwLock::new(Arc::new(rules)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes other issuers, and other rules.
    ///
    /// Has to be called in a runtime, where keys are fetched.
    ///
    /// # Errors
    ///
    /// All mistakes in the issuers; then everything stays as it was.
    pub fn configure(&self, issuers: &[JwtConfig], rules: Rules) -> Result<(), IssuersError> {
        let ours = self.inner.tokens.issuer();
        self.inner.issuers.replace(issuers, &[ours])?;
        let mut kept = self.inner.rules.write();
        *kept
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = Arc::new(rules);
        Ok(())
    }

    /// The caller of a method that is for clients. `metadata.as_ref()` are the headers of a request.
    ///
    /// # Errors
    ///
    /// The status to answer; it has been logged.
    pub async fn client(
        &self,
        headers: &HeaderMap,
        peer: impl Into<Peer>,
    ) -> Result<Caller<Client>, Status> {
        let peer = peer.into();
        let caller = self.inner.client(headers, peer).await;
        caller.map_err(|error| refuse_client(&error, peer))
    }

    /// The caller of a method that is for exporters.
    ///
    /// # Errors
    ///
    /// The status to answer; it has been logged.
    pub async fn exporter(
        &self,
        headers: &HeaderMap,
        peer: impl Into<Peer>,
    ) -> Result<Caller<Exporter>, Status> {
        let peer = peer.into();
        let caller = self.inner.exporter(headers, peer).await;
        caller.map_err(|error| refuse_exporter(&error, peer))
    }

    /// The caller of a method that is for both: an exporter if the call says so, else a client.
    ///
    /// # Errors
    ///
    /// The status to answer; it has been logged.
    pub async fn anyone(
        &self,
        headers: &HeaderMap,
        peer: impl Into<Peer>,
    ) -> Result<Anyone, Status> {
        let peer = peer.into();
        if metadata::once(headers, metadata::KIND).ok() == Some(Exporter::HEADER) {
            return self.exporter(headers, peer).await.map(Anyone::Exporter);
        }
        self.client(headers, peer).await.map(Anyone::Client)
    }

    /// The exporter whose token this is, where calls say no more than that.
    ///
    /// # Errors
    ///
    /// The status to answer; it has been logged.
    pub fn exporter_by_token(&self, headers: &HeaderMap, peer: Peer) -> Result<Key, Status> {
        let key = self.inner.exporter_by_token(headers);
        key.map_err(|error| {
            let status = refuse_exporter(&error, peer);
            match error {
                AuthError::Token(_) => Status::unauthenticated(format!("invalid token: {error}")),
                _ => status,
            }
        })
    }

    /// Whether these headers have a good token of ours, whatever it is good for. Nobody else is asked,
    /// and nothing is logged: this is before anybody has asked for anything.
    pub fn recognizes(&self, headers: &HeaderMap) -> bool {
        let token = metadata::bearer(headers);
        token.is_ok_and(|token| self.inner.tokens.verify(&token).is_ok())
    }

    /// An administrator; his token says all there is to know.
    ///
    /// # Errors
    ///
    /// The status to answer; it has been logged.
    pub fn admin(&self, headers: &HeaderMap, peer: impl Into<Peer>) -> Result<Admin, Status> {
        let peer = peer.into();
        let subject = self.inner.admin(headers);
        subject
            .map(|subject| Admin {
                key: subject.key,
                peer,
            })
            .map_err(|error| refuse_client(&error, peer))
    }
}

fn refuse_client(error: &AuthError, peer: Peer) -> Status {
    let hint = error.hint();
    tracing::info!(target: CONTROLLER, %peer, %error, hint, "client authentication failed");
    error.clone().into()
}

fn refuse_exporter(error: &AuthError, peer: Peer) -> Status {
    let hint = error.hint();
    tracing::info!(target: CONTROLLER, %peer, %error, hint, "exporter authentication failed");
    error.clone().into()
}

// === impl Inner ===

impl Inner {
    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn client(&self, headers: &HeaderMap, peer: Peer) -> Result<Caller<Client>, AuthError> {
        let identity = self.identify(metadata::bearer(headers)?).await?;
        let key = self.key::<Client>(headers, &identity)?;
        let object = match self.lab.client(&key) {
            Some(client) => client,
            None => self.provision(&key, &identity).await?,
        };
        self.caller(identity, object, peer)
    }

    async fn exporter(
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

    fn exporter_by_token(&self, headers: &HeaderMap) -> Result<Key, AuthError> {
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
        // One that was moved here may have come from another namespace.
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

    fn admin(&self, headers: &HeaderMap) -> Result<Subject, AuthError> {
        let token = metadata::bearer(headers)?;
        let claims = self.tokens.verify(&token)?;
        claims.admin().ok_or(AuthError::NotAdmin)
    }

    /// Whose token it is. Each issuer decides on its own tokens and on no others.
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

    /// Whether an outsider could be taken for one of us.
    fn is_reserved(&self, username: &str) -> bool {
        let rules = self.rules();
        let prefix = &rules.prefix;
        let rest = username.strip_prefix(prefix.as_str());
        rest.is_some_and(|rest| !prefix.is_empty() || rest.parse::<Subject>().is_ok())
    }

    /// The object that the caller wants to act as.
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

    /// The client of an external user who comes for the first time. Other callers choose their names
    /// freely, and must not get whatever they name.
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
            // Somebody else has just made it; whose it is will be seen.
            Err(LabError::Exists { .. }) => {
                self.lab.client(key).ok_or_else(|| not_found::<Client>(key))
            }
            Err(source) => Err(AuthError::Provision {
                key: key.clone(),
                source,
            }),
        }
    }

    fn caller<T: Actor>(
        &self,
        identity: Identity,
        object: Arc<T>,
        peer: Peer,
    ) -> Result<Caller<T>, AuthError> {
        let (username, is_his) = match identity {
            Identity::Internal(claims) => {
                let username = format!("{}{}", self.rules().prefix, claims.subject);
                let is_his = object.username() == Some(&username)
                    || subjects(&*object).any(|subject| subject == claims.subject);
                (username, is_his)
            }
            Identity::Outside { username } => {
                let is_his = object.username() == Some(&username);
                (username, is_his)
            }
        };
        if !is_his {
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

fn not_found<T: Actor>(key: &Key) -> AuthError {
    AuthError::NotFound {
        kind: T::WORD,
        key: key.clone(),
    }
}

/// The subjects of tokens that belong to an object: ours, and those of where it came from.
fn subjects<T: Actor>(object: &T) -> impl Iterator<Item = String> {
    let key = object.key();
    let ours = Subject {
        kind: T::KIND,
        key: key.clone(),
        uid: object.uid().to_string(),
    };
    let theirs = object.migrated().map(|migrated| {
        let namespace = migrated.namespace.as_ref().unwrap_or(&key.namespace);
        Subject {
            kind: T::KIND,
            key: Key::new(namespace, &key.name),
            uid: migrated.uid.clone().unwrap_or_else(|| ours.uid.clone()),
        }
    });
    let theirs = theirs.map(|subject| subject.to_string());
    std::iter::once(ours.to_string()).chain(theirs)
}

// === impl Actor ===

impl Actor for Client {
    const WORD: &'static str = "client";
    const HEADER: &'static str = "Client";
    const KIND: CredentialKind = CredentialKind::Client;

    fn key(&self) -> &Key {
        &self.key
    }
    fn uid(&self) -> Uid {
        self.uid
    }
    fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }
    fn migrated(&self) -> Option<&Migrated> {
        self.migrated.as_ref()
    }
}

impl Actor for Exporter {
    const WORD: &'static str = "exporter";
    const HEADER: &'static str = "Exporter";
    const KIND: CredentialKind = CredentialKind::Exporter;

    fn key(&self) -> &Key {
        &self.key
    }
    fn uid(&self) -> Uid {
        self.uid
    }
    fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }
    fn migrated(&self) -> Option<&Migrated> {
        self.migrated.as_ref()
    }
}
