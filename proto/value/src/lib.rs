//! Rust values to and from the bytes of `google.protobuf.Value`, with no tree in between.
//!
//! Arguments and results of driver calls travel as protobuf Values. Building a tree of maps and
//! vectors only to walk it once costs more than the call itself, so this crate lets serde write
//! the bytes and read them:
//!
//! ```text
//!   T: Serialize ──to_vec──▶  1a 05 h e l l o  ──from_slice──▶ T: Deserialize (may borrow &str)
//!                                   │
//!                                validate: is this a Value others can read? (no allocation)
//! ```
//!
//! What a Value can hold, and what follows from it:
//!
//! * Numbers are doubles. Integers are written up to 2^53 either way and refused beyond, because
//!   they would arrive as a neighbour. An integer is read from any double without a fraction.
//! * NaN and the infinities have no place in a Value; they are written as null.
//! * Bytes are written as text when they are UTF-8 and refused otherwise.
//! * Structs and maps become structs, keys become text. Enums look as `serde_json` writes them.
//! * An empty slice is a Value nobody filled in, and reads as null.
//! * Messages nest at most 100 deep, counted as other protobuf readers count them.

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod de;
mod depth;
mod error;
mod list;
mod ser;
mod structs;
mod validate;
mod view;
mod wire;

pub use error::Error;
pub use list::{ListReader, ListWriter};
pub use structs::{from_struct, to_struct};
pub use validate::validate;

use serde::{Deserialize, Serialize};

/// The encoded null Value.
pub const NULL: &[u8] = &[view::KEY_NULL, 0];

/// Encodes `value` as a `google.protobuf.Value`.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(32);
    write_value(&mut out, value)?;
    Ok(out)
}

/// Appends `value`, encoded as a `google.protobuf.Value`, to `out`.
///
/// On error `out` is as long as it was before.
pub fn write_value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    let start = out.len();
    let written = value.serialize(ser::Encoder::new(out, depth::Depth::VALUE));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Decodes an encoded `google.protobuf.Value`; no bytes at all are null.
pub fn from_slice<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    T::deserialize(de::Decoder::read(bytes, depth::Depth::VALUE)?)
}
