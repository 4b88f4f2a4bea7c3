//! A controller and an identity provider of our own, over TLS, and a home folder that trusts them.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test uses a part of it"
)]

mod issuer;
mod service;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jumpstarter_proto::client_v1::client_service_server::ClientServiceServer;
use jumpstarter_proto::client_v1::{Exporter, Lease};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Server;

use crate::fake::Certificate;
use crate::program::{Program, jmp};

pub use issuer::Issuer;

/// What the controller has, and what it was asked.
#[derive(Default)]
pub struct Lab {
    pub exporters: Vec<Exporter>,
    pub leases: Vec<Lease>,
    /// Tokens that have expired.
    pub expired: Vec<String>,
    /// Every call fails with this.
    pub broken: Option<Status>,
    /// What RotateToken gives.
    pub rotated: String,
    /// So many questions for a lease get no answer at all.
    pub mute: usize,
    /// Calls so far, with what they carried: `ListLeases {…}`.
    pub calls: Vec<String>,
}

/// A desk: a home folder, a controller, a person.
pub struct Desk {
    pub home: TempDir,
    pub lab: Arc<Mutex<Lab>>,
    pub endpoint: String,
    pub ca: String,
    tasks: JoinSet<()>,
}

/// A token with these claims, which nobody has signed.
pub fn token(claims: Value) -> String {
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({"alg": "none"})), part(claims))
}

pub fn exporter(name: &str, labels: &[(&str, &str)]) -> Exporter {
    Exporter {
        name: format!("namespaces/lab/exporters/{name}"),
        labels: labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Exporter::default()
    }
}

pub fn lease(name: &str, selector: &str, client: &str) -> Lease {
    Lease {
        name: format!("namespaces/lab/leases/{name}"),
        selector: selector.to_owned(),
        client: Some(format!("namespaces/lab/clients/{client}")),
        duration: Some(prost_types::Duration {
            seconds: 3600,
            nanos: 0,
        }),
        ..Lease::default()
    }
}

// === impl Desk ===

impl Desk {
    /// With a client called `lab`, which is the current one.
    pub async fn new() -> Self {
        let desk = Self::empty().await;
        desk.client("lab", "token: t0ken\n");
        desk.current("lab");
        desk
    }

    /// Without a client.
    pub async fn empty() -> Self {
        let certificate = Certificate::issued("localhost");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lab = Arc::new(Mutex::new(Lab::default()));
        let acceptor = certificate.acceptor();
        let service = ClientServiceServer::new(service::Service(Arc::clone(&lab)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (accepted, incoming) = tokio::sync::mpsc::channel(8);
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // Clients that do not like our certificate are part of the tests.
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        let (mut near, far) = tokio::io::duplex(64 * 1024);
                        accepted.send(Ok::<_, std::io::Error>(far)).await.ok();
                        tokio::spawn(async move {
                            tokio::io::copy_bidirectional(&mut stream, &mut near)
                                .await
                                .ok();
                        });
                    }
                }
            });
            let router = Server::builder().add_service(service);
            let incoming = ReceiverStream::new(incoming);
            router.serve_with_incoming(incoming).await.unwrap();
        });
        Self {
            home: tempfile::tempdir().unwrap(),
            lab,
            endpoint: format!("localhost:{port}"),
            ca: BASE64_STANDARD.encode(&certificate.authority),
            tasks,
        }
    }

    /// Writes a client's file.
    pub fn client(&self, alias: &str, rest: &str) {
        let text = format!(
            "metadata: {{namespace: lab, name: me}}\nendpoint: {}\ntls: {{ca: {}}}\n{rest}",
            self.endpoint, self.ca
        );
        let path = self.path(&format!("clients/{alias}.yaml"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn current(&self, alias: &str) {
        let text = format!("config: {{current-client: {alias}}}\n");
        fs::write(self.path("config.yaml"), text).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Our program, at home here.
    pub fn jmp(&self, words: &str) -> Program {
        self.at_home(jmp()).words(words)
    }

    /// Any program, at home here.
    pub fn at_home(&self, program: Program) -> Program {
        program
            .env("JMP_CLIENT_CONFIG_HOME", self.home.path())
            .env("TZ", "UTC")
            .env("COLUMNS", "200")
    }

    pub fn lab(&self, change: impl FnOnce(&mut Lab)) {
        change(&mut self.lab.lock().unwrap());
    }

    /// What the controller was asked since the last time.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lab.lock().unwrap().calls)
    }
}
