//! Whatever goes wrong on the way to a peer, as a status.
//!
//! Generated clients turn what a channel fails with into statuses of their own: UNKNOWN if the
//! connection broke, INTERNAL if HTTP/2 did, CANCELLED if the deadline passed. For whoever decides
//! about trying again these are all the same, and not the same as the peer's own answers.

use std::error::Error;
use std::sync::Arc;

use thiserror::Error;
use tonic::{Status, TimeoutExpired};

use super::UplinkError;

/// There was no connection to send a request over, so nobody can have acted on it.
#[derive(Debug, Error)]
#[error("nothing was sent")]
struct Unsent;

/// Whether it is certain that the peer has never seen the request.
pub(crate) fn was_unsent(status: &Status) -> bool {
    status.source().is_some_and(|source| source.is::<Unsent>())
}

/// Why a request was not answered.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Status {
    let mut innermost = error;
    loop {
        if let Some(error) = innermost.downcast_ref::<UplinkError>() {
            let mut status = Status::unavailable(error.to_string());
            status.set_source(Arc::new(Unsent));
            return status;
        }
        if innermost.is::<TimeoutExpired>() {
            return Status::deadline_exceeded("no answer in time");
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => break,
        }
    }
    Status::unavailable(format!("the connection broke: {innermost}"))
}

/// Why an answer ended half-way, or what the peer itself said, which has no cause.
pub(crate) fn plainly(status: Status) -> Status {
    match status.source() {
        Some(cause) => explain(cause),
        None => status,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tonic::Code;

    use super::*;
    use crate::Host;

    #[test]
    fn the_peers_own_words_stay_as_they_are() {
        let status = plainly(Status::unknown("empty lease name"));
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unknown, "empty lease name")
        );
    }

    #[test]
    fn a_request_without_a_connection_was_not_sent() {
        let host = Host::parse("lab:1");
        let status = explain(&UplinkError::NotTls { host });
        assert!(was_unsent(&status), "{status:?}");
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(!was_unsent(&explain(&broken)));
        assert!(!was_unsent(&Status::unavailable("being restarted")));
    }

    #[test]
    fn a_broken_connection_is_unavailable_whatever_the_library_calls_it() {
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        let status = plainly(Status::from_error(broken.into()));
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "the connection broke: connection reset");
    }
}
