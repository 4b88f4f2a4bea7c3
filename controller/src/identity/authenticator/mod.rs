//! From the headers of a call to the object of the lab that its caller may act as.
//!
//! Programs rely on the order of these steps, and on their codes and texts:
//!
//! ```text
//!  header ─► token ─► namespace, kind ─► name ─► kind fits ─► object (made, if need be) ─► is the caller's
//! ```
//!
//! A failure is logged here, once, with the address of the peer and without the token.

mod actor;
mod steps;

use std::sync::{Arc, RwLock};

use http::HeaderMap;
use tonic::Status;

use self::actor::Actor;
use super::issuers::{IssuersError, JwtConfig};
use super::metadata;
use super::peer::CONTROLLER;
use super::{Admin, Anyone, AuthError, Caller, Issuers, Peer, Tokens};
use crate::lab::Lab;
use crate::model::{Client, Exporter, Key};

/// What the configuration says about callers.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Put before the subject of an internal token to make its username.
    pub prefix: String,
    /// The namespaces in which a client is made for an external user who has none.
    pub provisioning: Vec<String>,
}

/// Tells who calls; cheap to clone.
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
    /// An authenticator that looks callers up in `lab`.
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

    /// Replaces the issuers and the rules.
    ///
    /// Has to be called in a runtime, since it starts to fetch the issuers' keys.
    ///
    /// # Errors
    ///
    /// All mistakes in the issuers; then nothing has changed.
    pub fn configure(&self, issuers: &[JwtConfig], rules: Rules) -> Result<(), IssuersError> {
        let ours = self.inner.tokens.issuer();
        self.inner.issuers.replace(issuers, &[ours])?;
        let mut kept = self.inner.rules.write();
        *kept
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = Arc::new(rules);
        Ok(())
    }

    /// The caller of a method for clients. The headers are the `metadata().as_ref()` of a request.
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

    /// The caller of a method for exporters.
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

    /// The caller of a method for both: an exporter if the headers say so, else a client.
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

    /// The exporter whose token this is, for methods whose headers name no object.
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

    /// Whether these headers carry a valid token of ours, whatever it allows. No issuer is asked and
    /// nothing is logged: this runs before the call itself is looked at.
    pub fn recognizes(&self, headers: &HeaderMap) -> bool {
        let token = metadata::bearer(headers);
        token.is_ok_and(|token| self.inner.tokens.verify(&token).is_ok())
    }

    /// The administrator who calls; the token alone names them.
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
