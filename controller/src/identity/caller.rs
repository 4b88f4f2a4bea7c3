//! Who calls, when that is known.

use std::sync::Arc;

use tonic::Status;

use super::peer::CONTROLLER;
use super::{AuthError, Peer};
use crate::model::{Client, Exporter, Key};

/// Somebody who may act as an object of the lab.
#[derive(Debug)]
pub struct Caller<T> {
    /// As it was when the call came.
    pub object: Arc<T>,
    /// As whom he proved himself: `internal:client:lab:alice:…`, `dex:alice`.
    pub username: String,
    /// Where from.
    pub peer: Peer,
}

/// A caller of a method that is for both kinds.
#[derive(Clone, Debug)]
pub enum Anyone {
    /// A client.
    Client(Caller<Client>),
    /// An exporter.
    Exporter(Caller<Exporter>),
}

/// Somebody who may administer the lab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The name of the token, and the namespace it was made in.
    pub key: Key,
    /// Where from.
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
    /// That a resource he names is in his own namespace; the failure is logged.
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
