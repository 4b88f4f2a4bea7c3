//! A call to a driver, from finding the driver to giving up on it.
//!
//! A call ends when the driver answers, when the client's time is up, or when the session closes.
//! When the client goes away the whole future is dropped, which tells the driver.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;
use tonic::Status;

use crate::plugin::{CallError, Code};
use crate::session::{Session, Visitor};
use crate::stream::Trouble;
use crate::tree::{Driver, Kind};

use super::errors::{self, LookupError};
use super::operation::Operation;

/// What a client asked for.
pub(super) struct Request {
    pub(super) uuid: String,
    pub(super) method: String,
    pub(super) args: Vec<Bytes>,
    pub(super) deadline: Option<Instant>,
}

/// Why a call that reached its driver has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The driver said so.
    #[error(transparent)]
    Driver(CallError),
    /// The client's time is up.
    #[error("the time the client gave is up")]
    TooLate,
    /// The session closes.
    #[error("the exporter is stopping")]
    Closing,
    /// A byte stream did not end well.
    #[error(transparent)]
    Stream(Trouble),
}

// === impl Request ===

impl Request {
    /// The driver, if it may be called and has a method of this name and kind.
    pub(super) fn driver(&self, visitor: &Visitor, kind: Kind) -> Result<Arc<Driver>, Status> {
        visitor.admitted()?;
        let uuid = errors::parse_uuid(&self.uuid)?;
        let driver = visitor
            .session()
            .driver(&uuid)
            .ok_or(LookupError::Unknown(uuid))?;
        driver.method(&self.method, kind)?;
        Ok(Arc::clone(driver))
    }
}

/// Calls the method and waits for its result.
pub(super) async fn unary(visitor: &Visitor, request: Request) -> Result<Bytes, Status> {
    let driver = request.driver(visitor, Kind::Call)?;
    let Request {
        method,
        args,
        deadline,
        ..
    } = request;
    let mut operation = Operation::start(driver, method);
    let call = operation.driver().call(operation.method(), &args, deadline);
    match within(visitor.session(), deadline, call).await {
        Ok(result) => {
            operation.completed();
            Ok(result)
        }
        Err(failure) => {
            operation.failed(&failure);
            Err(failure.into())
        }
    }
}

/// Waits for the driver as long as anybody is interested.
pub(super) async fn within<T>(
    session: &Session,
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, Failure> {
    let expired = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        // An answer that is there counts, however late.
        biased;
        answer = work => answer.map_err(Failure::Driver),
        () = session.given_up() => Err(Failure::Closing),
        () = expired => Err(Failure::TooLate),
    }
}

// === impl Failure ===

impl Failure {
    /// The kind of failure, for those who count them.
    pub(super) fn category(&self) -> &'static str {
        match self {
            Self::TooLate => "timeout",
            Self::Closing | Self::Stream(Trouble::Gone) => "connection_error",
            Self::Stream(Trouble::Driver(_)) => "device_error",
            Self::Stream(Trouble::Frame(_)) => "validation_error",
            Self::Stream(Trouble::Ours(_)) => "internal_error",
            Self::Driver(error) => match error.code {
                Code::Unimplemented | Code::NotFound => "not_implemented",
                Code::InvalidArgument => "validation_error",
                Code::DeadlineExceeded => "timeout",
                Code::Unavailable => "connection_error",
                Code::PermissionDenied => "device_error",
                _ => "internal_error",
            },
        }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => error.into(),
            Failure::TooLate => errors::too_late(),
            Failure::Closing => errors::closing(),
            Failure::Stream(trouble) => trouble.into(),
        }
    }
}
