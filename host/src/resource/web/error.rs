//! What can go wrong on the web, in the words that clients know.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::plugin::{CallError, Code};

use super::super::handle::Method;
use super::MAX_REDIRECTS;
use super::url::Url;

/// A request that failed, and where.
#[derive(Debug)]
pub(super) struct WebError {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) trouble: Trouble,
}

/// What happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    Status {
        status: u16,
        reason: String,
    },
    /// Nothing could be said or heard; of the kind that the first field names.
    Stream(&'static str, String),
    /// It had begun, and did not end as it should.
    Interrupted(String),
    TimedOut(Duration),
    System(String),
    NoLocation,
    TooManyRedirects,
}

// === impl Trouble ===

impl Trouble {
    pub(super) fn at(self, method: Method, url: &Url) -> WebError {
        WebError {
            method,
            url: url.clone(),
            trouble: self,
        }
    }

    /// For passing through a reader.
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(Passing(self))
    }

    /// What has passed through a reader.
    pub(super) fn from_io(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?.downcast_ref::<Passing>()?;
        Some(inner.0.clone())
    }
}

/// A [`Trouble`] as an [`io::Error`] carries it.
#[derive(Debug)]
struct Passing(Trouble);

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Passing {}

// === impl WebError ===

impl fmt::Display for WebError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            url,
            trouble,
        } = self;
        let what = format_args!("Presigned HTTP {method}");
        match trouble {
            Trouble::Status { status, reason } => write!(
                f,
                "{what} request failed: status={status}, reason='{reason}', url={url}"
            ),
            Trouble::Stream(kind, why) => write!(
                f,
                "{what} stream failed (connection/read error) for {url}: {kind}: {why}"
            ),
            Trouble::Interrupted(why) => write!(f, "{what} stream interrupted for {url}: {why}"),
            Trouble::TimedOut(after) => write!(
                f,
                "{what} request timed out after {}s for {url}",
                after.as_secs_f64()
            ),
            Trouble::System(why) => {
                write!(f, "{what} stream failed with OS error for {url}: {why}")
            }
            Trouble::NoLocation => {
                write!(f, "{what} redirect missing Location header for {url}")
            }
            Trouble::TooManyRedirects => {
                write!(f, "Too many redirects ({MAX_REDIRECTS}) for {url}")
            }
        }
    }
}

impl From<WebError> for CallError {
    fn from(error: WebError) -> Self {
        let code = match error.trouble {
            Trouble::TimedOut(_) => Code::DeadlineExceeded,
            _ => Code::Unknown,
        };
        Self::new(code, error.to_string())
    }
}
