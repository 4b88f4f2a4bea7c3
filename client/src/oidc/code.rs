//! The authorization code flow: the browser of this machine comes back to a port of ours.
//!
//! ```text
//! browser ─► provider: who are you? ─► redirect ─► http://localhost:PORT/callback?code=…&state=…
//! ```
//!
//! Who sees the code on its way back can do nothing with it: the provider was shown the hash of a
//! secret at first, and wants the secret with the code (RFC 7636). One that does not know this
//! overlooks both.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::provider::Refusal;
use super::{OidcError, Provider, Tokens};
use crate::Secret;
use crate::http::{encode, field};

/// Length of what tells our own login from somebody else's.
const STATE: usize = 30;

/// Length of the secret that goes with the code.
const VERIFIER: usize = 64;

/// More browsers than this do not wait for an answer at the same time.
const BROWSERS: usize = 16;

/// Where the browser comes back to.
pub(crate) struct Callback {
    v4: TcpListener,
    /// Some browsers try this address of `localhost` first; not every machine has it.
    v6: Option<TcpListener>,
    port: u16,
    state: String,
    verifier: Secret<String>,
}

/// Why the browser cannot come back to us.
#[derive(Debug, Error)]
pub(crate) enum CallbackError {
    /// The port cannot be had.
    #[error("Failed to start callback server on port {port}: {source}")]
    Port { port: u16, source: io::Error },
    /// The system has no randomness.
    #[error("the system has no randomness for a login")]
    Random,
}

/// What a browser brought.
type Brought = Result<Secret<String>, Refusal>;

// === impl Callback ===

impl Callback {
    /// Listens on `port` of this machine, or on any if it is 0.
    pub(crate) async fn listen(port: u16) -> Result<Self, CallbackError> {
        let refused = |source| CallbackError::Port { port, source };
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let v4 = v4.map_err(refused)?;
        let port = v4.local_addr().map_err(refused)?.port();
        let v6 = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await;
        Ok(Self {
            v4,
            v6: v6.ok(),
            port,
            state: random(STATE)?,
            verifier: Secret::new(random(VERIFIER)?),
        })
    }

    fn url(&self) -> String {
        format!("http://localhost:{}/callback", self.port)
    }

    /// What the provider is shown of the secret.
    fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose()))
    }

    /// Answers browsers until one of them brings a code, or a refusal.
    async fn code(&self) -> Brought {
        let (brought, mut inbox) = mpsc::channel(1);
        let brought = Arc::new(Mutex::new(Some(brought)));
        let state: Arc<str> = self.state.as_str().into();
        let mut browsers = JoinSet::new();
        let code = loop {
            tokio::select! {
                biased;
                Some(code) = inbox.recv() => break code,
                Some(_) = browsers.join_next() => {}
                stream = self.accept(), if browsers.len() < BROWSERS => {
                    let (state, brought) = (Arc::clone(&state), Arc::clone(&brought));
                    browsers.spawn(serve(stream, state, brought));
                }
            }
        };
        // It shall see that it worked before we are gone.
        let seen = async { while browsers.join_next().await.is_some() {} };
        tokio::time::timeout(std::time::Duration::from_secs(1), seen)
            .await
            .ok();
        code
    }

    /// The next browser; one that is gone already is not worth a word.
    async fn accept(&self) -> TcpStream {
        loop {
            let accepted = match &self.v6 {
                Some(v6) => tokio::select! {
                    accepted = self.v4.accept() => accepted,
                    accepted = v6.accept() => accepted,
                },
                None => self.v4.accept().await,
            };
            match accepted {
                Ok((stream, _)) => return stream,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    state: Arc<str>,
    brought: Arc<Mutex<Option<mpsc::Sender<Brought>>>>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (status, text, found) = answer(&request, &state);
        if let Some(found) = found {
            let sender = brought
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            // There is room for the one that is sent.
            drop(sender.map(|sender| sender.try_send(found)));
        }
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    // A browser that breaks off harms nobody; another may come.
    builder
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .ok();
}

fn answer(request: &Request<Incoming>, state: &str) -> (StatusCode, &'static str, Option<Brought>) {
    if request.uri().path() != "/callback" {
        return (StatusCode::NOT_FOUND, "Not found", None);
    }
    let query = request.uri().query().unwrap_or_default();
    if field(query, "state").as_deref() != Some(state) {
        let text = "This page does not belong to the login that is waiting here";
        return (StatusCode::BAD_REQUEST, text, None);
    }
    if let Some(error) = field(query, "error") {
        let error_description = field(query, "error_description");
        let refusal = Refusal {
            error,
            error_description,
        };
        return (
            StatusCode::OK,
            "Login failed, see the terminal",
            Some(Err(refusal)),
        );
    }
    match field(query, "code") {
        Some(code) => {
            let text = "Login successful, you can close this page";
            (StatusCode::OK, text, Some(Ok(Secret::new(code))))
        }
        None => (
            StatusCode::BAD_REQUEST,
            "There is no code in this address",
            None,
        ),
    }
}

/// Letters and digits that nobody can guess.
fn random(length: usize) -> Result<String, CallbackError> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // What is beyond the last whole multiple would make some letters likelier.
    const FAIR: u8 = 248;
    let source = aws_lc_rs::default_provider().secure_random;
    let mut out = String::with_capacity(length);
    while out.len() < length {
        let mut bytes = [0; 64];
        source.fill(&mut bytes).map_err(|_| CallbackError::Random)?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        out.extend(fair.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])));
    }
    out.truncate(length);
    Ok(out)
}

// === impl Provider ===

impl Provider {
    /// What to open in a browser.
    pub(crate) fn authorization_url(&self, callback: &Callback) -> Result<String, OidcError> {
        let endpoint = self.endpoints.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| OidcError::Answer {
            url: self.token_endpoint().to_owned(),
            why: "the provider has no `authorization_endpoint`".to_owned(),
        })?;
        // Before somebody logs in there, and not after.
        self.http.check(endpoint)?;
        self.http.check(self.token_endpoint())?;
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &callback.url()),
            ("scope", &self.scope),
            ("state", &callback.state),
            ("code_challenge", &callback.challenge()),
            ("code_challenge_method", "S256"),
        ]);
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{query}"))
    }

    /// Waits for the browser, however long that takes.
    pub(crate) async fn authorized(&self, callback: &Callback) -> Result<Tokens, OidcError> {
        let code = callback.code().await;
        let code = code.map_err(|refusal| OidcError::Refused(refusal.sentence(": ")))?;
        let url = callback.url();
        self.tokens(vec![
            ("grant_type", "authorization_code"),
            ("redirect_uri", &url),
            ("code", code.expose()),
            ("code_verifier", callback.verifier.expose()),
        ])
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn states_are_long_and_never_the_same() {
        let (one, other) = (random(STATE).unwrap(), random(STATE).unwrap());
        assert_eq!((one.len(), other.len()), (30, 30));
        assert_ne!(one, other);
        assert!(one.chars().all(|c| c.is_ascii_alphanumeric()));
    }

    #[tokio::test]
    async fn the_provider_is_shown_a_hash() {
        let mut callback = Callback::listen(0).await.unwrap();
        assert_eq!(callback.verifier.expose().len(), VERIFIER);
        // The example of RFC 7636.
        callback.verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(callback.challenge(), expected);
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let first = Callback::listen(0).await.unwrap();
        let error = Callback::listen(first.port)
            .await
            .err()
            .unwrap()
            .to_string();
        let expected = format!("Failed to start callback server on port {}: ", first.port);
        assert!(error.starts_with(&expected), "{error}");
    }
}
