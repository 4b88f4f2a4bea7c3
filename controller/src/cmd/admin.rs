//! The way from a command to the controller: the socket in the data folder, or TLS with a token, or,
//! while no controller runs, the data itself.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use jumpstarter_client::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::Failure;
use crate::admin::types::{About, Problem};
use crate::admin::{Api, BASE, Offline};
use crate::cli::Target;
use crate::config::{Config, Folder};
use crate::serve::Installation;

mod remote;

use remote::Remote;

/// The controller that a command works on.
pub(super) struct Admin {
    way: Way,
    /// The namespace of the command, or the default one.
    namespace: String,
}

enum Way {
    Socket(Folder),
    Offline(Box<Installation>, axum::Router),
    Remote(Remote),
}

/// The body of requests without a body.
pub(super) const NOTHING: Option<&()> = None;

// === impl Admin ===

impl Admin {
    /// Finds the controller of a target. `namespace` is from the command line.
    pub(super) async fn find(target: &Target, namespace: Option<&str>) -> Result<Self, Failure> {
        let (way, usual) = match &target.server {
            Some(server) => {
                let remote = Remote::new(server, target)?;
                (Way::Remote(remote), None)
            }
            None => {
                let (config, folder) = target.find()?;
                let usual = config.namespace.clone();
                (Way::local(config, folder).await?, Some(usual))
            }
        };
        let mut admin = Self {
            way,
            namespace: String::new(),
        };
        admin.namespace = match (namespace, usual) {
            (Some(namespace), _) => namespace.to_owned(),
            (None, Some(usual)) => usual,
            (None, None) => admin.about().await?.namespace,
        };
        Ok(admin)
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Asks the controller about itself.
    pub(super) async fn about(&self) -> Result<About, Failure> {
        self.call(Method::GET, "/about", NOTHING).await
    }

    /// Sends a request for a path in the namespace.
    pub(super) async fn ask<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, Failure> {
        let path = format!("/namespaces/{}{path}", segment(&self.namespace)?);
        self.call(method, &path, body).await
    }

    /// Sends a request.
    pub(super) async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, Failure> {
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(Failure::error)?,
            None => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header(HOST, "controller")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(Failure::error)?;
        let (status, body) = self.way.send(request).await?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                Failure::Error(format!("the controller answered strangely: {error}"))
            });
        }
        let text = || String::from_utf8_lossy(&body).trim().to_owned();
        Err(Failure::Error(
            match serde_json::from_slice::<Problem>(&body) {
                Ok(Problem { reason, message }) => {
                    format!("Error from server ({reason}): {message}")
                }
                Err(_) => format!("Server error: {status}: {}", text()),
            },
        ))
    }

    /// Closes the data folder, if the command worked on it directly.
    pub(super) async fn close(self) {
        if let Way::Offline(installation, router) = self.way {
            drop(router);
            installation.close().await;
        }
    }
}

/// Checks that a name is a single segment of a path; anything else cannot be a name.
pub(super) fn segment(name: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if name.is_empty() || !name.chars().all(plain) || name.chars().all(|c| c == '.') {
        return Err(Failure::Error(format!("`{name}` cannot be a name")));
    }
    Ok(name)
}

// === impl Way ===

impl Way {
    async fn local(config: Config, folder: Folder) -> Result<Self, Failure> {
        if UnixStream::connect(folder.socket()).await.is_ok() {
            return Ok(Self::Socket(folder));
        }
        if !folder.database().exists() {
            let path = folder.path().display();
            return Err(Failure::Error(format!(
                "there is no controller in `{path}`; make one with `jmp-controller init`, or name \
                 its folder with `--data-dir`"
            )));
        }
        let failed = |error: io::Error| {
            Failure::Error(format!("cannot use `{}`: {error}", folder.path().display()))
        };
        let Some(lock) = folder.lock().map_err(failed)? else {
            return Err(Failure::Error(format!(
                "the controller of `{}` is starting or stopping; try again",
                folder.path().display()
            )));
        };
        let installation = Installation::open(config, folder, lock)
            .await
            .map_err(Failure::error)?;
        let router = Api::new(&installation, None).router();
        Ok(Self::Offline(Box::new(installation), router))
    }

    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(http::StatusCode, Bytes), Failure> {
        let lost = |error: &dyn std::fmt::Display| {
            Failure::Error(format!("the controller did not answer: {error}"))
        };
        match self {
            Self::Offline(_, router) => {
                request.extensions_mut().insert(Offline);
                let answer = match router.clone().oneshot(request.map(Body::new)).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                let status = answer.status();
                let body = answer.into_body().collect().await;
                Ok((status, body.map_err(|error| lost(&error))?.to_bytes()))
            }
            Self::Socket(folder) => {
                let stream = UnixStream::connect(folder.socket()).await;
                let stream = stream.map_err(|error| lost(&error))?;
                exchange(stream, request).await
            }
            Self::Remote(remote) => {
                let token = format!("Bearer {}", remote.token.expose());
                let mut token = HeaderValue::try_from(token).map_err(|error| lost(&error))?;
                token.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, token);
                let host = HeaderValue::try_from(&remote.host).map_err(|error| lost(&error))?;
                request.headers_mut().insert(HOST, host);
                let stream = remote.connect().await?;
                exchange(stream, request).await
            }
        }
    }
}

/// Sends one request on a connection of its own.
async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(http::StatusCode, Bytes), Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let lost =
        |error: hyper::Error| Failure::Error(format!("the controller did not answer: {error}"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(lost)?;
    let ask = async {
        let answer = sender.send_request(request).await.map_err(lost)?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(lost)?;
        Ok((status, body.to_bytes()))
    };
    tokio::pin!(ask, connection);
    tokio::select! {
        answer = &mut ask => answer,
        // The connection may have ended right after the complete answer.
        _ = &mut connection => ask.await,
    }
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Reads a file that contains only a token.
fn token(path: &std::path::Path) -> Result<Secret<String>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Error(format!("cannot read `{}`: {error}", path.display())))?;
    Ok(Secret::new(text.trim().to_owned()))
}
