//! Field numbers of Value, Struct and ListValue, and one look at a message of each kind.
//!
//! ```text
//! Value      null_value=1 | number_value=2 | string_value=3 | bool_value=4 | struct_value=5 | list_value=6
//! Struct     fields=1, an entry { key=1, value=2 } each
//! ListValue  values=1
//! ```

use crate::depth::Depth;
use crate::error::{Error, Kind};
use crate::wire::{Reader, Wire};

pub(crate) const KEY_NULL: u8 = 0x08;
pub(crate) const KEY_NUMBER: u8 = 0x11;
pub(crate) const KEY_TEXT: u8 = 0x1a;
pub(crate) const KEY_BOOL: u8 = 0x20;
pub(crate) const KEY_STRUCT: u8 = 0x2a;
pub(crate) const KEY_LIST: u8 = 0x32;

/// `ListValue.values` and `Struct.fields`.
pub(crate) const KEY_ITEM: u8 = 0x0a;
pub(crate) const KEY_ENTRY_KEY: u8 = 0x0a;
pub(crate) const KEY_ENTRY_VALUE: u8 = 0x12;

/// What a Value holds; containers and text are still encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    Null,
    Number(f64),
    Text(&'a [u8]),
    Bool(bool),
    Struct(&'a [u8]),
    List(&'a [u8]),
}

/// An entry of a Struct.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: &'a [u8],
}

// === impl View ===

impl<'a> View<'a> {
    /// Reads one field of a Value; `None` at its end.
    #[inline]
    pub(crate) fn next(reader: &mut Reader<'a>, depth: Depth) -> Result<Option<Self>, Error> {
        while let Some((field, wire)) = reader.key()? {
            return Ok(Some(match (field, wire) {
                (1, Wire::Varint) => {
                    reader.varint()?;
                    View::Null
                }
                (2, Wire::Fixed64) => View::Number(f64::from_le_bytes(reader.fixed64()?)),
                (3, Wire::Chunk) => View::Text(reader.chunk()?),
                (4, Wire::Varint) => View::Bool(reader.varint()? != 0),
                (5, Wire::Chunk) => View::Struct(reader.chunk()?),
                (6, Wire::Chunk) => View::List(reader.chunk()?),
                (1..=6, _) => return Err(Kind::Wire(field).into()),
                _ => {
                    reader.skip(field, wire, depth)?;
                    continue;
                }
            }));
        }
        Ok(None)
    }

    /// Reads a whole Value. Where a careless writer set it twice, the last one counts.
    #[inline]
    pub(crate) fn read(value: &'a [u8], depth: Depth) -> Result<Self, Error> {
        let mut reader = Reader::new(value);
        let mut view = View::Null;
        while let Some(next) = View::next(&mut reader, depth)? {
            view = next;
        }
        Ok(view)
    }
}

// === impl Entry ===

impl<'a> Entry<'a> {
    /// Reads an entry; a key or a value that was left out is empty.
    #[inline]
    pub(crate) fn read(entry: &'a [u8], depth: Depth) -> Result<Self, Error> {
        let mut reader = Reader::new(entry);
        let mut found = Entry {
            key: &[],
            value: &[],
        };
        while let Some((field, wire)) = reader.key()? {
            match (field, wire) {
                (1, Wire::Chunk) => found.key = reader.chunk()?,
                (2, Wire::Chunk) => found.value = reader.chunk()?,
                (1 | 2, _) => return Err(Kind::Wire(field).into()),
                _ => reader.skip(field, wire, depth)?,
            }
        }
        Ok(found)
    }
}

/// The next element of a ListValue or entry of a Struct.
#[inline]
pub(crate) fn next_item<'a>(
    reader: &mut Reader<'a>,
    depth: Depth,
) -> Result<Option<&'a [u8]>, Error> {
    while let Some((field, wire)) = reader.key()? {
        match (field, wire) {
            (1, Wire::Chunk) => return reader.chunk().map(Some),
            (1, _) => return Err(Kind::Wire(field).into()),
            _ => reader.skip(field, wire, depth)?,
        }
    }
    Ok(None)
}

/// Checks that text is UTF-8.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Kind::Utf8.into())
}
