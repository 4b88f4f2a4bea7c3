//! An identity provider, as small as one can be: OpenID discovery and its keys, tokens for passwords,
//! for tokens of others and for refresh tokens, signed with a key of its own, over TLS.
//!
//! ```text
//!  jmp login ── /.well-known/openid-configuration ─┐
//!            ── /token  grant_type=…  ─────────────┤  Issuer ── knows("alice", "secret")
//!  controller ─ /keys ─────────────────────────────┘
//! ```

mod desk;
mod signer;

use std::{
    convert::Infallible,
    fmt, fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};
use tokio_rustls::TlsAcceptor;

use self::desk::Desk;
use crate::{Certs, Lab};

/// A provider; gone when dropped.
pub struct Issuer {
    url: String,
    ca: PathBuf,
    desk: Arc<Mutex<Desk>>,
    _runtime: Runtime,
}

// === impl Issuer ===

impl Issuer {
    /// Whom its tokens are for.
    pub const AUDIENCE: &str = "jumpstarter-cli";

    /// One that knows nobody.
    pub fn start(lab: &Lab) -> Self {
        let folder = lab.folder("issuer");
        fs::create_dir(&folder).expect("a new folder");
        let certs = Certs::make(&folder);
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("it has one").port();
        let url = format!("https://localhost:{port}/dex");
        let desk = Arc::new(Mutex::new(Desk::new(&url)));
        let tls = acceptor(&certs);
        let shared = Arc::clone(&desk);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, tls.clone(), Arc::clone(&shared)));
            }
        });
        Self {
            url,
            ca: certs.ca,
            desk,
            _runtime: runtime,
        }
    }

    /// The `iss` of its tokens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whom to trust when talking to it.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// Knows somebody from now on.
    pub fn knows(&self, name: &str, password: &str) {
        self.desk()
            .people
            .insert(name.to_owned(), password.to_owned());
    }

    /// What a machine has from its own platform, good for a token that says that it is `name`.
    pub fn machine(&self, name: &str) -> String {
        self.desk().machine(name)
    }

    /// Tokens that are given from now on are good for so long.
    pub fn lasting(&self, lifetime: Duration) {
        self.desk().lifetime = lifetime;
    }

    /// The grants for which tokens were given so far.
    pub fn grants(&self) -> Vec<String> {
        self.desk().grants.clone()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("unpoisoned")
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn acceptor(certs: &Certs) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(&certs.cert).expect("certificates");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(&certs.key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
    TlsAcceptor::from(Arc::new(config.expect("the certificate and its key")))
}

async fn serve(stream: TcpStream, tls: TlsAcceptor, desk: Arc<Mutex<Desk>>) {
    // Whoever does not trust us hangs up.
    let Ok(stream) = tls.accept(stream).await else {
        return;
    };
    let service = service_fn(|request| answer(request, &desk));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // Some hang up without a word after the answer.
    connection.await.ok();
}

async fn answer(
    request: Request<Incoming>,
    desk: &Mutex<Desk>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let form = body.collect().await.map(|body| body.to_bytes());
    let form = form.unwrap_or_default();
    let mut desk = desk.lock().expect("unpoisoned");
    let (status, body) = desk.answer(head.uri.path(), &form);
    let response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(body.to_string()));
    Ok(response.expect("a response"))
}
