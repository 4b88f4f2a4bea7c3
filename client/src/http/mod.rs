//! A small HTTP client, for login services and identity providers.
//!
//! One connection per request: a login takes a handful of them, seconds apart.

mod form;
mod target;

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::connect::{ConnectError, Tls, UplinkError, Web};
pub(crate) use form::{encode, field};
use target::Target;

/// How long a request may take, redirections included.
const PATIENCE: Duration = Duration::from_secs(30);

/// More redirections than this lead nowhere.
const REDIRECTIONS: usize = 10;

/// The largest answer that is read.
const LARGEST: usize = 4 << 20;

/// How many letters of an answer are shown when it is not what was hoped for.
const EXCERPT: usize = 300;

const AGENT: &str = concat!("jumpstarter/", env!("CARGO_PKG_VERSION"));

/// Makes requests; whom it trusts is decided once.
pub(crate) struct Http {
    web: Web,
    /// Whether secrets may be sent to anybody in the clear.
    careless: bool,
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
    /// Whoever listens on the way would read passwords and tokens.
    #[error(
        "`{url}` is not encrypted: passwords and tokens would travel in the clear. Use an https:// \
         address, or, only for testing, --insecure-tls (`tls: {{insecure: true}}` in the \
         configuration file)"
    )]
    Unencrypted { url: String },
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

// === impl Http ===

impl Http {
    /// Loads the certificates to trust.
    ///
    /// Who trusts anybody does not insist on encryption either.
    pub(crate) fn new(tls: &Tls) -> Result<Self, ConnectError> {
        Ok(Self {
            web: Web::new(tls)?,
            careless: matches!(tls, Tls::Unverified),
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

    /// Refuses a URL without encryption, unless it leads to this very machine.
    pub(crate) fn check(&self, url: &str) -> Result<(), HttpError> {
        self.admit(&Target::parse(url)?)
    }

    fn admit(&self, target: &Target) -> Result<(), HttpError> {
        if target.encrypted || self.careless || target.is_here() {
            return Ok(());
        }
        Err(HttpError::Unencrypted {
            url: target.to_string(),
        })
    }

    async fn ask(
        &self,
        target: &Target,
        method: Method,
        form: Option<String>,
    ) -> Result<Response<Bytes>, HttpError> {
        self.admit(target)?;
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

    /// How the body begins, for people.
    pub(crate) fn text(&self) -> String {
        excerpt(&String::from_utf8_lossy(&self.body))
    }
}

/// How a text of a server begins: enough to see what it is, and no more than a screen can bear.
pub(crate) fn excerpt(text: &str) -> String {
    let mut letters = text.trim().chars();
    let mut out: String = letters.by_ref().take(EXCERPT).collect();
    if letters.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(excerpt(" short\n"), "short");
        let whole = "ü".repeat(EXCERPT);
        assert_eq!(excerpt(&whole), whole);
        assert_eq!(excerpt(&"ü".repeat(EXCERPT + 1)), format!("{whole}…"));
    }
}
