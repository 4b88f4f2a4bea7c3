//! The address of a WebSocket, taken apart.

use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri, header::AUTHORIZATION};

use crate::escape::decoded;
use crate::peer::Peer;

/// What a URL asks for.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) peer: Peer,
    /// `wss`.
    pub(super) secure: bool,
    /// The request that makes a WebSocket of the connection. It has a fresh key: for one use.
    pub(super) request: Request,
}

/// Why there is nothing to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlError {
    #[error(
        "`{0}` is no address of a WebSocket; write ws://HOST:PORT/PATH or wss://HOST:PORT/PATH"
    )]
    Shape(String),
    #[error(
        "`{0}` is no address of a WebSocket: it begins with `{1}://` instead of ws:// or wss://"
    )]
    Scheme(String, String),
    #[error(
        "the user name and password in the URL of the WebSocket make no sense: write @, : and % as %40, %3A and %25"
    )]
    Credentials,
}

// === impl Target ===

impl Target {
    pub(super) fn of(url: &str) -> Result<Self, UrlError> {
        let shape = || UrlError::Shape(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| shape())?;
        let secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            Some(other) => return Err(UrlError::Scheme(url.to_owned(), other.to_owned())),
            None => return Err(shape()),
        };
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let host = uri.host().ok_or_else(shape)?;
        let port = place.strip_prefix(host).ok_or_else(shape)?;
        let port = match port.strip_prefix(':').unwrap_or(port) {
            "" if secure => 443,
            "" => 80,
            digits => digits.parse().map_err(|_| shape())?,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(shape());
        }
        let peer = Peer {
            host: host.to_owned(),
            port,
        };
        let login = match login {
            Some(login) => Some(basic(login).ok_or(UrlError::Credentials)?),
            None => None,
        };
        let mut request = uri.into_client_request().map_err(|_| shape())?;
        if let Some(login) = login {
            request.headers_mut().insert(AUTHORIZATION, login);
        }
        Ok(Self {
            peer,
            secure,
            request,
        })
    }
}

/// `user:password` as a header.
fn basic(login: &str) -> Option<HeaderValue> {
    let (user, password) = login.split_once(':')?;
    let plain = [decoded(user)?, vec![b':'], decoded(password)?].concat();
    let text = format!("Basic {}", data_encoding::BASE64.encode(&plain));
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::Target;

    #[test]
    fn ports_have_defaults() {
        for (url, host, port, secure) in [
            ("ws://lab/console", "lab", 80, false),
            ("wss://lab", "lab", 443, true),
            ("ws://lab:8080/?a=b", "lab", 8080, false),
            ("wss://[::1]:1/x", "::1", 1, true),
        ] {
            let target = Target::of(url).unwrap();
            assert_eq!(target.peer.host, host, "{url}");
            assert_eq!(target.peer.port, port, "{url}");
            assert_eq!(target.secure, secure, "{url}");
        }
    }

    #[test]
    fn a_login_becomes_a_header_and_leaves_the_host() {
        let target = Target::of("ws://me:p%40ss@lab:1/").unwrap();
        let headers = target.request.headers();
        assert_eq!(headers["host"], "lab:1");
        assert_eq!(headers["authorization"], "Basic bWU6cEBzcw==");
        assert!(!format!("{target:?}").contains("bWU6"));
        assert!(Target::of("ws://me:%zz@lab/").is_err());
        assert!(Target::of("ws://me@lab/").is_err());
    }

    #[test]
    fn anything_else_is_refused() {
        for (url, told) in [
            (
                "http://lab/",
                "`http://lab/` is no address of a WebSocket: it begins with `http://`",
            ),
            ("lab:80", "write ws://HOST:PORT/PATH"),
            ("", "write ws://HOST:PORT/PATH"),
            ("ws:///console", "write ws://HOST:PORT/PATH"),
            ("ws://[]/", "write ws://HOST:PORT/PATH"),
            ("ws://lab:port/", "write ws://HOST:PORT/PATH"),
        ] {
            let error = Target::of(url).unwrap_err().to_string();
            assert!(error.contains(told), "{url}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(url in "(ws|wss|)(://|:|)[\\[\\]@:%/?#a-z0-9.]{0,30}") {
            if let Ok(target) = Target::of(&url) {
                prop_assert!(!target.peer.host.is_empty());
            }
        }
    }
}
