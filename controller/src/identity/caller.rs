//! The authenticated caller of a method.

use std::sync::Arc;

use tonic::Status;

use super::peer::CONTROLLER;
use super::{AuthError, Peer};
use crate::model::{Client, Exporter, Key};

/// A caller who may act as an object of the lab: a client or an exporter.
#[derive(Debug)]
pub struct Caller<T> {
    /// The object as it was when the call came.
    pub object: Arc<T>,
    /// The authenticated username: `internal:client:lab:alice:…`, `dex:alice`.
    pub username: String,
    /// The address it calls from.
    pub peer: Peer,
}

/// The caller of a method that both clients and exporters call.
#[derive(Clone, Debug)]
pub enum Anyone {
    Client(Caller<Client>),
    Exporter(Caller<Exporter>),
}

/// A caller who may administer the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The name of the token, and the namespace it was made in.
    pub key: Key,
    /// The address it calls from.
    pub peer: Peer,
}

// === impl Caller ===

impl<T> Clone for Caller<T> {
    fn clone(&self) -> Self {
        Self {
            object: Arc::clone(&self.object),
            username: self.username.clone(),
            peer: self.peer,
        }
    }
}

impl Caller<Client> {
    /// Checks that a resource of the request is in the caller's own namespace; logs it if not.
    ///
    /// # Errors
    ///
    /// The status to answer.
    pub fn in_namespace(&self, namespace: &str) -> Result<(), Status> {
        let key = &self.object.key;
        if key.namespace == namespace {
            return Ok(());
        }
        let error = AuthError::Namespace;
        tracing::info!(
            target: CONTROLLER,
            peer = %self.peer, client = %key.name, %error,
            "client authentication failed"
        );
        Err(error.into())
    }
}
