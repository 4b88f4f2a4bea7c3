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

fn reason(status: &Status) -> &str {
    match status.message() {
        "" => crate::device::code_name(status.code()),
        text => text,
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
