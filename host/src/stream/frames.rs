//! What a frame looks like in a call.
//!
//! ```text
//!   gRPC: 0 │ length: u32 │ message     message: 0x0a │ length: varint │ payload   (field 1)
//!                                                0x10 │ type: varint             (field 2)
//! ```
//!
//! Type 0, data, is the default and left out, so in nearly every message the payload is everything
//! that follows. Such a payload is passed on as it comes, in pieces, before the message is complete.
//! Any other message is collected and left to the protobuf library.

use bytes::{Buf, Bytes, BytesMut};
use jumpstarter_proto::v1::{FrameType, StreamRequest};
use prost::Message;

/// The longest message that is accepted, as everywhere in gRPC.
const LONGEST: usize = 4 << 20;
/// Key of a length-delimited field 1.
const PAYLOAD: u8 = 0x0a;
/// A length below 2^28 fits into four groups of seven bits.
const MAX_VARINT: usize = 4;
const GRPC: usize = 5;

/// Room in front of a payload for everything that comes before it.
pub(super) const HEAD: usize = GRPC + 1 + MAX_VARINT;

/// "No more data from here", the whole message.
pub(super) const GOAWAY: &[u8] = &[0, 0, 0, 0, 2, 0x10, FrameType::Goaway as u8];

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A piece of a data frame.
    Piece {
        payload: Bytes,
        /// The frame ends here.
        last: bool,
    },
    /// It sends no more.
    End,
}

/// Why a client's messages cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// A compressed message.
    #[error("compressed messages are not accepted on this stream; send them with flag 0")]
    Compressed,
    /// A message above the limit.
    #[error("decoded message length too large: found {0} bytes, the limit is: {LONGEST} bytes")]
    TooLong(usize),
    /// A message that is none.
    #[error("a message cannot be decoded as `jumpstarter.v1.StreamRequest`: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// The data ends in the middle of a message.
    #[error("the stream ends in the middle of a message")]
    Truncated,
}

/// Takes the data of a call apart, however it is cut.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    /// The five bytes in front of a message.
    Prefix { bytes: [u8; GRPC], have: usize },
    /// The first byte of a message of this length.
    Key { left: usize },
    /// The length of the payload; there is more of it.
    Length { seen: BytesMut, left: usize },
    /// A payload that ends with its message.
    Payload { left: usize },
    /// A message that is not as usual.
    Whole { seen: BytesMut, left: usize },
}

// === impl Decoder ===

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            state: State::start(),
        }
    }

    /// The next event in `data`, which loses what was used of it; nothing if it is used up.
    pub(super) fn next(&mut self, data: &mut Bytes) -> Result<Option<Event>, FrameError> {
        while !data.is_empty() || self.state.is_complete() {
            if let Some(event) = self.step(data)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The data is over: whether that was the end of a message, too.
    pub(super) fn finish(&self) -> Result<(), FrameError> {
        match self.state {
            State::Prefix { have: 0, .. } => Ok(()),
            _ => Err(FrameError::Truncated),
        }
    }

    fn step(&mut self, data: &mut Bytes) -> Result<Option<Event>, FrameError> {
        match &mut self.state {
            State::Prefix { bytes, have } => {
                let take = data.len().min(GRPC - *have);
                data.split_to(take)
                    .copy_to_slice(&mut bytes[*have..*have + take]);
                *have += take;
                if *have == GRPC {
                    self.state = State::after_prefix(*bytes)?;
                }
            }
            State::Key { left: 0 } => return Ok(Some(self.piece(Bytes::new(), 0))),
            State::Key { left } => {
                let left = *left;
                self.state = match data[0] {
                    PAYLOAD => State::after_length(BytesMut::from(&data.split_to(1)[..]), left - 1),
                    _ => State::Whole {
                        seen: BytesMut::new(),
                        left,
                    },
                };
            }
            State::Length { seen, left } => {
                seen.extend_from_slice(&data.split_to(1));
                self.state = State::after_length(std::mem::take(seen), *left - 1);
            }
            State::Payload { left } => {
                let payload = data.split_to(data.len().min(*left));
                let left = *left - payload.len();
                return Ok(Some(self.piece(payload, left)));
            }
            State::Whole { seen, left } => {
                let take = data.len().min(*left);
                seen.extend_from_slice(&data.split_to(take));
                *left -= take;
                if *left == 0 {
                    let message = StreamRequest::decode(std::mem::take(seen).freeze())?;
                    self.state = State::start();
                    return Ok(event(message));
                }
            }
        }
        Ok(None)
    }

    fn piece(&mut self, payload: Bytes, left: usize) -> Event {
        self.state = match left {
            0 => State::start(),
            left => State::Payload { left },
        };
        Event::Piece {
            payload,
            last: left == 0,
        }
    }
}

fn event(message: StreamRequest) -> Option<Event> {
    match FrameType::try_from(message.frame_type) {
        Ok(FrameType::Data) => Some(Event::Piece {
            payload: message.payload,
            last: true,
        }),
        Ok(FrameType::Goaway) => Some(Event::End),
        Ok(FrameType::Ping | FrameType::RstStream) | Err(_) => {
            tracing::debug!(
                frame_type = message.frame_type,
                "a frame without meaning here"
            );
            None
        }
    }
}

/// Fills in the [`HEAD`] that was kept free in front of a payload of this length. Returns how many
/// bytes of it are not needed: the head ends where the payload begins.
pub(super) fn put_head(frame: &mut [u8], payload: usize) -> usize {
    if payload == 0 {
        // An empty message: all fields have their default.
        frame[HEAD - GRPC..HEAD].fill(0);
        return HEAD - GRPC;
    }
    let mut varint = [0; MAX_VARINT];
    let mut width = 0;
    let mut rest = payload;
    loop {
        varint[width] = (rest & 0x7f) as u8 | if rest > 0x7f { 0x80 } else { 0 };
        width += 1;
        rest >>= 7;
        if rest == 0 {
            break;
        }
    }
    let unused = MAX_VARINT - width;
    let head = &mut frame[unused..HEAD];
    head[0] = 0;
    head[1..GRPC].copy_from_slice(&((1 + width + payload) as u32).to_be_bytes());
    head[GRPC] = PAYLOAD;
    head[GRPC + 1..].copy_from_slice(&varint[..width]);
    unused
}

// === impl State ===

impl State {
    fn start() -> Self {
        Self::Prefix {
            bytes: [0; GRPC],
            have: 0,
        }
    }

    /// Whether there is an event that needs no more data.
    fn is_complete(&self) -> bool {
        matches!(
            self,
            Self::Key { left: 0 } | Self::Payload { left: 0 } | Self::Whole { left: 0, .. }
        )
    }

    fn after_prefix(bytes: [u8; GRPC]) -> Result<Self, FrameError> {
        let [flag, length @ ..] = bytes;
        let left = u32::from_be_bytes(length) as usize;
        if flag != 0 {
            return Err(FrameError::Compressed);
        }
        if left > LONGEST {
            return Err(FrameError::TooLong(left));
        }
        Ok(Self::Key { left })
    }

    /// `seen` is the key and as much of the length as has come.
    fn after_length(seen: BytesMut, left: usize) -> Self {
        let digits = &seen[1..];
        let more = digits.last().is_none_or(|byte| byte & 0x80 != 0);
        if more && digits.len() < MAX_VARINT && left > 0 {
            return Self::Length { seen, left };
        }
        let length = digits
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        if !more && length == left {
            Self::Payload { left }
        } else {
            Self::Whole { seen, left }
        }
    }
}

#[cfg(test)]
mod tests;
