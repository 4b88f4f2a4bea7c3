//! The results of a streaming call, one at a time.

use std::marker::PhantomData;

use bytes::Bytes;
use jumpstarter_proto::v1::StreamingDriverCallResponse;
use serde::de::DeserializeOwned;
use tonic::Streaming;

use super::CallError;

/// The results of a streaming call; dropping it ends the call.
#[derive(Debug)]
pub struct Items<T> {
    raw: RawItems,
    of: PhantomData<fn() -> T>,
}

/// The results of a streaming call, each an encoded `google.protobuf.Value`.
#[derive(Debug)]
pub struct RawItems {
    method: String,
    responses: Streaming<StreamingDriverCallResponse>,
}

// === impl Items ===

impl<T: DeserializeOwned> Items<T> {
    pub(super) fn new(raw: RawItems) -> Self {
        Self {
            raw,
            of: PhantomData,
        }
    }

    /// The next result, or none after the last.
    ///
    /// # Errors
    ///
    /// When the driver failed on the way, or the result is no `T`.
    pub async fn next(&mut self) -> Result<Option<T>, CallError> {
        match self.raw.next().await? {
            Some(item) => decode(&self.raw.method, &item).map(Some),
            None => Ok(None),
        }
    }
}

// === impl RawItems ===

impl RawItems {
    pub(super) fn new(method: &str, responses: Streaming<StreamingDriverCallResponse>) -> Self {
        Self {
            method: method.to_owned(),
            responses,
        }
    }

    /// The next result, or none after the last.
    ///
    /// # Errors
    ///
    /// When the driver failed on the way.
    pub async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        match self.responses.message().await {
            Ok(response) => Ok(response.map(|response| response.result)),
            Err(status) => Err(CallError::from_stream(status)),
        }
    }
}

pub(super) fn decode<T: DeserializeOwned>(method: &str, value: &[u8]) -> Result<T, CallError> {
    jumpstarter_value::from_slice(value).map_err(|source| CallError::Result {
        method: method.to_owned(),
        source,
    })
}
