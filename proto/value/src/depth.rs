//! How deep a Value may nest.
//!
//! Readers of protobuf stop at 100 messages inside one another, and they count every message: a
//! list is two (`ListValue`, `Value`), a struct three (`Struct`, its entry, `Value`). A Value always
//! travels inside a request or a reply, so it starts as message number one. Counting any other way
//! would let through what the peer then refuses.

use crate::error::{Error, Kind};

const LIMIT: u8 = 100;

/// The number of messages around the current spot, itself included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth(u8);

impl Depth {
    /// Inside the outermost Value.
    pub(crate) const VALUE: Depth = Depth(1);

    /// One message further in.
    #[inline]
    pub(crate) fn enter(self) -> Result<Depth, Error> {
        if self.0 < LIMIT {
            Ok(Depth(self.0 + 1))
        } else {
            Err(Kind::Depth.into())
        }
    }
}
