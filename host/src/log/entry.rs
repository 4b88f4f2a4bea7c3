//! A line as clients get it: an encoded `LogStreamResponse`.
//!
//! Encoded at once and by hand: most lines are dropped unread when no client listens, and a line
//! in this form needs one buffer, which the queue uses again.

use jumpstarter_proto::v1::LogSource;
use prost::encoding::encode_varint;

use super::capture::Capture;
use super::level;

/// A longer message is cut: an entry must fit into a gRPC message with room to spare.
const LONGEST: usize = 64 * 1024;

const STRING: u64 = 2;
const VARINT: u64 = 0;

/// Replaces what is in `out`.
pub(super) fn encode(capture: &Capture, out: &mut Vec<u8>) {
    out.clear();
    let source = if capture.is_driver() {
        LogSource::Driver
    } else {
        LogSource::System
    };
    bytes(out, 2, level::upper(capture.level).as_bytes());
    bytes(out, 3, cut(capture.message()).as_bytes());
    number(out, 4, source as u64);
    for (name, value, _) in capture.fields() {
        match name {
            "driver_type" => bytes(out, 5, value.as_bytes()),
            "operation" => bytes(out, 6, value.as_bytes()),
            _ => pair(out, 8, name, cut(value)),
        }
    }
    let seconds = capture.stamp.seconds as u64;
    let nanos = u64::from(capture.stamp.nanos);
    head(out, 7, STRING);
    encode_varint((2 + width(seconds) + width(nanos)) as u64, out);
    number(out, 1, seconds);
    number(out, 2, nanos);
}

fn head(out: &mut Vec<u8>, field: u64, wire: u64) {
    encode_varint(field << 3 | wire, out);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    head(out, field, VARINT);
    encode_varint(value, out);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    head(out, field, STRING);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// One pair of a map.
fn pair(out: &mut Vec<u8>, field: u64, key: &str, value: &str) {
    let length = |text: &str| 1 + width(text.len() as u64) + text.len();
    head(out, field, STRING);
    encode_varint((length(key) + length(value)) as u64, out);
    bytes(out, 1, key.as_bytes());
    bytes(out, 2, value.as_bytes());
}

fn width(value: u64) -> usize {
    prost::encoding::encoded_len_varint(value)
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
