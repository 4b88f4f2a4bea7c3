//! The lab's refusals as gRPC statuses. Programs rely on many of the texts; most codes are UNKNOWN,
//! which clients show best.
//!
//! No text may say "expired": clients would log in again.

use std::error::Error as _;
use std::sync::Arc;

use jumpstarter_proto::selector::SelectorError;
use tonic::{Code, Status};

use crate::lab::LabError;

/// What an UNKNOWN status really is, for answers over HTTP. It is not sent to gRPC clients.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
struct Meant(Code);

impl From<LabError> for Status {
    fn from(error: LabError) -> Self {
        let text = error.to_string();
        match &error {
            LabError::NotHolder { .. } | LabError::AlreadyReleased(_) | LabError::Ended => {
                Status::failed_precondition(text)
            }
            LabError::Store(error) => {
                // The details are for administrators, and in the log.
                tracing::warn!(%error, "a call needs the database");
                Status::unavailable(
                    "the database is not available; try again, and look at the controller's log",
                )
            }
            LabError::Busy | LabError::Stopping => Status::unavailable(text),
            LabError::TooMany { .. } => Status::resource_exhausted(text),
            LabError::Tags(_) => Status::invalid_argument(text),
            LabError::NotFound { .. } => unknown(Code::NotFound, text),
            LabError::Exists { .. } => unknown(Code::AlreadyExists, text),
            LabError::NotOwner { .. } | LabError::Policy(_) => {
                unknown(Code::PermissionDenied, text)
            }
            LabError::Started => unknown(Code::FailedPrecondition, text),
            LabError::Window(_) | LabError::Transfer(_) | LabError::Invalid(_) => invalid(text),
        }
    }
}

/// An UNKNOWN status that really is `meant`.
pub(crate) fn unknown(meant: Code, text: impl Into<String>) -> Status {
    let mut status = Status::unknown(text);
    status.set_source(Arc::new(Meant(meant)));
    status
}

/// The code that a status really has, even if gRPC clients get UNKNOWN.
pub fn meant(status: &Status) -> Code {
    let meant = status.source().and_then(|source| source.downcast_ref());
    meant.map_or(status.code(), |Meant(code)| *code)
}

/// An invalid request.
pub(super) fn invalid(text: impl Into<String>) -> Status {
    unknown(Code::InvalidArgument, text)
}

/// An invalid selector.
pub(super) fn selector(error: &SelectorError) -> Status {
    invalid(format!("invalid selector: {error}"))
}

/// A missing object.
pub(super) fn not_found(plural: &str, name: &str) -> Status {
    let text = format!("{plural}.jumpstarter.dev \"{name}\" not found");
    unknown(Code::NotFound, text)
}
