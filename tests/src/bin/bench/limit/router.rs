//! Bare byte streams: an echo, and a sink that writes a file.

use std::pin::Pin;

use async_compression::tokio::write::ZstdDecoder;
use jumpstarter_proto::v1::{
    FrameType, StreamRequest, StreamResponse, router_service_server::RouterService,
};
use tokio::{
    fs::File,
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};

/// Metadata with the file that the stream is to be written to. Without it, the stream is an echo.
pub(crate) const FILE: &str = "bench-file";
/// Metadata that says that what comes is compressed.
pub(crate) const ZSTD: &str = "bench-zstd";

#[derive(Debug)]
pub(super) struct Router;

#[tonic::async_trait]
impl RouterService for Router {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let text = |key| {
            let value = request.metadata().get(key)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let (file, zstd) = (text(FILE), text(ZSTD).is_some());
        let frames = request.into_inner();
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
