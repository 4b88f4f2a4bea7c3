//! An [`Error`] on its way through code that knows [`io::Error`] only.
//!
//! ```text
//!   Error ──► io::Error ──► tokio::io::copy, BufReader, a compressor, ... ──► ? ──► the same Error
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind};

use super::{Code, Error};

/// What the [`io::Error`] holds.
#[derive(Debug)]
struct Carried(Error);

/// The code that an error, or one of those that caused it, carries.
pub(super) fn code(error: &(dyn StdError + 'static)) -> Option<Code> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(Carried(error)) = error.downcast_ref() {
            return Some(error.code);
        }
        // The source of an `io::Error` is that of the error in it: the latter would be left out.
        let held = error.downcast_ref().and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

fn kind(code: Code) -> ErrorKind {
    match code {
        Code::DeadlineExceeded => ErrorKind::TimedOut,
        Code::Unavailable | Code::Cancelled => ErrorKind::ConnectionAborted,
        Code::InvalidArgument => ErrorKind::InvalidInput,
        Code::NotFound => ErrorKind::NotFound,
        Code::PermissionDenied => ErrorKind::PermissionDenied,
        Code::Unimplemented => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    }
}

/// For readers and writers: `?` turns it back into the error that it was.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(kind(error.code), Carried(error))
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Carried {}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::{Code, Error};

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("cannot flash")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_survives_the_way_through_io() {
        for code in [Code::NotFound, Code::Cancelled, Code::FailedPrecondition] {
            let error = Error::new(code, "the client went away");
            let carried = io::Error::from(error.clone());
            assert_ne!(
                carried.kind(),
                ErrorKind::Interrupted,
                "that is tried again"
            );
            assert_eq!(Error::from(carried), error);
            let twice = io::Error::new(ErrorKind::BrokenPipe, io::Error::from(error.clone()));
            assert_eq!(Error::from(twice), error);
        }
    }

    #[test]
    fn an_error_around_it_adds_its_text_and_keeps_the_code() {
        let error = Error::from(Outer(Error::invalid_argument("not gzip").into()));
        assert_eq!(error, Error::invalid_argument("cannot flash: not gzip"));
        let error = Error::from(Outer(ErrorKind::TimedOut.into()));
        assert_eq!(error.code(), Code::Unknown);
    }
}
