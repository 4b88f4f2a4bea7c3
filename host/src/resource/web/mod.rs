//! Presigned requests: data that comes from a web server, or goes to one.
//!
//! ```text
//!   take ─► Url ─► dial (TCP, TLS) ─► Exchange (HTTP/1) ─┬─ download ─► driver
//!             ▲                          │               └─ upload ◄── driver
//!             └───────── redirect ◄──────┘
//! ```
//!
//! The client has signed the URL and its headers for a request of its own, and the signature often
//! covers the very spelling. So the URL is used byte for byte, and redirects are followed by hand.
//! What the signature allows is a secret: query and user names never reach a log or an error.

mod body;
mod dial;
mod download;
mod error;
mod exchange;
mod headers;
mod progress;
mod source;
mod upload;
mod url;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;

use crate::plugin::{CallError, Code};

use super::handle::Method;
use super::{Direction, Options, Transfer};
use dial::Dialer;
use error::{Trouble, WebError};
use headers::Headers;
use url::Url;

/// How long requests may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A transfer as a whole.
    pub total: Duration,
    /// One connection, from the look-up of the name to the end of the TLS handshake.
    pub connect: Duration,
    /// Silence of the server while it is its turn.
    pub stall: Duration,
}

/// The web, as far as presigned requests need it.
#[derive(Debug)]
pub(super) struct Web {
    dialer: Dialer,
    limits: Limits,
}

/// A request as the client has signed it.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(7200),
            connect: Duration::from_secs(30),
            stall: Duration::from_secs(300),
        }
    }
}

// === impl Web ===

impl Web {
    pub(super) fn new(options: &Options) -> Self {
        let roots: Option<Arc<RootCertStore>> = options.roots.clone();
        Self {
            dialer: Dialer::new(roots, options.limits.connect),
            limits: options.limits.clone(),
        }
    }

    /// Makes a request. A download has begun when this returns, an upload has a connection.
    pub(super) async fn request(
        self: &Arc<Self>,
        request: Request,
        direction: Direction,
    ) -> Result<Transfer, CallError> {
        let Request {
            method,
            url,
            headers,
        } = request;
        let wrong = |text: String| CallError::new(Code::InvalidArgument, text);
        let fits = match method {
            Method::Get => direction != Direction::Write,
            Method::Put => direction != Direction::Read,
        };
        if !fits {
            let does = match method {
                Method::Get => "brings data, and this method sends some; pass one with PUT",
                Method::Put => "takes data, and this method wants some; pass one with GET",
            };
            return Err(wrong(format!("a presigned {method} request {does}")));
        }
        let url = Url::parse(&url)
            .map_err(|reason| wrong(format!("the url of the resource handle {reason}")))?;
        let headers = Headers::new(&headers)
            .map_err(|reason| wrong(format!("the headers of the resource handle: {reason}")))?;
        let web = Arc::clone(self);
        match method {
            Method::Get => web.download(url, headers).await,
            Method::Put => web.upload(url, headers, direction).await,
        }
    }
}
