//! Errors of the library as sentences for users, in the words of the reference.

use tonic::{Code, Status};

use super::Failure;
use crate::connect::ConnectError;
use crate::device::{OpenError, code_name};
use crate::lease::AskError;

/// Why there is no connection.
pub(crate) fn unreachable(error: &ConnectError) -> String {
    match error {
        // Nothing was sent yet.
        ConnectError::Roots(_) | ConnectError::Passphrase(_) => error.to_string(),
        _ => format!("Exporter did not respond to initial connection (Caused by: {error})"),
    }
}

/// Why there is no session.
pub(crate) fn unopened(error: &OpenError) -> String {
    match error {
        OpenError::Connection(error) => unreachable(error),
        OpenError::NoAnswer(status) => format!(
            "Exporter did not respond to initial connection (Caused by: {})",
            details(status)
        ),
        OpenError::Unauthenticated(status) | OpenError::Refused(status) => raw(status),
        error => error.to_string(),
    }
}

/// What the controller answered to a client's call.
///
/// An expired token is a failure of its own, because it is the one that a new login heals.
pub(crate) fn refused(status: &Status) -> Failure {
    let text = status.message();
    let sentence = match status.code() {
        Code::Unavailable => format!("grpc error: {text}"),
        Code::Unknown => format!("grpc controller responded: {text}"),
        Code::Unauthenticated => format!(
            "grpc error (Caused by: {}: {text}). Run 'jmp login' to get a new token.",
            code_name(Code::Unauthenticated)
        ),
        code => format!("grpc error (Caused by: {}: {text})", code_name(code)),
    };
    if sentence.contains("token is expired") {
        Failure::TokenExpired(sentence)
    } else {
        Failure::Error(sentence)
    }
}

/// What the controller did not do, and why.
pub(crate) fn unasked(error: &AskError) -> Failure {
    match error {
        AskError::Refused(status) => refused(status),
        AskError::Unclear { .. } => Failure::Error(format!("grpc error: {error}")),
        AskError::Answer(_) => Failure::Error(error.to_string()),
    }
}

/// A status that no other sentence covers.
pub(crate) fn raw(status: &Status) -> String {
    let sentence = match status.code() {
        Code::DeadlineExceeded => {
            "Operation timed out while waiting for a response from the service."
        }
        Code::Unavailable => {
            "Service is temporarily unavailable or unreachable. Verify endpoint/network and retry."
        }
        Code::Unauthenticated | Code::PermissionDenied => {
            "Authentication or authorization failed. Verify the passphrase and access permissions."
        }
        Code::InvalidArgument => {
            "Invalid request arguments were sent to the service. \
             Verify command options and configuration."
        }
        Code::FailedPrecondition => {
            "A precondition for the requested operation was not met. Check resource state and retry."
        }
        code => {
            return format!("gRPC {}: {}", code_name(code), details(status));
        }
    };
    match status.message() {
        "" => sentence.to_owned(),
        text => format!("{sentence} Details: {text}"),
    }
}

fn details(status: &Status) -> &str {
    match status.message() {
        "" => code_name(status.code()),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_that_was_refused() {
        let status = Status::unauthenticated("invalid or missing passphrase");
        assert_eq!(
            unopened(&OpenError::Unauthenticated(Box::new(status))),
            "Authentication or authorization failed. Verify the passphrase and access \
             permissions. Details: invalid or missing passphrase"
        );
    }

    #[test]
    fn only_an_expired_token_asks_for_a_login() {
        let expired = Status::unauthenticated("invalid token: token is expired by 3s");
        assert!(matches!(refused(&expired), Failure::TokenExpired(_)));
        let shown = |status| match refused(&status) {
            Failure::Error(text) => text,
            other => panic!("{other:?}"),
        };
        assert_eq!(shown(Status::unavailable("gone")), "grpc error: gone");
        assert_eq!(
            shown(Status::unknown("the lease has expired")),
            "grpc controller responded: the lease has expired"
        );
        // Exporters ask for a passphrase, controllers never do.
        assert_eq!(
            shown(Status::unauthenticated("invalid token: signature")),
            "grpc error (Caused by: UNAUTHENTICATED: invalid token: signature). Run 'jmp login' \
             to get a new token."
        );
        assert_eq!(
            shown(Status::not_found("no lease")),
            "grpc error (Caused by: NOT_FOUND: no lease)"
        );
    }

    #[test]
    fn an_exporter_that_went_away() {
        let status = Box::new(Status::unavailable("tcp connect error"));
        assert_eq!(
            unopened(&OpenError::NoAnswer(status)),
            "Exporter did not respond to initial connection (Caused by: tcp connect error)"
        );
    }
}
