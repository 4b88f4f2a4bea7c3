//! Several Values in a row: the arguments of a call, a batch of a stream.
//!
//! They are framed as a `google.protobuf.ListValue`, so that any protobuf library can make or
//! take them.

use serde::Serialize;

use crate::depth::Depth;
use crate::error::Error;
use crate::ser::Encoder;
use crate::view::{KEY_ITEM, next_item};
use crate::wire::{Reader, close, open, put_chunk};

/// Builds an encoded ListValue, Value by Value.
#[derive(Debug, Default, Clone)]
pub struct ListWriter {
    bytes: Vec<u8>,
    len: usize,
}

/// Hands out the encoded Values of an encoded ListValue.
///
/// It ends after the first error. The Values are cut apart, not looked into.
#[derive(Debug, Clone)]
pub struct ListReader<'a> {
    reader: Reader<'a>,
}

// === impl ListWriter ===

impl ListWriter {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for `bytes` bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            len: 0,
        }
    }

    /// Appends a value; on error the list stays as it was.
    pub fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let before = self.bytes.len();
        let start = open(&mut self.bytes, KEY_ITEM);
        match value.serialize(Encoder::new(&mut self.bytes, Depth::VALUE)) {
            Ok(()) => {
                close(&mut self.bytes, start);
                self.len += 1;
                Ok(())
            }
            Err(error) => {
                self.bytes.truncate(before);
                Err(error)
            }
        }
    }

    /// Appends a Value that is encoded already.
    pub fn push_raw(&mut self, value: &[u8]) {
        put_chunk(&mut self.bytes, KEY_ITEM, value);
        self.len += 1;
    }

    /// The number of Values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no Values.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Drops the Values and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.len = 0;
    }

    /// The encoded list so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The encoded list.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

// === impl ListReader ===

impl<'a> ListReader<'a> {
    /// Reads the encoded ListValue `list`.
    pub fn new(list: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(list),
        }
    }
}

impl<'a> Iterator for ListReader<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = next_item(&mut self.reader, Depth::VALUE).transpose();
        if matches!(item, Some(Err(_))) {
            self.reader = Reader::new(&[]);
        }
        item
    }
}

impl std::iter::FusedIterator for ListReader<'_> {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{NULL, from_slice};

    #[test]
    fn values_come_back_in_order() {
        let mut list = ListWriter::with_capacity(8);
        list.push(&1).unwrap();
        list.push("a".repeat(500).as_str()).unwrap();
        list.push_raw(NULL);
        list.push_raw(&[]);
        assert_eq!(list.len(), 4);

        let bytes = list.clone().into_bytes();
        let items: Vec<_> = ListReader::new(&bytes).map(Result::unwrap).collect();
        assert_eq!(items.len(), 4);
        assert_eq!(from_slice::<u8>(items[0]).unwrap(), 1);
        assert_eq!(from_slice::<&str>(items[1]).unwrap().len(), 500);
        assert_eq!(from_slice::<Option<u8>>(items[2]).unwrap(), None);
        assert_eq!(from_slice::<Option<u8>>(items[3]).unwrap(), None);

        list.clear();
        assert!(list.is_empty() && list.as_bytes().is_empty());
    }

    #[test]
    fn a_refused_value_leaves_no_trace() {
        let mut list = ListWriter::new();
        list.push(&1).unwrap();
        let before = list.as_bytes().to_vec();
        assert!(list.push(&vec![1, u64::MAX]).is_err());
        assert_eq!(list.as_bytes(), before);
        assert_eq!(list.len(), 1);
    }

    #[test]
    fn it_ends_after_an_error() {
        let mut reader = ListReader::new(&[0x0a, 0x02, 0x08, 0x00, 0x0a, 0x05, 0x08]);
        assert_eq!(reader.next().unwrap().unwrap(), NULL);
        assert!(reader.next().unwrap().is_err());
        assert!(reader.next().is_none());
    }
}
