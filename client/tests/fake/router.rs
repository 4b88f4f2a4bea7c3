//! Byte streams: to drivers that behave in one way or another, and those that carry data of calls.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jumpstarter_proto::v1::router_service_server::RouterService;
use jumpstarter_proto::v1::{FrameType, StreamRequest, StreamResponse};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::Running;

pub type Sent = mpsc::Sender<Result<StreamResponse, Status>>;

/// How the data of a client went on, and ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Data {
    Chunk(Bytes),
    Whole,
    CutOff,
}

/// The stream of one handle.
#[derive(Debug)]
pub struct Resource {
    pub data: mpsc::Receiver<Data>,
    pub sent: Sent,
}

pub type Resources = Mutex<HashMap<String, Resource>>;

/// Serves the byte streams of an exporter.
pub struct Router(pub Arc<Running>);

pub fn frame(payload: impl Into<Bytes>, kind: FrameType) -> Result<StreamResponse, Status> {
    Ok(StreamResponse {
        payload: payload.into(),
        frame_type: kind.into(),
    })
}

/// Reads a client's frames until it says that this was all, or goes away; tells how many bytes it
/// sent before it went away.
async fn receive(
    mut frames: Streaming<StreamRequest>,
    data: mpsc::Sender<Data>,
) -> Result<(), usize> {
    let mut count = 0;
    let end = loop {
        match frames.message().await {
            Ok(Some(frame)) if frame.frame_type == FrameType::Data as i32 => {
                count += frame.payload.len();
                if data.send(Data::Chunk(frame.payload)).await.is_err() {
                    return Ok(());
                }
            }
            Ok(Some(_) | None) => break Data::Whole,
            Err(_) => break Data::CutOff,
        }
    };
    let whole = end == Data::Whole;
    data.send(end).await.ok();
    if whole { Ok(()) } else { Err(count) }
}

// === impl Running ===

impl Running {
    /// What the driver behind `method` does with its stream.
    async fn behave(
        self: Arc<Self>,
        method: String,
        mut frames: Streaming<StreamRequest>,
        sent: Sent,
    ) {
        match method.as_str() {
            "connect" => {
                let (data, mut chunks) = mpsc::channel(1);
                tokio::spawn(receive(frames, data));
                let mut count = 0;
                loop {
                    let chunk = match chunks.recv().await {
                        Some(Data::Chunk(chunk)) => chunk,
                        Some(Data::Whole) => break,
                        Some(Data::CutOff) | None => {
                            self.note(&format!("connect lost its client after {count} bytes"));
                            return;
                        }
                    };
                    count += chunk.len();
                    sent.send(frame(chunk, FrameType::Data)).await.ok();
                }
                sent.send(frame("", FrameType::Goaway)).await.ok();
                self.note(&format!("connect ended after {count} bytes"));
                // As exporters do, it leaves the end of the call to the client.
                sent.closed().await;
            }
            "deaf" => {
                sent.closed().await;
                drop(frames);
            }
            "flood" => {
                let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
                while sent
                    .send(frame(chunk.clone(), FrameType::Data))
                    .await
                    .is_ok()
                {
                    self.flooded.fetch_add(chunk.len(), Ordering::Relaxed);
                }
                self.note("flood lost its client");
            }
            "odd" => {
                for (payload, kind) in [
                    ("ping", FrameType::Ping),
                    ("one", FrameType::Data),
                    ("", FrameType::Data),
                    ("reset", FrameType::RstStream),
                    ("two", FrameType::Data),
                    ("bye", FrameType::Goaway),
                    ("never", FrameType::Data),
                ] {
                    sent.send(frame(payload, kind)).await.ok();
                }
                sent.closed().await;
            }
            "breaks" => {
                sent.send(frame("first", FrameType::Data)).await.ok();
                let status = Status::aborted("the wire came off");
                sent.send(Err(status)).await.ok();
            }
            // Fails after its last byte, as a driver does that learns late why a device is gone.
            "late" => {
                sent.send(frame("last words", FrameType::Data)).await.ok();
                sent.send(frame("", FrameType::Goaway)).await.ok();
                sleep(Duration::from_millis(20)).await;
                let status = Status::aborted("RouterStream: aclose: the device caught fire");
                sent.send(Err(status)).await.ok();
            }
            // Says that it has no more, and later that it takes no more.
            "stops" => {
                sent.send(frame("", FrameType::Goaway)).await.ok();
                frames.message().await.ok();
                let status = Status::aborted("RouterStream: aclose: the device is full");
                sent.send(Err(status)).await.ok();
            }
            // Ends well, as exporters of the reference tell it.
            "closes" => {
                sent.send(frame("", FrameType::Goaway)).await.ok();
                let status = Status::aborted("RouterStream: aclose");
                sent.send(Err(status)).await.ok();
            }
            // Says how the client's data ended.
            "witness" => {
                let end = loop {
                    match frames.message().await {
                        Ok(Some(frame)) if frame.frame_type == FrameType::Goaway as i32 => {
                            break "witness saw the end";
                        }
                        Ok(Some(_)) => {}
                        Ok(None) => break "witness saw a bare end",
                        Err(_) => break "witness saw a reset",
                    }
                };
                self.note(end);
            }
            method => {
                let status = Status::not_found(format!("method {method} not found on driver"));
                sent.send(Err(status)).await.ok();
            }
        }
    }

