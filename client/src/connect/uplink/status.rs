//! Whatever goes wrong on the way to a peer, as a status.
//!
//! Generated clients turn what a channel fails with into statuses of their own: UNKNOWN if the
//! connection broke, INTERNAL if HTTP/2 did, CANCELLED if the deadline passed. For whoever decides
//! about trying again these are all the same, and not the same as the peer's own answers.

use std::error::Error;

use tonic::{Status, TimeoutExpired};

use super::UplinkError;

/// Why a request was not answered.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Status {
    let mut innermost = error;
    loop {
        if let Some(error) = innermost.downcast_ref::<UplinkError>() {
            return Status::unavailable(error.to_string());
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

    #[test]
    fn the_peers_own_words_stay_as_they_are() {
        let status = plainly(Status::unknown("empty lease name"));
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unknown, "empty lease name")
        );
    }

    #[test]
    fn a_broken_connection_is_unavailable_whatever_the_library_calls_it() {
        let broken = io::Error::from(io::ErrorKind::ConnectionReset);
        let status = plainly(Status::from_error(broken.into()));
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.message(), "the connection broke: connection reset");
    }
}
