//! A driver, as the services call it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use crate::plugin::{ByteStream, CallError, Code, Instance, ValueStream};

use super::{Kind, methods::Methods};

/// A driver or group of an open tree.
#[derive(Debug)]
pub struct Driver {
    /// Its uuid in the report.
    pub uuid: Uuid,
    /// Its dotted path from the root; empty for the root.
    pub name: String,
    /// The last part of its type, for example `MockPower`.
    pub class: String,
    /// Its type.
    pub type_name: String,
    /// `power`, `storage`, … `other`.
    pub category: String,
    pub(super) instance: Option<Instance>,
    pub(super) methods: Arc<Methods>,
}

// === impl Driver ===

impl Driver {
    /// Whether the driver has a method of this name and kind, in the words that clients know.
    ///
    /// # Errors
    ///
    /// It has none. A driver that does not say what methods it has is asked when it is called.
    pub fn method(&self, name: &str, kind: Kind) -> Result<(), CallError> {
        self.methods.check(name, kind)
    }

    /// Calls a method.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub async fn call(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<Bytes, CallError> {
        self.instance(method)?.call(method, args, deadline).await
    }

    /// Calls a method that answers with a stream of values.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub async fn stream(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<ValueStream, CallError> {
        self.instance(method)?.stream(method, args, deadline).await
    }

    /// Opens a byte stream.
    ///
    /// # Errors
    ///
    /// Those of the driver.
    pub async fn connect(
        &self,
        method: &str,
        args: &[Bytes],
        deadline: Option<Instant>,
    ) -> Result<ByteStream, CallError> {
        self.instance(method)?.bytes(method, args, deadline).await
    }

    fn instance(&self, method: &str) -> Result<&Instance, CallError> {
        self.instance.as_ref().ok_or_else(|| no_such(method))
    }
}

pub(super) fn no_such(method: &str) -> CallError {
    CallError::new(
        Code::NotFound,
        format!("method {method} not found on driver"),
    )
}

/// The last part of a type.
pub(super) fn class_of(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap_or(type_name)
}
