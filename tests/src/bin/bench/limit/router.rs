//! Bare byte streams: an echo, a relay to a TCP port, and a sink that writes a file.

use std::pin::Pin;

use async_compression::tokio::write::ZstdDecoder;
use jumpstarter_proto::v1::{
    FrameType, StreamRequest, StreamResponse, router_service_server::RouterService,
};
use tokio::{
    fs::File,
    io::{AsyncWrite, AsyncWriteExt},
    net::{TcpStream, tcp::OwnedWriteHalf},
    sync::mpsc,
};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tokio_util::io::ReaderStream;
use tonic::{Request, Response, Status, Streaming};

/// Metadata with the TCP port that the stream leads to.
pub(crate) const PORT: &str = "bench-port";
/// Metadata with the file that the stream is to be written to. Without either, it is an echo.
pub(crate) const FILE: &str = "bench-file";
/// Metadata that says that what comes is compressed.
pub(crate) const ZSTD: &str = "bench-zstd";

/// The relay reads in pieces of this size.
const CHUNK: usize = 64 << 10;

type Answers = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

#[derive(Debug)]
pub(super) struct Router;

#[tonic::async_trait]
impl RouterService for Router {
    type StreamStream = Answers;

    async fn stream(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let text = |key| {
            let value = request.metadata().get(key)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let (file, zstd, port) = (text(FILE), text(ZSTD).is_some(), text(PORT));
        let frames = request.into_inner();
        if let Some(port) = port {
            return Ok(Response::new(relay(frames, &port).await?));
        }
        let Some(file) = file else {
            return Ok(Response::new(Box::pin(frames.map(|frame| frame.map(back)))));
        };
        let (answer, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            let written = save(frames, &file, zstd).await;
            // Nobody waits for it if the client is gone.
            drop(answer.send(written).await);
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}

/// What a copy in each direction makes of it, with nothing in between.
async fn relay(frames: Streaming<StreamRequest>, port: &str) -> Result<Answers, Status> {
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await?;
    stream.set_nodelay(true)?;
    let (read, write) = stream.into_split();
    // Ends with its call, or with the connection.
    tokio::spawn(forward(frames, write));
    let chunks = ReaderStream::with_capacity(read, CHUNK);
    Ok(Box::pin(chunks.map(|chunk| {
        Ok(StreamResponse {
            payload: chunk?,
            ..Default::default()
        })
    })))
}

async fn forward(mut frames: Streaming<StreamRequest>, mut to: OwnedWriteHalf) {
    while let Ok(Some(frame)) = frames.message().await {
        let goaway = frame.frame_type == FrameType::Goaway as i32;
        if goaway || to.write_all(&frame.payload).await.is_err() {
            return;
        }
    }
}

async fn save(
    frames: Streaming<StreamRequest>,
    file: &str,
    zstd: bool,
) -> Result<StreamResponse, Status> {
    let file = File::create(file).await?;
    match zstd {
        true => write(frames, ZstdDecoder::new(file)).await,
        false => write(frames, file).await,
    }
}

pub(super) fn back(frame: StreamRequest) -> StreamResponse {
    StreamResponse {
        payload: frame.payload,
        frame_type: frame.frame_type,
    }
}

/// Answers with the frame that ends a stream, when all is in the file.
async fn write(
    mut frames: Streaming<StreamRequest>,
    mut file: impl AsyncWrite + Unpin,
) -> Result<StreamResponse, Status> {
    while let Some(frame) = frames.message().await? {
        if frame.frame_type == FrameType::Goaway as i32 {
            break;
        }
        file.write_all(&frame.payload).await?;
    }
    file.shutdown().await?;
    Ok(StreamResponse {
        frame_type: FrameType::Goaway.into(),
        ..Default::default()
    })
}
