//! Stories of callers, good and bad, on a real database and with real keys.

#![allow(clippy::unwrap_used)]

mod imports;
mod logs;
mod outside;
mod steps;
mod tokens;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use jumpstarter_client::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Code, Status};

use super::*;
use crate::lab::{Lab, NewClient, NewExporter, Running};
use crate::model::{Client, Credential, Exporter, Key, Labels, Migrated, Time, Uid};
use crate::store::Store;

const ADMIN: &str = "admin:test";
const HOUR: Duration = Duration::from_secs(60 * 60);
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)), 5000);

/// A lab with its authenticator.
struct House {
    lab: Lab,
    keys: Keys,
    tokens: Tokens,
    issuers: Issuers,
    authenticator: Authenticator,
    _running: Running,
    _folder: TempDir,
}

fn key(name: &str) -> Key {
    Key::new("lab", name)
}

/// The headers of a call.
fn call(kind: &str, name: &str, token: &Secret<String>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {}", token.expose());
    for (key, value) in [
        ("authorization", bearer.as_str()),
        ("jumpstarter-kind", kind),
        ("jumpstarter-namespace", "lab"),
        ("jumpstarter-name", name),
    ] {
        headers.insert(key, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn told<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), status.message().to_owned())
}

fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A token with any header and claims, signed with any key.
fn forge(
    header: &Value,
    claims: &Value,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> Secret<String> {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    Secret::new(format!("{message}.{signature}"))
}

fn now() -> i64 {
    Time::now().0 / 1_000_000
}

// === impl House ===

impl House {
    async fn new() -> Self {
        Self::with(Rules::default()).await
    }

    async fn with(rules: Rules) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("lab.db")).unwrap();
        let (lab, running) = Lab::open(store).await.unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let tokens = Tokens::new(keys.clone(), TokenRules::default(), lab.clone());
        let issuers = Issuers::default();
        let authenticator = Authenticator::new(lab.clone(), tokens.clone(), issuers.clone(), rules);
        Self {
            lab,
            keys,
            tokens,
            issuers,
            authenticator,
            _running: running,
            _folder: folder,
        }
    }

    async fn client(&self, name: &str) -> Arc<Client> {
        self.client_of(name, None, None).await
    }

    async fn client_of(
        &self,
        name: &str,
        username: Option<&str>,
        migrated: Option<Migrated>,
    ) -> Arc<Client> {
        let new = NewClient {
            key: key(name),
            labels: Labels::new(),
            username: username.map(str::to_owned),
            migrated,
            provisioned: false,
        };
        self.lab.create_client(new, ADMIN).await.unwrap()
    }

    async fn exporter(&self, name: &str) -> Arc<Exporter> {
        let new = NewExporter {
            key: key(name),
            labels: Labels::new(),
            username: None,
            migrated: None,
        };
        self.lab.create_exporter(new, ADMIN).await.unwrap()
    }

    async fn keep(&self, credential: Credential, grace: Option<Duration>) {
        let of = key("somebody");
        let kept = self.lab.keep_credential(credential, of, grace, ADMIN);
        kept.await.unwrap();
    }

    /// A token for a client that the lab knows of.
    async fn token(&self, client: &Client) -> Secret<String> {
        let (token, credential) = self.tokens.for_client(client, HOUR).unwrap();
        self.keep(credential, None).await;
        token
    }

    /// The claims of our own tokens, to be changed by tests.
    fn claims(&self, client: &Client) -> Value {
        json!({
            "iss": "https://localhost:8085",
            "aud": ["jumpstarter"],
            "sub": Subject::client(client).to_string(),
            "iat": now(),
            "exp": now() + 3600,
            "jti": "7d6c6e58-58e2-4f0e-bd1b-2d2a1f6b0a11",
        })
    }

    /// Signed with our own key.
    fn sign(&self, claims: &Value) -> Secret<String> {
        let ring = self.keys.ring();
        let key = ring.signing().unwrap();
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": key.id});
        forge(&header, claims, &key.signing, Algorithm::ES256)
    }

    /// How a client with this token is answered.
    async fn hears(&self, name: &str, token: &Secret<String>) -> (Code, String) {
        told(
            self.authenticator
                .client(&call("Client", name, token), PEER)
                .await,
        )
    }

    async fn lets_in(&self, name: &str, token: &Secret<String>) -> Caller<Client> {
        let headers = call("Client", name, token);
        self.authenticator.client(&headers, PEER).await.unwrap()
    }
}
