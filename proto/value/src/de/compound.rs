//! Lists and structs while they are being read.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess};

use super::Decoder;
use super::key::KeyDecoder;
use crate::depth::Depth;
use crate::error::Error;
use crate::view::{Entry, next_item};
use crate::wire::Reader;

/// The rest of a `ListValue`.
#[derive(Debug)]
pub(super) struct Items<'de> {
    reader: Reader<'de>,
    /// Of the ListValue.
    depth: Depth,
    taken: usize,
}

/// The rest of a `Struct`.
#[derive(Debug)]
pub(super) struct Fields<'de> {
    reader: Reader<'de>,
    /// Of the Struct.
    depth: Depth,
    /// The value whose key was handed out, and its depth.
    value: (&'de [u8], Depth),
}

// === impl Items ===

impl<'de> Items<'de> {
    #[inline]
    pub(super) fn new(list: &'de [u8], depth: Depth) -> Self {
        Self {
            reader: Reader::new(list),
            depth,
            taken: 0,
        }
    }

    /// Complains about elements the visitor left over: they would silently be lost.
    #[inline]
    pub(super) fn finish(mut self) -> Result<(), Error> {
        let taken = self.taken;
        while next_item(&mut self.reader, self.depth)?.is_some() {
            self.taken += 1;
        }
        if self.taken == taken {
            Ok(())
        } else {
            let expected = format!("a list of {taken}");
            Err(Error::invalid_length(self.taken, &expected.as_str()))
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(value) = next_item(&mut self.reader, self.depth)? else {
            return Ok(None);
        };
        self.taken += 1;
        seed.deserialize(Decoder::read(value, self.depth.enter()?)?)
            .map(Some)
    }
}

// === impl Fields ===

impl<'de> Fields<'de> {
    #[inline]
    pub(super) fn new(fields: &'de [u8], depth: Depth) -> Self {
        Self {
            reader: Reader::new(fields),
            depth,
            value: (&[], depth),
        }
    }
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(entry) = next_item(&mut self.reader, self.depth)? else {
            return Ok(None);
        };
        let depth = self.depth.enter()?;
        let entry = Entry::read(entry, depth)?;
        self.value = (entry.value, depth);
        seed.deserialize(KeyDecoder { key: entry.key }).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (value, depth) = self.value;
        seed.deserialize(Decoder::in_entry(value, depth)?)
    }
}
