//! Frames on their way out, and the one thing besides frames: giving up.
//!
//! The end of a request's messages means that all was said, so a call that is given up half way
//! must not end that way: the exporter would take half an image for a whole one. Only an error of
//! the encoder resets the stream instead of ending it.

use jumpstarter_proto::v1::{StreamRequest, StreamResponse};
use prost::Message;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// What the outbox hands to HTTP/2.
#[derive(Debug)]
pub(super) enum Outgoing {
    Frame(StreamRequest),
    /// Resets the stream; nothing comes after it.
    Abort,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Frames;

impl Codec for Frames {
    type Encode = Outgoing;
    type Decode = StreamResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Frames {
    type Item = Outgoing;
    type Error = Status;

    fn encode(&mut self, item: Outgoing, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        match item {
            Outgoing::Frame(frame) => frame
                .encode(buf)
                .map_err(|error| Status::internal(error.to_string())),
            Outgoing::Abort => Err(Status::cancelled("the stream was dropped")),
        }
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for Frames {
    type Item = StreamResponse;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<StreamResponse>, Status> {
        // The payload stays where it was received.
        StreamResponse::decode(buf)
            .map(Some)
            .map_err(|error| Status::internal(format!("a frame cannot be decoded: {error}")))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}