    pub fn note(&self, text: &str) {
        self.calls.lock().unwrap().push(text.to_owned());
    }

    fn offer(
        self: &Arc<Self>,
        encoding: Option<&str>,
        frames: Streaming<StreamRequest>,
        sent: Sent,
    ) -> (Value, Option<String>) {
        let mut resources = self.resources.lock().unwrap();
        let uuid = format!("resource-{}", self.offered.fetch_add(1, Ordering::Relaxed));
        let (data, received) = mpsc::channel(1);
        let (running, name) = (Arc::clone(self), uuid.clone());
        tokio::spawn(async move {
            if let Err(count) = receive(frames, data).await {
                running.note(&format!("{name} was cut off after {count} bytes"));
            }
        });
        let resource = Resource {
            data: received,
            sent,
        };
        resources.insert(uuid.clone(), resource);
        let known = encoding.filter(|_| !self.fake.plain);
        let handle =
            json!({"kind": "client_stream", "uuid": uuid, "x_jmp_content_encoding": known});
        let accepted = (!self.fake.plain).then(|| known.unwrap_or_default().to_owned());
        (handle, accepted)
    }
}

#[tonic::async_trait]
impl RouterService for Router {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let running = Arc::clone(&self.0);
        running.check(&request)?;
        let purpose = request.metadata().get("request").unwrap().to_str().unwrap();
        let purpose: Value = serde_json::from_str(purpose).unwrap();
        running.note(&format!("stream {purpose}"));
        let frames = request.into_inner();
        let (sent, answers) = mpsc::channel(1);
        let mut response =
            Response::new(Box::pin(ReceiverStream::new(answers)) as Self::StreamStream);
        if purpose["kind"] == "resource" {
            let encoding = purpose["x_jmp_content_encoding"].as_str();
            let (handle, accepted) = running.offer(encoding, frames, sent);
            let metadata = response.metadata_mut();
            metadata.insert("resource", handle.to_string().parse().unwrap());
            if let Some(accepted) = accepted {
                metadata.insert("x_jmp_accept_encoding", accepted.parse().unwrap());
            }
            return Ok(response);
        }
        // A driver called `as-deaf` behaves like the method `deaf`, by whatever method.
        let uuid = purpose["uuid"].as_str().unwrap();
        let method = uuid.strip_prefix("as-").or(purpose["method"].as_str());
        let method = method.unwrap().to_owned();
        if method == "refuses" {
            return Err(Status::unknown("the other side is off"));
        }
        tokio::spawn(running.behave(method, frames, sent));
        Ok(response)
    }
}
