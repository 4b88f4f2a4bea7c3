//! Refusals, as HTTP statuses with JSON.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::types::Problem;
use crate::identity::KeysError;
use crate::lab::LabError;

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: String,
}

/// The result of a handler.
pub(super) type Outcome<T> = Result<Json<T>, Refusal>;

// === impl Refusal ===

impl Refusal {
    pub(super) fn not_found(plural: &'static str, name: &str) -> Self {
        LabError::NotFound {
            plural,
            name: name.to_owned(),
        }
        .into()
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            reason: "Invalid",
            message: message.into(),
        }
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            reason: "Forbidden",
            message: message.into(),
        }
    }

    /// The sentence for people.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            reason: "InternalError",
            message: message.into(),
        }
    }
}

impl From<LabError> for Refusal {
    fn from(error: LabError) -> Self {
        let (status, reason) = match &error {
            LabError::NotFound { .. } => (StatusCode::NOT_FOUND, "NotFound"),
            LabError::Exists { .. } => (StatusCode::CONFLICT, "AlreadyExists"),
            LabError::Store(_) | LabError::Busy | LabError::Stopping => {
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
            }
            LabError::NotHolder { .. }
            | LabError::AlreadyReleased(_)
            | LabError::Ended
            | LabError::TooMany { .. }
            | LabError::Started => (StatusCode::CONFLICT, "Conflict"),
            LabError::NotOwner { .. } => (StatusCode::FORBIDDEN, "Forbidden"),
            LabError::Window(_)
            | LabError::Transfer(_)
            | LabError::Invalid(_)
            | LabError::Tags(_)
            | LabError::Policy(_) => (StatusCode::BAD_REQUEST, "Invalid"),
        };
        Self {
            status,
            reason,
            message: error.to_string(),
        }
    }
}

impl From<KeysError> for Refusal {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::NotRetired(_) | KeysError::Import { .. } => Self::invalid(error.to_string()),
            error => Self::internal(error.to_string()),
        }
    }
}

impl From<tonic::Status> for Refusal {
    fn from(status: tonic::Status) -> Self {
        let (code, reason) = match status.code() {
            tonic::Code::PermissionDenied => (StatusCode::FORBIDDEN, "Forbidden"),
            _ => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        };
        Self {
            status: code,
            reason,
            message: status.message().to_owned(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = Problem {
            reason: self.reason.to_owned(),
            message: self.message,
        };
        (self.status, Json(problem)).into_response()
    }
}

pub(super) async fn no_such_path() -> Refusal {
    Refusal {
        status: StatusCode::NOT_FOUND,
        reason: "NotFound",
        message: "there is no such path".to_owned(),
    }
}
