//! Opening a stream: what it is for goes into the request's metadata.

use std::fmt::Write as _;

use serde::Serialize;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::ByteStream;
use super::answer::Answer;
use super::codec::Frames;
use super::outbox::Outbox;
use super::reader::Reader;
use super::writer::{Pair, Writer};
use crate::connect::Transport;

const PATH: &str = "/jumpstarter.v1.RouterService/Stream";

/// Exporters send what their drivers give them, usually 64 KiB.
const LARGEST_FRAME: usize = 8 << 20;

/// What a stream is for.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Purpose<'a> {
    /// To talk to a driver, by a method of it.
    Driver {
        /// The driver.
        uuid: &'a str,
        /// The method.
        method: &'a str,
    },
    /// To carry the data of a call.
    Resource {
        /// The driver that will be called.
        uuid: &'a str,
        /// How the data is compressed.
        x_jmp_content_encoding: Option<&'a str>,
    },
}

// === impl Purpose ===

impl Purpose<'_> {
    /// As JSON in plain ASCII, which is all that metadata can hold.
    fn to_metadata(&self) -> Result<AsciiMetadataValue, Status> {
        let json = serde_json::to_string(self).map_err(|error| refused(&error))?;
        let mut text = String::with_capacity(json.len());
        for character in json.chars() {
            if matches!(character, ' '..='~') {
                text.push(character);
            } else {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    // Writing to a String cannot fail.
                    write!(text, "\\u{unit:04x}").ok();
                }
            }
        }
        AsciiMetadataValue::try_from(text).map_err(|error| refused(&error))
    }
}

fn refused(error: &dyn std::error::Error) -> Status {
    Status::invalid_argument(format!("the stream's request cannot be sent: {error}"))
}

/// Opens a stream and waits until the exporter has opened its side.
pub(crate) async fn open(
    transport: Transport,
    purpose: &Purpose<'_>,
) -> Result<(ByteStream, MetadataMap), Status> {
    let outbox = Outbox::default();
    let mut request = Request::new(outbox.taker());
    request
        .metadata_mut()
        .insert("request", purpose.to_metadata()?);
    let mut client = Grpc::new(transport).max_decoding_message_size(LARGEST_FRAME);
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path = PathAndQuery::from_static(PATH);
    let response = client.streaming(request, path, Frames).await?;
    let (metadata, frames, _) = response.into_parts();
    Ok((assemble(Answer::Here(Box::new(frames)), outbox), metadata))
}

/// Asks for a stream, with nothing but these headers, and does not wait for the answer.
pub(crate) async fn join(channel: Channel, metadata: MetadataMap) -> ByteStream {
    let outbox = Outbox::default();
    let mut request = Request::new(outbox.taker());
    *request.metadata_mut() = metadata;
    let mut client = Grpc::new(channel).max_decoding_message_size(LARGEST_FRAME);
    let asked = Answer::awaited(async move {
        let ready = client.ready().await;
        ready.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static(PATH);
        let response = client.streaming(request, path, Frames).await?;
        Ok(response.into_inner())
    });
    assemble(asked.await, outbox)
}

fn assemble(answer: Answer, outbox: Outbox) -> ByteStream {
    let pair = Pair::default();
    ByteStream {
        reader: Reader::new(answer, outbox.share(), pair.clone()),
        writer: Writer::new(outbox, pair),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use futures_util::StreamExt;
    use tokio::sync::mpsc;

    use super::super::codec::Outgoing;
    use super::*;

    #[tokio::test]
    async fn a_stream_that_is_not_answered_yet_goes_on_without_its_reader() {
        let outbox = Outbox::default();
        let mut taker = outbox.taker();
        let (heard, mut hears) = mpsc::channel(1);
        // Like a router that says nothing before the peer has come.
        let answer = Answer::awaited(async move {
            while let Some(Outgoing::Frame(frame)) = taker.next().await {
                heard.send(frame.payload).await.unwrap();
            }
            Err(Status::cancelled("the client is gone"))
        });
        let (reader, mut writer) = assemble(answer.await, outbox).split();
        drop(reader);
        writer.send(Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(hears.recv().await.unwrap(), "hello");
        drop(writer);
        assert_eq!(hears.recv().await, None);
    }

    #[test]
    fn the_request_is_compact_ascii() {
        let driver = Purpose::Driver {
            uuid: "1",
            method: "über\u{1f600}\u{7f}\"\\",
        };
        assert_eq!(
            driver.to_metadata().unwrap(),
            r#"{"kind":"driver","uuid":"1","method":"\u00fcber\ud83d\ude00\u007f\"\\"}"#
        );
        let resource = Purpose::Resource {
            uuid: "1",
            x_jmp_content_encoding: None,
        };
        assert_eq!(
            resource.to_metadata().unwrap(),
            r#"{"kind":"resource","uuid":"1","x_jmp_content_encoding":null}"#
        );
    }
}
