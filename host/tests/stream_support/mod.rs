//! Byte streams as a client without manners sees them.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use std::time::Duration;

use bytes::Bytes;
use jumpstarter_proto::v1::router_service_client::RouterServiceClient;
use jumpstarter_proto::v1::{FrameType, StreamRequest, StreamResponse};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::session_support::{Exporter, uuid_of};

pub const ROTTEN: &str = "
metadata: {namespace: lab, name: bench}
export:
  power: {type: jumpstarter_driver_power.driver.MockPower}
  abi: {type: jumpstarter_driver_test_rotten_abi.driver.Rotten}
  sdk: {type: jumpstarter_driver_test_rotten.driver.Rotten}
";

/// Long enough for a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub type Router = RouterServiceClient<Channel>;

/// An exporter, a connection to it, and the drivers behind it.
pub struct Bench {
    pub exporter: Exporter,
    pub router: Router,
    pub abi: String,
    pub sdk: String,
    pub power: String,
}

/// An open byte stream.
pub struct Talk {
    pub to: Option<mpsc::Sender<StreamRequest>>,
    pub from: Streaming<StreamResponse>,
    pub metadata: MetadataMap,
}

/// How a stream went on, to its end.
#[derive(Debug)]
pub struct Rest {
    pub bytes: Vec<u8>,
    /// Data frames.
    pub frames: usize,
    pub goaway: bool,
    pub status: Result<(), Status>,
}

// === impl Bench ===

impl Bench {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(args: &[&str]) -> Self {
        let exporter = Exporter::run(ROTTEN, args);
        let mut client = exporter.client().await;
        Self {
            router: router(&exporter).await,
            abi: uuid_of(&mut client, "abi").await,
            sdk: uuid_of(&mut client, "sdk").await,
            power: uuid_of(&mut client, "power").await,
            exporter,
        }
    }

    /// A stream of the plugin that breaks the rules.
    pub async fn abi(&self, method: &str) -> Talk {
        Talk::open(&self.router, &driver(&self.abi, method))
            .await
            .unwrap()
    }

    /// A stream of the plugin that was written with the SDK.
    pub async fn sdk(&self, method: &str) -> Talk {
        Talk::open(&self.router, &driver(&self.sdk, method))
            .await
            .unwrap()
    }

    /// A number that the plugin tells.
    pub async fn ask(&self, method: &str) -> f64 {
        let mut client = self.exporter.client().await;
        let call = crate::session_support::call(&self.abi, method, vec![]);
        let result = client.driver_call(call).await.unwrap().into_inner().result;
        jumpstarter_value::from_slice(&result).unwrap()
    }

    /// Waits until the plugin tells this number.
    pub async fn wait_for(&self, method: &str, expected: f64) {
        let asked = async {
            while self.ask(method).await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = timeout(PATIENCE, asked).await;
        assert!(waited.is_ok(), "`{method}` is not {expected}");
    }
}

pub async fn router(exporter: &Exporter) -> Router {
    // A stream that this side does not read takes its share of the window of the connection.
    let endpoint = Endpoint::from_shared(format!("http://{}", exporter.address()))
        .unwrap()
        .initial_connection_window_size(64 << 20);
    Router::new(endpoint.connect().await.unwrap())
}

/// The metadata that asks for a driver's stream.
pub fn driver(uuid: &str, method: &str) -> String {
    format!(r#"{{"kind":"driver","uuid":"{uuid}","method":"{method}"}}"#)
}

pub fn frame(frame_type: impl Into<i32>, payload: impl Into<Bytes>) -> StreamRequest {
    StreamRequest {
        payload: payload.into(),
        frame_type: frame_type.into(),
    }
}

/// Bytes that look the same nowhere.
pub fn noise(length: usize) -> Bytes {
    let mut state = 0x9e37_79b9_u32;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        })
        .collect()
}

// === impl Talk ===

impl Talk {
    /// Opens a stream with this text as its request.
    pub async fn open(router: &Router, request: &str) -> Result<Self, Status> {
        Self::open_with(router, |metadata| {
            metadata.insert("request", request.parse().unwrap());
        })
        .await
    }

    pub async fn open_with(
        router: &Router,
        prepare: impl FnOnce(&mut MetadataMap),
    ) -> Result<Self, Status> {
        let (to, frames) = mpsc::channel(1);
        let mut request = Request::new(ReceiverStream::new(frames));
        prepare(request.metadata_mut());
        let mut router = router
            .clone()
            .max_decoding_message_size(8 << 20)
            .max_encoding_message_size(8 << 20);
        let opening = timeout(PATIENCE, router.stream(request));
        let response = opening.await.expect("an answer in time")?;
        let (metadata, from, _) = response.into_parts();
        Ok(Self {
            to: Some(to),
            from,
            metadata,
        })
    }

    pub async fn send(&self, request: StreamRequest) {
        let to = self.to.as_ref().expect("not half-closed");
        let sent = timeout(PATIENCE, to.send(request));
        sent.await.expect("room in time").expect("a stream");
    }

    pub async fn data(&self, payload: impl Into<Bytes>) {
        self.send(frame(FrameType::Data, payload)).await;
    }

    pub async fn goaway(&self) {
        self.send(frame(FrameType::Goaway, "")).await;
    }

    pub fn half_close(&mut self) {
        self.to = None;
    }

    /// The next frame; nothing at the end of the call.
    pub async fn next(&mut self) -> Result<Option<StreamResponse>, Status> {
        let next = timeout(PATIENCE, self.from.message());
        next.await.expect("a frame in time")
    }

    /// The payload of the next frame, which is data.
    pub async fn chunk(&mut self) -> Bytes {
        let frame = self.next().await.unwrap().expect("a frame");
        assert_eq!(frame.frame_type(), FrameType::Data);
        frame.payload
    }

    /// So many bytes, in however many frames.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < count {
            bytes.extend_from_slice(&self.chunk().await);
        }
        assert_eq!(bytes.len(), count);
        bytes
    }

    /// Nothing comes for a while.
    pub async fn quiet(&mut self) {
        let next = timeout(Duration::from_millis(150), self.from.message()).await;
        assert!(next.is_err(), "{next:?}");
    }

    pub async fn expect_goaway(&mut self) {
        let frame = self.next().await.unwrap().expect("a frame");
        assert_eq!(frame.frame_type(), FrameType::Goaway);
        assert_eq!(frame.payload, "");
    }

    /// Reads to the end.
    pub async fn rest(&mut self) -> Rest {
        let mut rest = Rest {
            bytes: Vec::new(),
            frames: 0,
            goaway: false,
            status: Ok(()),
        };
        loop {
            match self.next().await {
                Err(status) => {
                    rest.status = Err(status);
                    return rest;
                }
                Ok(None) => return rest,
                Ok(Some(frame)) => {
                    assert!(!rest.goaway, "after the end: {frame:?}");
                    match frame.frame_type() {
                        FrameType::Goaway => rest.goaway = true,
                        _ => {
                            rest.frames += 1;
                            rest.bytes.extend_from_slice(&frame.payload);
                        }
                    }
                }
            }
        }
    }
}
