//! Compressed data of clients: decoded for drivers that read, encoded for those that write.
//!
//! The data is decoded a member at a time, because that is how real files are made (`cat a.gz b.gz`,
//! `pigz`, `xz` padding) and because only between members can one tell "cut off" from "corrupt" and
//! from "followed by something else".

mod aside;
mod decode;
mod encode;
mod intake;

use super::Encoding;

pub(super) use decode::{DecodeError, decode};
pub(super) use encode::encode;
pub(super) use intake::Intake;

/// Bytes that are read, decoded and passed on at a time.
const CHUNK: usize = 256 << 10;
