//! Why a call to a driver gave no result.

use thiserror::Error;
use tonic::{Code, Status};

use crate::connect::status_of;

/// Why a call to a driver gave no result.
///
/// The texts are those of the Python client, because scripts look for them.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The exporter does not take calls now: a hook runs, or the lease has ended.
    #[error("{0}")]
    NotReady(Answer),
    /// The driver has no such method, or not of this kind.
    #[error("{0}")]
    NotImplemented(Answer),
    /// The driver did not like the arguments.
    #[error("{0}")]
    InvalidArgument(Answer),
    /// Everything else.
    #[error("{0}")]
    Failed(Answer),
    /// An argument is nothing that can be sent.
    #[error("argument {position} of `{method}` cannot be sent: {source}")]
    Argument {
        /// The method called.
        method: String,
        /// Which argument, from 1.
        position: usize,
        /// Why not.
        source: jumpstarter_value::Error,
    },
    /// The result is not of the type asked for.
    #[error("`{method}` returned something unexpected: {source}")]
    Result {
        /// The method called.
        method: String,
        /// What was unexpected.
        source: jumpstarter_value::Error,
    },
}

/// What the exporter answered instead of a result.
#[derive(Debug)]
pub struct Answer {
    text: String,
    status: Box<Status>,
}

// === impl CallError ===

impl CallError {
    /// Sorts the status of a unary call.
    pub(super) fn from_call(method: &str, status: Status) -> Self {
        let status = status_of(status);
        let text = match status.code() {
            Code::FailedPrecondition => status.message().to_owned(),
            code => format!(
                "DriverCall '{method}' failed with gRPC {}: {}",
                code_name(code),
                details(&status)
            ),
        };
        let not_implemented = matches!(status.code(), Code::NotFound | Code::Unimplemented);
        Self::sort(text, status, not_implemented)
    }

    /// Sorts the status of a stream of results, whose texts are the details alone.
    pub(super) fn from_stream(status: Status) -> Self {
        let status = status_of(status);
        let text = details(&status).to_owned();
        let not_implemented = status.code() == Code::Unimplemented;
        Self::sort(text, status, not_implemented)
    }

    /// Sorts the status of a byte stream that was not opened.
    pub(super) fn from_connect(method: &str, status: Status) -> Self {
        let status = status_of(status);
        let text = match status.code() {
            Code::FailedPrecondition => status.message().to_owned(),
            code => format!(
                "stream '{method}' failed with gRPC {}: {}",
                code_name(code),
                details(&status)
            ),
        };
        let not_implemented = matches!(status.code(), Code::NotFound | Code::Unimplemented);
        Self::sort(text, status, not_implemented)
    }

    fn sort(text: String, status: Status, not_implemented: bool) -> Self {
        let code = status.code();
        let answer = Answer {
            text,
            status: Box::new(status),
        };
        match code {
            Code::FailedPrecondition => Self::NotReady(answer),
            Code::InvalidArgument => Self::InvalidArgument(answer),
            _ if not_implemented => Self::NotImplemented(answer),
            _ => Self::Failed(answer),
        }
    }

    /// What the exporter answered, if the call got that far.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::NotReady(answer)
            | Self::NotImplemented(answer)
            | Self::InvalidArgument(answer)
            | Self::Failed(answer) => Some(&answer.status),
            Self::Argument { .. } | Self::Result { .. } => None,
        }
    }
}

// === impl Answer ===

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn details(status: &Status) -> &str {
    match status.message() {
        "" => "<no details>",
        text => text,
    }
}

/// The name of a status code as gRPC spells it: `NOT_FOUND`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_carry_method_code_and_details() {
        let error = CallError::from_call("on", Status::not_found("method on not found on driver"));
        assert!(matches!(error, CallError::NotImplemented(_)));
        assert_eq!(
            error.to_string(),
            "DriverCall 'on' failed with gRPC NOT_FOUND: method on not found on driver"
        );
        let error = CallError::from_call("on", Status::unknown(""));
        assert!(matches!(error, CallError::Failed(_)));
        assert_eq!(
            error.to_string(),
            "DriverCall 'on' failed with gRPC UNKNOWN: <no details>"
        );
    }

    #[test]
    fn an_exporter_that_is_not_ready_speaks_for_itself() {
        let status = Status::failed_precondition("Exporter not ready");
        let error = CallError::from_call("on", status);
        assert!(matches!(error, CallError::NotReady(_)));
        assert_eq!(error.to_string(), "Exporter not ready");
    }

    #[test]
    fn streams_carry_details_alone() {
        let error = CallError::from_stream(Status::invalid_argument("no such channel"));
        assert!(matches!(error, CallError::InvalidArgument(_)));
        assert_eq!(error.to_string(), "no such channel");
        let error = CallError::from_stream(Status::not_found("gone"));
        assert!(matches!(error, CallError::Failed(_)));
        assert_eq!(error.status().map(Status::code), Some(Code::NotFound));
    }
}
