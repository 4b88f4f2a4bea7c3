//! Refusals of the lab as statuses. Programs know many of the texts; most codes are UNKNOWN, which is
//! what clients show best.
//!
//! No text may say "expired": clients would log in again.

use jumpstarter_proto::selector::SelectorError;
use tonic::{Code, Status};

use crate::lab::LabError;

impl From<LabError> for Status {
    fn from(error: LabError) -> Self {
        let code = match &error {
            LabError::NotHolder { .. } | LabError::AlreadyReleased(_) | LabError::Ended => {
                Code::FailedPrecondition
            }
            LabError::Store(_) | LabError::Stopping => Code::Unavailable,
            LabError::Invalid(text) if text.starts_with("invalid lease tags") => {
                Code::InvalidArgument
            }
            LabError::NotFound { .. }
            | LabError::Exists { .. }
            | LabError::NotOwner { .. }
            | LabError::Window(_)
            | LabError::Started
            | LabError::Transfer(_)
            | LabError::Invalid(_)
            | LabError::Policy(_) => Code::Unknown,
        };
        Status::new(code, error.to_string())
    }
}

/// A selector that cannot be read.
pub(super) fn selector(error: &SelectorError) -> Status {
    Status::unknown(format!("invalid selector: {error}"))
}
