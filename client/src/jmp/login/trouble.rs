//! What went wrong with a login service or an issuer, in the words of the reference.

use std::io::ErrorKind;

use crate::connect::{ReachError, UplinkError};
use crate::http::HttpError;
use crate::oidc::OidcError;
use crate::ui::Failure;

/// What stands between us and the login service at `endpoint`.
pub(super) fn service(endpoint: &str, error: &HttpError) -> Failure {
    Failure::Error(match kind(error) {
        Kind::Certificate => format!(
            "TLS certificate verification failed while connecting to {endpoint}. Verify the \
             endpoint certificate, or use --insecure-tls / -k only for testing."
        ),
        Kind::Tls => format!("TLS handshake failed while connecting to {endpoint}: {error}"),
        Kind::TimedOut => format!(
            "Timed out while connecting to {endpoint}. Check network connectivity and retry."
        ),
        Kind::Unresolved | Kind::Refused | Kind::Other => {
            format!("Failed to fetch auth config from {endpoint}: {error}")
        }
    })
}

/// What stands between us and an issuer.
pub(super) fn failure(error: &OidcError) -> Failure {
    Failure::Error(sentence(error))
}

/// The same as a sentence.
pub(in crate::jmp) fn sentence(error: &OidcError) -> String {
    let OidcError::Http(http) = error else {
        return error.to_string();
    };
    match kind(http) {
        Kind::Certificate => "TLS certificate validation failed. Verify the endpoint certificate \
                              chain or configure the correct CA certificate. Use insecure TLS \
                              only for testing."
            .to_owned(),
        Kind::TimedOut => "Operation timed out. Check connectivity and retry. If this happened \
                           while flashing, verify the board is reachable/in flashing mode and \
                           increase retries or timeout."
            .to_owned(),
        Kind::Unresolved => format!(
            "Could not resolve host name. Check the endpoint DNS name and network settings. \
             Details: {error}"
        ),
        Kind::Refused => format!(
            "Connection was refused by the remote endpoint. Verify endpoint/port and that the \
             service is running. Details: {error}"
        ),
        Kind::Tls | Kind::Other => error.to_string(),
    }
}

enum Kind {
    Certificate,
    Tls,
    TimedOut,
    Unresolved,
    Refused,
    Other,
}

fn kind(error: &HttpError) -> Kind {
    match error {
        HttpError::TimedOut => Kind::TimedOut,
        HttpError::Connect(uplink) => match uplink {
            UplinkError::Certificate { .. } => Kind::Certificate,
            UplinkError::NotTls { .. } | UplinkError::Tls { .. } => Kind::Tls,
            UplinkError::Silent { .. } => Kind::TimedOut,
            UplinkError::NotTcp { .. } => Kind::Other,
            UplinkError::Reach(reach) => match reach {
                ReachError::Unresolved { .. } => Kind::Unresolved,
                ReachError::SlowResolver { .. } | ReachError::Silent { .. } => Kind::TimedOut,
                ReachError::Failed { failures, .. } => {
                    let refused = |it: &std::io::Error| it.kind() == ErrorKind::ConnectionRefused;
                    if failures.iter().any(|(_, error)| refused(error)) {
                        Kind::Refused
                    } else {
                        Kind::Other
                    }
                }
            },
        },
        HttpError::Url { .. }
        | HttpError::Unencrypted { .. }
        | HttpError::Broken(_)
        | HttpError::Redirections => Kind::Other,
    }
}
