//! How a driver says that something went wrong.

mod carried;

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind};

pub use jumpstarter_driver_abi::Code;

/// A result of driver code.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error with a [`Code`]; the client gets code and message unchanged.
///
/// `?` makes one of any [`std::error::Error`]. The code is then
///
/// * for an [`std::io::Error`] that was made of such an error, as readers and writers of a
///   [`Resource`](crate::Resource) do, and for errors caused by one: that of the error in it;
/// * for every other [`std::io::Error`]: [`DeadlineExceeded`](Code::DeadlineExceeded) if something timed out,
///   [`Unavailable`](Code::Unavailable) if a connection was refused or lost,
///   [`Internal`](Code::Internal) otherwise;
/// * for [`tokio::time::error::Elapsed`]: [`DeadlineExceeded`](Code::DeadlineExceeded);
/// * for everything else: [`Unknown`](Code::Unknown).
///
/// To make that possible it is not a [`std::error::Error`] itself.
///
/// The message is that of the error, followed by those of its sources unless they repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: String,
}

// === impl Error ===

impl Error {
    /// An error with a chosen code.
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }

    /// What kind of error it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What people read.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The same error, told from further up: `set_voltage(): no answer`.
    #[must_use]
    pub(crate) fn within(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $code:ident)*) => {
        impl Error {$(
            $(#[$doc])*
            pub fn $name(message: impl fmt::Display) -> Self {
                Self::new(Code::$code, message)
            }
        )*}
    };
}

constructors! {
    /// An argument or a configuration value is wrong.
    invalid_argument => InvalidArgument
    /// The method exists and this driver cannot do it.
    unimplemented => Unimplemented
    /// The device took too long.
    timeout => DeadlineExceeded
    /// The device cannot be reached.
    unavailable => Unavailable
    /// The operating system or the driver itself failed.
    internal => Internal
    /// There is no such method.
    not_found => NotFound
    /// The operating system does not allow it.
    permission_denied => PermissionDenied
    /// The driver is not in the state that the call needs.
    failed_precondition => FailedPrecondition
    /// The work was given up.
    cancelled => Cancelled
    /// Anything else.
    unknown => Unknown
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(code_of(&error), Chain(&error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.code, self.message)
    }
}

fn code_of(error: &(dyn StdError + 'static)) -> Code {
    if let Some(code) = carried::code(error) {
        code
    } else if let Some(error) = error.downcast_ref::<io::Error>() {
        code_of_kind(error.kind())
    } else if error.is::<tokio::time::error::Elapsed>() {
        Code::DeadlineExceeded
    } else {
        Code::Unknown
    }
}

fn code_of_kind(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::TimedOut => Code::DeadlineExceeded,
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::BrokenPipe
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown => Code::Unavailable,
        _ => Code::Internal,
    }
}

/// An error and its sources in one line.
struct Chain<'a>(&'a dyn StdError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        f.write_str(&told)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !told.contains(&text) {
                write!(f, ": {text}")?;
                told = text;
            }
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::{Code, Error};

    #[derive(Debug)]
    struct Outer(&'static str, io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.1)
        }
    }

    #[test]
    fn io_errors_are_sorted_by_kind() {
        let code = |kind| Error::from(io::Error::new(kind, "x")).code();
        assert_eq!(code(ErrorKind::TimedOut), Code::DeadlineExceeded);
        assert_eq!(code(ErrorKind::BrokenPipe), Code::Unavailable);
        assert_eq!(code(ErrorKind::ConnectionRefused), Code::Unavailable);
        assert_eq!(code(ErrorKind::NotFound), Code::Internal);
        assert_eq!(code(ErrorKind::PermissionDenied), Code::Internal);
    }

    #[test]
    fn other_errors_are_unknown_and_tell_their_sources_once() {
        let cause = || io::Error::new(ErrorKind::NotFound, "no such port");
        let error = Error::from(Outer("cannot open the supply", cause()));
        assert_eq!(
            error,
            Error::unknown("cannot open the supply: no such port")
        );
        let error = Error::from(Outer("cannot open: no such port", cause()));
        assert_eq!(error.message(), "cannot open: no such port");
    }
}
