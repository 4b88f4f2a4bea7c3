//! Is this a Value that every peer can read?
//!
//! The exporter asks before it passes a plugin's reply on: one malformed reply would otherwise
//! break the decoder of the client, far from the plugin that wrote it.

use crate::depth::Depth;
use crate::error::{Error, Kind};
use crate::view::{View, next_item, text};
use crate::wire::{Reader, Wire};

/// Checks an encoded `google.protobuf.Value` without decoding it.
///
/// Accepted is what [`from_slice`](crate::from_slice) reads and other protobuf libraries read too:
/// whole fields of the right kind, UTF-8 text, finite numbers, at most 100 messages deep.
pub fn validate(value: &[u8]) -> Result<(), Error> {
    check_value(value, Depth::VALUE)
}

fn check_value(value: &[u8], depth: Depth) -> Result<(), Error> {
    let mut reader = Reader::new(value);
    // Every occurrence is looked at, not only the last: peers decode them all.
    while let Some(view) = View::next(&mut reader, depth)? {
        match view {
            View::Null | View::Bool(_) => {}
            View::Number(n) if n.is_finite() => {}
            View::Number(n) => return Err(Kind::NotFinite(n).into()),
            View::Text(bytes) => drop(text(bytes)?),
            View::Struct(fields) => check_struct(fields, depth.enter()?)?,
            View::List(values) => check_list(values, depth.enter()?)?,
        }
    }
    Ok(())
}

fn check_list(list: &[u8], depth: Depth) -> Result<(), Error> {
    let mut reader = Reader::new(list);
    while let Some(value) = next_item(&mut reader, depth)? {
        check_value(value, depth.enter()?)?;
    }
    Ok(())
}

pub(crate) fn check_struct(fields: &[u8], depth: Depth) -> Result<(), Error> {
    let mut reader = Reader::new(fields);
    while let Some(entry) = next_item(&mut reader, depth)? {
        check_entry(entry, depth.enter()?)?;
    }
    Ok(())
}

fn check_entry(entry: &[u8], depth: Depth) -> Result<(), Error> {
    let mut reader = Reader::new(entry);
    while let Some((field, wire)) = reader.key()? {
        match (field, wire) {
            (1, Wire::Chunk) => drop(text(reader.chunk()?)?),
            (2, Wire::Chunk) => check_value(reader.chunk()?, depth.enter()?)?,
            (1 | 2, _) => return Err(Kind::Wire(field).into()),
            _ => reader.skip(field, wire, depth)?,
        }
    }
    Ok(())
}
