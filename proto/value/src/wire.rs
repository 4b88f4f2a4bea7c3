//! Varints, field keys and length prefixes: the little of protobuf a Value is made of.

use crate::depth::Depth;
use crate::error::{Error, Kind};

/// How the bytes after a field key are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Varint,
    Fixed64,
    Chunk,
    GroupStart,
    GroupEnd,
    Fixed32,
}

/// A cursor over an encoded message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

// === impl Reader ===

impl<'a> Reader<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field's number and layout, `None` at the end of the message.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Option<(u32, Wire)>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = u32::try_from(self.varint()?).map_err(|_| Kind::Key)?;
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Chunk,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            _ => return Err(Kind::Key.into()),
        };
        match key >> 3 {
            0 => Err(Kind::Key.into()),
            field => Ok(Some((field, wire))),
        }
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, Error> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(byte.into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Error> {
        let mut value = 0;
        for (at, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                if at == 9 && byte > 1 {
                    return Err(Kind::Varint.into());
                }
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 {
            Kind::Truncated
        } else {
            Kind::Varint
        }
        .into())
    }

    #[inline]
    pub(crate) fn fixed64(&mut self) -> Result<[u8; 8], Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Kind::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    /// The bytes of a length-prefixed field.
    #[inline]
    pub(crate) fn chunk(&mut self) -> Result<&'a [u8], Error> {
        let length = self.varint()?;
        self.take(length)
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length).map_err(|_| Kind::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Kind::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Steps over a field nobody here knows, as a newer peer may send.
    #[cold]
    pub(crate) fn skip(&mut self, field: u32, wire: Wire, depth: Depth) -> Result<(), Error> {
        // Some readers count an unknown field as a message, so it must have room for one.
        let depth = depth.enter()?;
        match wire {
            Wire::Varint => self.varint().map(drop),
            Wire::Fixed64 => self.take(8).map(drop),
            Wire::Chunk => self.chunk().map(drop),
            Wire::Fixed32 => self.take(4).map(drop),
            Wire::GroupEnd => Err(Kind::Group.into()),
            Wire::GroupStart => loop {
                match self.key()?.ok_or(Kind::Group)? {
                    (end, Wire::GroupEnd) if end == field => return Ok(()),
                    (inner, wire) => self.skip(inner, wire, depth)?,
                }
            },
        }
    }
}

// === writing ===

#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // Truncation is the point: seven bits at a time.
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes `key`, then `bytes` with their length.
#[inline]
pub(crate) fn put_chunk(out: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    out.push(key);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Begins a field whose length is not known yet; `close` fills it in.
///
/// One byte is set aside for the length. Most values are short, and moving a long one by a byte
/// or two is a single copy, cheaper than measuring everything first.
#[inline]
pub(crate) fn open(out: &mut Vec<u8>, key: u8) -> usize {
    out.extend_from_slice(&[key, 0]);
    out.len()
}

/// Ends the field whose content began at `start`.
#[inline]
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start;
    if length < 0x80 {
        out[start - 1] = length as u8;
    } else {
        close_long(out, start, length);
    }
}

fn close_long(out: &mut Vec<u8>, start: usize, length: usize) {
    let end = out.len();
    // The prefix is built behind the content, where there is room, and swapped to the front.
    put_varint(out, length as u64);
    let prefix = out.len() - end;
    let mut copy = [0; 10];
    copy[..prefix].copy_from_slice(&out[end..]);
    out.copy_within(start..end, start + prefix - 1);
    out[start - 1..start - 1 + prefix].copy_from_slice(&copy[..prefix]);
    out.truncate(end + prefix - 1);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lengths_of_every_size_are_canonical() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 2_097_151, 2_097_152] {
            let mut out = vec![7];
            let start = open(&mut out, 0x0a);
            out.resize(start + length, b'x');
            close(&mut out, start);

            let mut expected = vec![7];
            put_chunk(&mut expected, 0x0a, &vec![b'x'; length]);
            assert_eq!(out, expected, "length {length}");
        }
    }

    #[test]
    fn varints_round_trip() {
        for value in [0, 1, 127, 128, 1 << 14, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(Reader::new(&out).varint().unwrap(), value);
            out.pop();
            assert!(Reader::new(&out).varint().is_err());
        }
    }

    #[test]
    fn varints_beyond_64_bits_are_refused() {
        let mut bytes = [0xff; 10];
        bytes[9] = 2;
        assert!(Reader::new(&bytes).varint().is_err());
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
    }

    #[test]
    fn unknown_groups_are_stepped_over() {
        // Group 9 holding varint 1 and group 2, then the end of the message.
        let bytes = [0x4b, 0x08, 0x05, 0x13, 0x14, 0x4c];
        let mut reader = Reader::new(&bytes);
        let (field, wire) = reader.key().unwrap().unwrap();
        reader.skip(field, wire, Depth::VALUE).unwrap();
        assert_eq!(reader.key().unwrap(), None);

        for cut in 1..bytes.len() {
            let mut reader = Reader::new(&bytes[..cut]);
            let (field, wire) = reader.key().unwrap().unwrap();
            assert!(reader.skip(field, wire, Depth::VALUE).is_err());
        }
    }
}
