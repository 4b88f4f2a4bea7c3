//! A small HTTP client, for login services and identity providers.
//!
//! One connection per request: a login takes a handful of them, seconds apart.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connect::{ConnectError, Tls, UplinkError, Web};

/// How long a request may take, redirections included.
const PATIENCE: Duration = Duration::from_secs(30);

/// More redirections than this lead nowhere.
const REDIRECTIONS: usize = 10;

/// The largest answer that is read.
const LARGEST: usize = 4 << 20;

const AGENT: &str = concat!("jumpstarter/", env!("CARGO_PKG_VERSION"));

/// Makes requests; whom it trusts is decided once.
pub(crate) struct Http {
    web: Web,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum HttpError {
    /// The URL cannot be asked.
    #[error("`{url}` is no URL that can be asked: {why}")]
    Url { url: String, why: &'static str },
    /// No connection.
    #[error(transparent)]
    Connect(#[from] UplinkError),
    /// The answer does not come.
    #[error("no answer within {}s", PATIENCE.as_secs())]
    TimedOut,
    /// The connection broke, or what came is no HTTP.
    #[error("{0}")]
    Broken(String),
    /// Too many redirections.
    #[error("more than {REDIRECTIONS} redirections")]
    Redirections,
}

/// A URL taken apart.
#[derive(Debug)]
struct Target {
    encrypted: bool,
    name: String,
    port: u16,
    uri: Uri,
}

// === impl Http ===

impl Http {
    /// Loads the certificates to trust.
    pub(crate) fn new(tls: &Tls) -> Result<Self, ConnectError> {
        Ok(Self {
            web: Web::new(tls)?,
        })
    }

    /// Asks for a document, wherever it has moved to.
    pub(crate) async fn get(&self, url: &str) -> Result<Answer, HttpError> {
        let asked = async {
            let mut target = Target::parse(url)?;
            for _ in 0..REDIRECTIONS {
                let response = self.ask(&target, Method::GET, None).await?;
                match response.headers().get(LOCATION) {
                    Some(next) if response.status().is_redirection() => {
                        target = target.follow(next.to_str().unwrap_or_default())?;
                    }
                    _ => return Ok(answer(response)),
                }
            }
            Err(HttpError::Redirections)
        };
        timeout(PATIENCE, asked)
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    /// Sends a form.
    pub(crate) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, HttpError> {
        let asked = async {
            let target = Target::parse(url)?;
            let body = encode(form);
            Ok(answer(self.ask(&target, Method::POST, Some(body)).await?))
        };
        timeout(PATIENCE, asked)
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    async fn ask(
        &self,
        target: &Target,
        method: Method,
        form: Option<String>,
    ) -> Result<Response<Bytes>, HttpError> {
        let broken = |error: &dyn std::error::Error| HttpError::Broken(innermost(error));
        let opened = self
            .web
            .open(&target.name, target.port, target.encrypted)
            .await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(opened))
            .await
            .map_err(|error| broken(&error))?;
        // Ends with this function at the latest.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(target.path())
            .header(HOST, target.authority())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT);
        if form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(form.unwrap_or_default()));
        let request = request.body(body).map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await;
        let (head, body) = response.map_err(|error| broken(&error))?.into_parts();
        let body = Limited::new(body, LARGEST).collect().await;
        let body = body.map_err(|error| HttpError::Broken(error.to_string()))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

fn answer(response: Response<Bytes>) -> Answer {
    Answer {
        status: response.status(),
        body: response.into_body(),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

// === impl Answer ===

impl Answer {
    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }

    /// The body as text, for people.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

// === impl Target ===

impl Target {
    fn parse(url: &str) -> Result<Self, HttpError> {
        let refuse = |why| HttpError::Url {
            url: url.to_owned(),
            why,
        };
        let uri: Uri = url.trim().parse().map_err(|_| refuse("it is malformed"))?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refuse("it begins neither with https:// nor with http://")),
        };
        let name = uri.host().unwrap_or_default();
        let name = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if name.is_empty() {
            return Err(refuse("there is no host in it"));
        }
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        Ok(Self {
            encrypted,
            name,
            port,
            uri,
        })
    }

    /// Where a redirection leads. It never leads out of encryption.
    fn follow(&self, location: &str) -> Result<Self, HttpError> {
        let scheme = if self.encrypted { "https" } else { "http" };
        let next = if location.contains("://") {
            Self::parse(location)?
        } else if let Some(rest) = location.strip_prefix("//") {
            Self::parse(&format!("{scheme}://{rest}"))?
        } else if location.starts_with('/') {
            Self::parse(&format!("{scheme}://{}{location}", self.authority()))?
        } else {
            let folder = self
                .uri
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            Self::parse(&format!(
                "{scheme}://{}{folder}/{location}",
                self.authority()
            ))?
        };
        if self.encrypted && !next.encrypted {
            return Err(HttpError::Url {
                url: location.to_owned(),
                why: "it would lead from https to http",
            });
        }
        Ok(next)
    }

    fn authority(&self) -> &str {
        // A user name in a URL is not the host's concern.
        let authority = self.uri.authority().map_or("", |it| it.as_str());
        authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host)
    }

    fn path(&self) -> &str {
        match self.uri.path_and_query().map(|it| it.as_str()) {
            None | Some("") => "/",
            Some(path) => path,
        }
    }
}

/// Fields of a form, or of a query.
pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    let fields = form
        .iter()
        .map(|(key, value)| format!("{}={}", escape(key), escape(value)));
    fields.collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The value of a field of a query.
pub(crate) fn field(query: &str, key: &str) -> Option<String> {
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    let (_, value) = fields.find(|(name, _)| unescape(name) == key)?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |byte: u8| (byte as char).to_digit(16);
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let pair = (ahead.next().and_then(hex), ahead.next().and_then(hex));
                if let (Some(high), Some(low)) = pair {
                    // Two digits of base sixteen fit into a byte.
                    out.push((high * 16 + low) as u8);
                    bytes = ahead;
                } else {
                    out.push(byte);
                }
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn redirections_are_followed_but_not_into_the_open() {
        let start = Target::parse("https://me@a.lab:8443/x/y?z=1").unwrap();
        assert_eq!(
            (start.authority(), start.path()),
            ("a.lab:8443", "/x/y?z=1")
        );
        for (location, expected) in [
            ("https://b/c", "https://b/c"),
            ("//b/c", "https://b/c"),
            ("/c?d", "https://a.lab:8443/c?d"),
            ("c", "https://a.lab:8443/x/c"),
        ] {
            assert_eq!(start.follow(location).unwrap().uri.to_string(), expected);
        }
        assert!(start.follow("http://b/c").is_err());
        assert_eq!(Target::parse("https://[::1]/").unwrap().name, "::1");
        assert_eq!(Target::parse("http://a").unwrap().port, 80);
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["", "a.lab", "ftp://a", "https://", "https:// a/"] {
            assert!(
                matches!(Target::parse(url), Err(HttpError::Url { .. })),
                "{url}"
            );
        }
    }

    proptest! {
        #[test]
        fn every_field_comes_back(key in "\\PC{1,8}", value in "\\PC{0,12}") {
            let query = encode(&[("first", "x"), (&key, &value)]);
            prop_assert!(query.is_ascii());
            if key != "first" {
                prop_assert_eq!(field(&query, &key), Some(value));
            }
        }

        #[test]
        fn no_query_is_a_surprise(query in "[a-c%=&+0-9]{0,20}") {
            field(&query, "a");
        }
    }
}
