//! Asking a controller for what only administrators may.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::access::Afar;
use super::views::{About, Problem};
use crate::Secret;
use crate::connect::Web;
use crate::http::excerpt;
use crate::ui::Failure;

/// The first part of all paths.
const BASE: &str = "/admin/v1";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read: thousands of exporters with all their devices.
const LARGEST: usize = 256 << 20;

/// For requests without anything in them.
pub(super) const NOTHING: Option<&()> = None;

/// A controller that lets us in.
pub(super) struct Admin {
    way: Way,
    namespace: String,
}

enum Way {
    Socket(PathBuf),
    Afar(Box<Server>),
}

struct Server {
    name: String,
    port: u16,
    web: Web,
    token: Secret<String>,
}

// === impl Admin ===

impl Admin {
    /// The controller that works in this folder.
    pub(super) async fn near(folder: &Path, namespace: Option<String>) -> Result<Self, Failure> {
        let socket = folder.join("admin.sock");
        if let Err(error) = UnixStream::connect(&socket).await {
            let why = match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => format!(
                    "no controller runs in `{}`; start it with `jmp-controller run`, or name another \
                     with --data-dir or --server",
                    folder.display()
                ),
                std::io::ErrorKind::PermissionDenied => format!(
                    "`{}` belongs to somebody else; be that user or root, or come with --server and \
                     --token-file",
                    folder.display()
                ),
                _ => format!("cannot reach `{}`: {error}", socket.display()),
            };
            return Err(Failure::Error(why));
        }
        Self::at(Way::Socket(socket), namespace).await
    }

    /// A controller elsewhere.
    pub(super) async fn afar(afar: Afar, namespace: Option<String>) -> Result<Self, Failure> {
        let Afar { server, tls, token } = afar;
        let wrong = || {
            Failure::Error(format!(
                "`{server}` is no place of a controller; write `https://host:port`"
            ))
        };
        let authority = match server.split_once("://") {
            Some(("https", rest)) => rest.trim_end_matches('/'),
            Some(_) => return Err(wrong()),
            None => server.as_str(),
        };
        let (name, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
        let server = Server {
            name: name.trim_matches(['[', ']']).to_owned(),
            port: port.parse().map_err(|_| wrong())?,
            web: Web::new(&tls).map_err(|error| Failure::Error(error.to_string()))?,
            token,
        };
        Self::at(Way::Afar(Box::new(server)), namespace).await
    }

    async fn at(way: Way, namespace: Option<String>) -> Result<Self, Failure> {
        let mut admin = Self {
            way,
            namespace: String::new(),
        };
        admin.namespace = match namespace {
            Some(namespace) => namespace,
            None => {
                let About { namespace } = admin.call(Method::GET, "/about", NOTHING).await?;
                namespace
            }
        };
        Ok(admin)
    }

    /// The namespace that commands are about.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Asks for something in the namespace.
    pub(super) async fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, Failure> {
        let path = format!("/namespaces/{}{path}", segment(&self.namespace)?);
        self.call(method, &path, body).await
    }

    async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, Failure> {
        let strange = |error: &dyn std::fmt::Display| {
            Failure::Error(format!("the controller answered strangely: {error}"))
        };
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(|error| strange(&error))?,
            None => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| strange(&error))?;
        let answer = timeout(PATIENCE, self.send(request)).await;
        let (status, body) = answer.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(Failure::Error(format!(
                "the controller did not answer within {seconds}s"
            )))
        })?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| strange(&error));
        }
        Err(Failure::Error(match serde_json::from_slice(&body) {
            Ok(Problem { reason, message }) => format!("Error from server ({reason}): {message}"),
            Err(_) => {
                let text = String::from_utf8_lossy(&body);
                format!("Server error: {status}: {}", excerpt(&text))
            }
        }))
    }

    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let lost = |error: &dyn std::fmt::Display| Failure::Error(error.to_string());
        match &self.way {
            Way::Socket(path) => {
                let headers = request.headers_mut();
                headers.insert(HOST, HeaderValue::from_static("controller"));
                let stream = UnixStream::connect(path).await;
                exchange(stream.map_err(|error| lost(&error))?, request).await
            }
            Way::Afar(server) => {
                let Server {
                    name, port, token, ..
                } = &**server;
                let bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()));
                let mut bearer = bearer.map_err(|_| lost(&"the token is no token"))?;
                bearer.set_sensitive(true);
                let host = HeaderValue::try_from(format!("{name}:{port}"));
                let headers = request.headers_mut();
                headers.insert(AUTHORIZATION, bearer);
                headers.insert(HOST, host.map_err(|error| lost(&error))?);
                let stream = server.web.open(name, *port, true).await;
                exchange(stream.map_err(|error| lost(&error))?, request).await
            }
        }
    }
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Something that is one part of a path. Names cannot be anything else, so this is a name.
pub(super) fn segment(name: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if name.is_empty() || !name.chars().all(plain) || name.chars().all(|c| c == '.') {
        return Err(Failure::Error(format!("`{name}` cannot be a name")));
    }
    Ok(name)
}

/// One request on a connection of its own.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let lost =
        |error: &dyn std::fmt::Display| Failure::Error(format!("the controller hung up: {error}"));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| lost(&error))?;
    // Ends with this function at the latest.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let answer = sender.send_request(request).await;
    let (head, body) = answer.map_err(|error| lost(&error))?.into_parts();
    let body = Limited::new(body, LARGEST).collect().await;
    let body = body.map_err(|error| lost(&error))?;
    Ok((head.status, body.to_bytes()))
}
