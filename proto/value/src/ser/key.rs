//! Keys of maps: whatever has one obvious spelling becomes text.

use std::fmt::Display;
use std::io::Write;

use serde::ser::{Impossible, Serialize, Serializer};

use crate::error::{Error, Kind};
use crate::view::KEY_ENTRY_KEY;
use crate::wire::{close, open, put_chunk};

/// Appends the key of an entry to `out`.
#[derive(Debug)]
pub(super) struct KeyEncoder<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

macro_rules! spelled {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, key: $type) -> Result<(), Error> {
            self.collect_str(&key)
        }
    )*};
}

macro_rules! refused {
    ($($method:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $method(self, $($arg: $type),*) -> Result<$result, Error> {
            Err(Kind::MapKey.into())
        }
    )*};
}

impl Serializer for KeyEncoder<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    #[inline]
    fn serialize_str(self, key: &str) -> Result<(), Error> {
        put_chunk(self.out, KEY_ENTRY_KEY, key.as_bytes());
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, key: &T) -> Result<(), Error> {
        let start = open(self.out, KEY_ENTRY_KEY);
        write!(self.out, "{key}").map_err(Error::display)?;
        close(self.out, start);
        Ok(())
    }

    spelled! {
        serialize_bool(bool) serialize_char(char)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128) serialize_u128(u128)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<(), Error> {
        key.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        key: &T,
    ) -> Result<(), Error> {
        key.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<(), Error> {
        Err(Kind::MapKey.into())
    }

    refused! {
        serialize_f32(_n: f32) -> ();
        serialize_f64(_n: f64) -> ();
        serialize_bytes(_bytes: &[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(_name: &'static str) -> ();
        serialize_seq(_len: Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(_len: usize) -> Self::SerializeTuple;
        serialize_tuple_struct(_name: &'static str, _len: usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(
            _name: &'static str, _index: u32, _variant: &'static str, _len: usize
        ) -> Self::SerializeTupleVariant;
        serialize_map(_len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(_name: &'static str, _len: usize) -> Self::SerializeStruct;
        serialize_struct_variant(
            _name: &'static str, _index: u32, _variant: &'static str, _len: usize
        ) -> Self::SerializeStructVariant;
    }
}
