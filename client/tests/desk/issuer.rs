//! A login service and an identity provider, over TLS.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fake::Certificate;
use crate::program::Program;

#[derive(Default)]
struct Inside {
    url: String,
    /// Answers of the token endpoint, in order; then it is out of ideas.
    tokens: VecDeque<(u16, Value)>,
    device: Option<Value>,
    /// What the provider says about itself besides the truth.
    said: Vec<(&'static str, String)>,
    /// Refresh tokens are taken once; the others are told from the first one.
    once: bool,
    taken: Vec<String>,
    config: Option<(u16, String)>,
    /// Forms that came, as they came.
    forms: Vec<String>,
}

pub struct Issuer {
    pub url: String,
    pub host: String,
    inside: Arc<Mutex<Inside>>,
    folder: TempDir,
    tasks: JoinSet<()>,
}

// === impl Issuer ===

impl Issuer {
    pub async fn new() -> Self {
        Self::listening(true).await
    }

    /// Without TLS, on this machine.
    pub async fn plain() -> Self {
        Self::listening(false).await
    }

    async fn listening(encrypted: bool) -> Self {
        let certificate = Certificate::issued("localhost");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &certificate.authority).unwrap();
        let mut tls = certificate.config();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
        // At every address of this machine, of which some are not known as such.
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let scheme = if encrypted { "https" } else { "http" };
        let url = format!("{scheme}://{host}");
        let inside = Arc::new(Mutex::new(Inside {
            url: url.clone(),
            ..Inside::default()
        }));
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&inside);
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, &shared));
                    let http = http1::Builder::new();
                    if !encrypted {
                        http.serve_connection(TokioIo::new(stream), service)
                            .await
                            .ok();
                    } else if let Ok(stream) = acceptor.accept(stream).await {
                        http.serve_connection(TokioIo::new(stream), service)
                            .await
                            .ok();
                    }
                });
            }
        });
        Self {
            url,
            host,
            inside,
            folder,
            tasks,
        }
    }

    /// Lets a program trust it.
    pub fn trusted_by(&self, program: Program) -> Program {
        program.env("SSL_CERT_FILE", self.ca())
    }

    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What the token endpoint answers next.
    pub fn answers(&self, status: u16, body: Value) {
        self.inside.lock().unwrap().tokens.push_back((status, body));
    }

    /// What the device endpoint answers; without it there is none.
    pub fn device(&self, body: Value) {
        self.inside.lock().unwrap().device = Some(body);
    }

    /// What the provider says about itself, instead of the truth.
    pub fn says(&self, key: &'static str, value: &str) {
        let mut inside = self.inside.lock().unwrap();
        inside.said.push((key, value.to_owned()));
    }

    /// From now on a refresh token gives new tokens once, and nothing the second time.
    pub fn takes_refresh_tokens_once(&self) {
        self.inside.lock().unwrap().once = true;
    }

    /// What the login service answers.
    pub fn config(&self, status: u16, body: &str) {
        self.inside.lock().unwrap().config = Some((status, body.to_owned()));
    }

    /// The forms that came since the last time.
    pub fn forms(&self) -> Vec<String> {
        std::mem::take(&mut self.inside.lock().unwrap().forms)
    }
}

async fn answer(
    request: Request<Incoming>,
    inside: &Mutex<Inside>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let form = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let mut inside = inside.lock().unwrap();
    let url = inside.url.clone();
    if head.method == Method::POST {
        inside.forms.push(String::from_utf8(form.to_vec()).unwrap());
    }
    let found = |body: Value| (200, body.to_string());
    let (status, body) = match head.uri.path() {
        // As after a move.
        "/.well-known/openid-configuration" => {
            let response = Response::builder().status(302).header("location", "/moved");
            return Ok(response.body(Full::default()).unwrap());
        }
        "/moved" => {
            let mut endpoints = json!({
                "issuer": url, "token_endpoint": format!("{url}/token"),
                "authorization_endpoint": format!("{url}/auth"),
            });
            if inside.device.is_some() {
                endpoints["device_authorization_endpoint"] = json!(format!("{url}/device"));
            }
            for (key, value) in &inside.said {
                endpoints[*key] = json!(value);
            }
            found(endpoints)
        }
        "/v1/auth/config" => inside.config.clone().unwrap_or((404, String::new())),
        "/device" => found(inside.device.clone().unwrap_or_default()),
        "/token" if inside.once => {
            let form = inside.forms.last().cloned().unwrap_or_default();
            let given = form
                .split('&')
                .find_map(|it| it.strip_prefix("refresh_token="));
            let given = given.unwrap_or_default().to_owned();
            if inside.taken.contains(&given) {
                (400, json!({"error": "invalid_grant"}).to_string())
            } else {
                inside.taken.push(given);
                let number = inside.taken.len();
                let access =
                    super::token(json!({"iss": url, "exp": 4_000_000_000_u64, "jti": number}));
                let tokens = json!({"access_token": access, "refresh_token": format!("r{number}")});
                found(tokens)
            }
        }
        "/token" => {
            let next = inside.tokens.pop_front();
            let (status, body) = next.unwrap_or((500, json!("no more answers")));
            (status, body.to_string())
        }
        _ => (404, String::new()),
    };
    let response = Response::builder().status(status).body(Full::from(body));
    Ok(response.unwrap())
}
