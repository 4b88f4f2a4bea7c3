//! An identity provider: a web server with two documents.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::Signer;
use crate::identity::issuers::{ClaimMapping, ClaimMappings, ClaimRule, IssuerConfig, JwtConfig};
use crate::model::Time;

/// A provider that runs until this is dropped.
pub(in crate::identity) struct Provider {
    pub(in crate::identity) url: String,
    pub(super) ca: String,
    site: Arc<Mutex<Site>>,
    _server: JoinSet<()>,
}

/// What the web server serves, and how it misbehaves.
#[derive(Default)]
pub(super) struct Site {
    pub(super) issuer: String,
    pub(super) keys: Vec<Value>,
    /// Answers only errors.
    pub(super) down: bool,
    /// Whether the discovery document is at another URL.
    pub(super) moved: bool,
    /// Text to send in place of the key set.
    pub(super) nonsense: Option<String>,
    /// Redirects in circles.
    pub(super) circling: bool,
    /// Does not answer after the handshake.
    pub(super) silent: bool,
    /// How often the key set was asked for.
    pub(super) fetched: usize,
}

// === impl Provider ===

impl Provider {
    pub(in crate::identity) async fn new(signers: &[&Signer]) -> Self {
        let (ca, config) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}/dex",
            listener.local_addr().unwrap().port()
        );
        let site = Arc::new(Mutex::new(Site {
            issuer: url.clone(),
            keys: signers.iter().map(|signer| signer.published()).collect(),
            ..Site::default()
        }));
        let mut server = JoinSet::new();
        server.spawn(serve(
            listener,
            TlsAcceptor::from(config),
            Arc::clone(&site),
        ));
        Self {
            url,
            ca,
            site,
            _server: server,
        }
    }

    pub(super) fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
    }

    /// The configuration of an administrator for it.
    pub(in crate::identity) fn config(&self, claim: &str, prefix: &str) -> JwtConfig {
        JwtConfig {
            issuer: IssuerConfig {
                url: self.url.clone(),
                discovery_url: None,
                certificate_authority: Some(self.ca.clone()),
                audiences: vec!["jumpstarter".to_owned()],
                audience_match_policy: None,
            },
            claim_validation_rules: Vec::<ClaimRule>::new(),
            claim_mappings: ClaimMappings {
                username: ClaimMapping {
                    claim: Some(claim.to_owned()),
                    prefix: Some(prefix.to_owned()),
                    expression: None,
                },
                groups: None,
                uid: None,
                extra: Vec::new(),
            },
            user_validation_rules: Vec::new(),
        }
    }

    /// The claims of a token of this user.
    pub(in crate::identity) fn claims(&self, name: &str) -> Value {
        let now = Time::now().0 / 1_000_000;
        json!({
            "iss": self.url,
            "aud": ["jumpstarter", "other"],
            "sub": "CgVhbGljZQ",
            "name": name,
            "iat": now,
            "exp": now + 3600,
        })
    }
}

/// An authority, and a server with a certificate of it.
fn certificates() -> (String, Arc<ServerConfig>) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (authority.pem(), Arc::new(config))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, site: Arc<Mutex<Site>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(connection(stream, tls.clone(), Arc::clone(&site)));
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, site: Arc<Mutex<Site>>) {
    // Clients that do not trust us hang up.
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    if site.lock().unwrap().silent {
        std::future::pending::<()>().await;
    }
    let service = service_fn(|request| {
        let answer = site.lock().unwrap().answer(&request);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    connection.await.ok();
}

// === impl Site ===

impl Site {
    fn answer(&mut self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let plain = |status| Response::builder().status(status);
        let document = |json: Value| Response::new(Full::from(json.to_string()));
        match request.uri().path() {
            _ if self.down => {
                let answer = plain(StatusCode::SERVICE_UNAVAILABLE);
                answer.body(Full::default()).unwrap()
            }
            "/elsewhere" if self.circling => {
                let answer = plain(StatusCode::FOUND).header("location", "/elsewhere");
                answer.body(Full::default()).unwrap()
            }
            "/dex/.well-known/openid-configuration" if self.moved => {
                let answer = plain(StatusCode::FOUND).header("location", "/elsewhere");
                answer.body(Full::default()).unwrap()
            }
            "/dex/.well-known/openid-configuration" | "/elsewhere" => {
                let host = request.headers()["host"].to_str().unwrap();
                let keys = format!("https://{host}/keys");
                document(json!({"issuer": self.issuer, "jwks_uri": keys}))
            }
            "/keys" => {
                self.fetched += 1;
                if let Some(nonsense) = &self.nonsense {
                    return Response::new(Full::from(nonsense.clone()));
                }
                document(json!({"keys": self.keys}))
            }
            _ => plain(StatusCode::NOT_FOUND).body(Full::default()).unwrap(),
        }
    }
}
