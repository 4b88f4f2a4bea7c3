//! A client's tunnel: a local port, and behind it the exporter of a lease.
//!
//! ```text
//!   jmp shell --tls-grpc 127.0.0.1:PORT ──► TcpStream ──► Dial ──► RouterService.Stream ══► exporter
//! ```
//!
//! Each connection is a tunnel of its own, as with a real client.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use hyper_util::rt::TokioIo;
use jumpstarter_proto::v1::{
    DialRequest, EndSessionRequest, EndSessionResponse, ExporterStatus, FrameType,
    GetStatusRequest, GetStatusResponse, StreamRequest,
    controller_service_client::ControllerServiceClient,
    exporter_service_client::ExporterServiceClient, router_service_client::RouterServiceClient,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::mpsc,
};
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint, Uri},
};

use super::{Access, Controller};
use crate::PATIENCE;

/// A port that leads to the exporter of one lease, until it is dropped.
#[derive(Debug)]
pub struct Tunnel {
    port: u16,
    /// A client keeps one connection for what it asks all the time; it is made at the first question.
    channel: Channel,
    runtime: Runtime,
}

/// What is needed for one more connection.
#[derive(Clone)]
struct Way {
    access: Access,
    lease: String,
    tls: TlsConnector,
}

// === impl Tunnel ===

impl Tunnel {
    /// Opens the port; nothing is dialled before somebody connects.
    pub fn open(controller: &impl Controller, lease: &str) -> Self {
        let access = controller.access();
        let way = Way {
            tls: trusting(&access.ca),
            lease: lease.to_owned(),
            access,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("it has one").port();
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let way = way.clone();
                tokio::spawn(async move {
                    // A tunnel that fails is, to whoever connected, a connection that ends.
                    way.carry(connection).await.ok();
                });
            }
        });
        let channel = runtime.block_on(async { connect(port) });
        Self {
            port,
            channel,
            runtime,
        }
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// One more connection, for a task of the caller's runtime.
    pub fn connect(&self) -> Channel {
        connect(self.port)
    }

    /// Asks the exporter something.
    pub fn ask<T, F>(&self, question: impl FnOnce(ExporterServiceClient<Channel>) -> F) -> T
    where
        F: Future<Output = T>,
    {
        let client = ExporterServiceClient::new(self.channel.clone());
        self.runtime.block_on(question(client))
    }

    /// `EndSession`: the client has done its work.
    pub fn end_session(&self) -> Result<EndSessionResponse, Status> {
        self.ask(|mut client| async move {
            let response = client.end_session(EndSessionRequest {}).await?;
            Ok(response.into_inner())
        })
    }

    /// `GetStatus`, once.
    pub fn status(&self) -> Result<GetStatusResponse, Status> {
        self.ask(|mut client| async move {
            let response = client.get_status(GetStatusRequest {}).await?;
            Ok(response.into_inner())
        })
    }

    /// Asks for the status until it is one of these; what else was seen on the way is lost. An
    /// error if the exporter ends the session first.
    pub fn wait_status(&self, wanted: &[ExporterStatus]) -> Result<GetStatusResponse, Status> {
        self.ask(|mut client| async move {
            let until = std::time::Instant::now() + PATIENCE;
            loop {
                let status = client.get_status(GetStatusRequest {}).await?.into_inner();
                if wanted.contains(&status.status()) {
                    return Ok(status);
                }
                assert!(std::time::Instant::now() < until, "still {status:?}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    }
}

// === impl Way ===

impl Way {
    /// Carries one connection to the exporter.
    async fn carry(&self, connection: TcpStream) -> Result<(), Status> {
        let (endpoint, token) = self.dial().await?;
        let mut router = RouterServiceClient::new(self.channel(&endpoint));
        let (told, frames) = mpsc::channel(4);
        let mut request = Request::new(ReceiverStream::new(frames));
        authorize(&mut request, &token);
        let (mut read, mut write) = connection.into_split();
        let outwards = async {
            let mut buffer = BytesMut::new();
            loop {
                buffer.reserve(64 * 1024);
                let end = read.read_buf(&mut buffer).await.unwrap_or_default() == 0;
                let kind = match end {
                    true => FrameType::Goaway,
                    false => FrameType::Data,
                };
                let payload: Bytes = buffer.split().freeze();
                let frame_type = kind.into();
                let frame = StreamRequest {
                    payload,
                    frame_type,
                };
                if told.send(frame).await.is_err() || end {
                    // The router is not told more, and the exporter has been told.
                    return std::future::pending::<Result<(), Status>>().await;
                }
            }
        };
        let inwards = async {
            let mut heard = router.stream(request).await?.into_inner();
            while let Some(frame) = heard.message().await? {
                match frame.frame_type() {
                    FrameType::Data => {
                        let written = write.write_all(&frame.payload).await;
                        written.map_err(|error| Status::cancelled(error.to_string()))?;
                    }
                    FrameType::Goaway => break,
                    FrameType::Ping | FrameType::RstStream => {}
                }
            }
            write.shutdown().await.ok();
            Ok(())
        };
        tokio::select! {
            ended = inwards => ended,
            ended = outwards => ended,
        }
    }

    /// `Dial`, again and again while the exporter is not ready.
    async fn dial(&self) -> Result<(String, String), Status> {
        let mut client = ControllerServiceClient::new(self.channel(&self.access.endpoint));
        let until = std::time::Instant::now() + PATIENCE;
        loop {
            let mut request = Request::new(DialRequest {
                lease_name: self.lease.clone(),
            });
            authorize(&mut request, &self.access.client.1);
            let (namespace, name) = (&self.access.namespace, &self.access.client.0);
            for (key, value) in [
                ("jumpstarter-kind", "Client"),
                ("jumpstarter-namespace", namespace),
                ("jumpstarter-name", name),
            ] {
                request
                    .metadata_mut()
                    .insert(key, value.parse().expect("text"));
            }
            let status = match client.dial(request).await {
                Ok(response) => {
                    let response = response.into_inner();
                    return Ok((response.router_endpoint, response.router_token));
                }
                Err(status) => status,
            };
            let later = status.code() == Code::Unavailable
                || (status.code() == Code::FailedPrecondition
                    && status.message().contains("not ready"));
            if !later || std::time::Instant::now() > until {
                return Err(status);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    fn channel(&self, endpoint: &str) -> Channel {
        let tls = self.tls.clone();
        let connector = tower::service_fn(move |uri: Uri| {
            let tls = tls.clone();
            async move {
                let host = uri.host().unwrap_or_default().to_owned();
                let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(443)));
                let name = ServerName::try_from(host.clone()).map_err(std::io::Error::other)?;
                Ok::<_, std::io::Error>(TokioIo::new(tls.connect(name, stream.await?).await?))
            }
        });
        Endpoint::try_from(format!("http://{endpoint}"))
            .expect("an address")
            .connect_with_connector_lazy(connector)
    }
}

fn connect(port: u16) -> Channel {
    let endpoint = Endpoint::try_from(format!("http://127.0.0.1:{port}"));
    endpoint.expect("an address").connect_lazy()
}

fn authorize<T>(request: &mut Request<T>, token: &str) {
    let value = format!("Bearer {token}").parse().expect("a token is text");
    request.metadata_mut().insert("authorization", value);
}

fn trusting(ca: &str) -> TlsConnector {
    let pem = STANDARD.decode(ca).expect("base64");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots
            .add(certificate.expect("a certificate"))
            .expect("an authority");
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}
