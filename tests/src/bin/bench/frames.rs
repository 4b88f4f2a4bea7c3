//! Byte streams as the load: frames to a server and back.

use std::time::Duration;

use bytes::Bytes;
use jumpstarter_proto::v1::{
    FrameType, StreamRequest, StreamResponse, exporter_service_client::ExporterServiceClient,
    router_service_client::RouterServiceClient,
};
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Status, Streaming,
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    transport::{Channel, Endpoint},
};

/// Frames that may wait for the connection.
const QUEUE: usize = 16;
/// Far beyond what any of this takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server, for byte streams.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    channel: Channel,
}

/// A byte stream.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) sender: Sender,
    pub(crate) receiver: Receiver,
    /// The exporter's word on a resource.
    pub(crate) answer: MetadataMap,
}

#[derive(Debug)]
pub(crate) struct Sender(mpsc::Sender<StreamRequest>);

#[derive(Debug)]
pub(crate) struct Receiver(Streaming<StreamResponse>);

// === impl Line ===

impl Line {
    pub(crate) async fn to(port: u16) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self { channel }
    }

    /// A client for calls on the same connection.
    pub(crate) fn client(&self) -> ExporterServiceClient<Channel> {
        ExporterServiceClient::new(self.channel.clone())
    }

    /// The uuid of a driver; of the limit, which has none of that name, any.
    pub(crate) async fn uuid(&self, name: &str) -> String {
        let report = self.client().get_report(()).await.unwrap().into_inner();
        let label = "jumpstarter.dev/name";
        let named = |labels: &std::collections::HashMap<String, String>| {
            labels.get(label).is_some_and(|is| is == name)
        };
        let mut reports = report.reports.iter();
        let found = reports.find(|report| named(&report.labels));
        found.map(|report| report.uuid.clone()).unwrap_or_default()
    }

    /// The `connect` stream of a driver.
    pub(crate) async fn connect(&self, name: &str) -> Frames {
        let uuid = self.uuid(name).await;
        let request = json!({"kind": "driver", "uuid": uuid, "method": "connect"});
        self.open(&[("request", &request.to_string())])
            .await
            .unwrap()
    }

    pub(crate) async fn open(&self, metadata: &[(&'static str, &str)]) -> Result<Frames, Status> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let mut request = Request::new(ReceiverStream::new(queue));
        for (key, value) in metadata {
            let key = AsciiMetadataKey::from_static(key);
            let value: AsciiMetadataValue = value.parse().unwrap();
            request.metadata_mut().insert(key, value);
        }
        let response = RouterServiceClient::new(self.channel.clone())
            .stream(request)
            .await?;
        let answer = response.metadata().clone();
        Ok(Frames {
            sender: Sender(sender),
            receiver: Receiver(response.into_inner()),
            answer,
        })
    }
}

// === impl Sender ===

impl Sender {
    /// Sends a chunk; false when the call is over.
    pub(crate) async fn send(&self, payload: Bytes) -> bool {
        let frame_type = FrameType::Data.into();
        let frame = StreamRequest {
            payload,
            frame_type,
        };
        timeout(PATIENCE, self.0.send(frame)).await.unwrap().is_ok()
    }

    /// Says that there is no more.
    pub(crate) async fn finish(self) {
        let frame_type = FrameType::Goaway.into();
        let frame = StreamRequest {
            frame_type,
            ..Default::default()
        };
        self.0.send(frame).await.unwrap();
    }
}

// === impl Receiver ===

impl Receiver {
    /// The next chunk; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let frame = timeout(PATIENCE, self.0.message()).await.unwrap();
            let frame = frame.unwrap()?;
            match FrameType::try_from(frame.frame_type) {
                Ok(FrameType::Data) => return Some(frame.payload),
                Ok(FrameType::Goaway) => return None,
                _ => {}
            }
        }
    }

    /// Waits until so many bytes have come.
    pub(crate) async fn take(&mut self, bytes: usize) {
        let mut come = 0;
        while come < bytes {
            come += self.next().await.expect("the stream goes on").len();
        }
        assert_eq!(come, bytes, "nothing is added");
    }
}
