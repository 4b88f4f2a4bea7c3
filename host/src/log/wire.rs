//! Protobuf by hand, for the two messages a line becomes.
//!
//! A message built as a struct first would cost a heap allocation per text and a hash map per line;
//! these write straight into a buffer that is used again.

use prost::encoding::encode_varint;

use super::stamp::Stamp;

/// A longer message is cut: an entry must fit into a gRPC message with room to spare.
pub(super) const LONGEST: usize = 64 * 1024;

const STRING: u64 = 2;
const VARINT: u64 = 0;

fn head(out: &mut Vec<u8>, field: u64, wire: u64) {
    encode_varint(field << 3 | wire, out);
}

pub(super) fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    head(out, field, VARINT);
    encode_varint(value, out);
}

pub(super) fn text(out: &mut Vec<u8>, field: u64, value: &str) {
    head(out, field, STRING);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value.as_bytes());
}

/// One pair of a map.
pub(super) fn pair(out: &mut Vec<u8>, field: u64, key: &str, value: &str) {
    let length = |text: &str| 1 + width(text.len() as u64) + text.len();
    head(out, field, STRING);
    encode_varint((length(key) + length(value)) as u64, out);
    text(out, 1, key);
    text(out, 2, value);
}

/// A `google.protobuf.Timestamp`.
pub(super) fn stamp(out: &mut Vec<u8>, field: u64, stamp: Stamp) {
    let seconds = stamp.seconds as u64;
    let nanos = u64::from(stamp.nanos);
    head(out, field, STRING);
    encode_varint((2 + width(seconds) + width(nanos)) as u64, out);
    number(out, 1, seconds);
    number(out, 2, nanos);
}

fn width(value: u64) -> usize {
    prost::encoding::encoded_len_varint(value)
}

/// As much of `text` as fits into `most` bytes, in whole characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
