//! Why a stream ended before its end.

use std::io;

use thiserror::Error;
use tonic::Status;

/// Why a stream ended before its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The exporter, the driver or the connection failed.
    #[error("the stream broke: {}", reason(.0))]
    Broken(Box<Status>),
    /// The exporter takes no more data; the reading side knows why.
    #[error("the exporter takes no more data")]
    Closed,
}

/// What exporters say whenever they are through with a stream, well or not; some go on with why.
const CLOSED: &str = "RouterStream: aclose";

/// Whether the status says no more than that the exporter is through.
pub(super) fn is_closing(status: &Status) -> bool {
    status.message() == CLOSED
}

fn reason(status: &Status) -> &str {
    let text = status.message();
    let why = text.strip_prefix(CLOSED);
    match why.and_then(|rest| rest.strip_prefix(": ")).unwrap_or(text) {
        "" => crate::device::code_name(status.code()),
        why => why,
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match error {
            StreamError::Broken(_) => io::ErrorKind::ConnectionReset,
            StreamError::Closed => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_helps() {
        for (text, shown) in [
            (
                "RouterStream: aclose: the cable is gone",
                "the cable is gone",
            ),
            ("RouterStream: aclose", "RouterStream: aclose"),
            ("the wire came off", "the wire came off"),
            ("", "ABORTED"),
        ] {
            let error = StreamError::Broken(Box::new(Status::aborted(text)));
            assert_eq!(error.to_string(), format!("the stream broke: {shown}"));
        }
    }
}
