//! Writing: a serde `Serializer` whose output is the encoded Value itself.

mod compound;
mod key;

use std::fmt::Display;
use std::io::Write;

use serde::{Serialize, Serializer};

use crate::depth::Depth;
use crate::error::{Error, Kind};
use crate::view::{
    KEY_BOOL, KEY_ENTRY_KEY, KEY_ENTRY_VALUE, KEY_ITEM, KEY_LIST, KEY_NULL, KEY_NUMBER, KEY_STRUCT,
    KEY_TEXT,
};
use crate::wire::{close, open, put_chunk};

use compound::{Fields, Items, Variant};

/// The largest integer whose neighbours are doubles too.
const EXACT: u64 = 1 << 53;

/// Appends one Value to `out`.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    depth: Depth,
}

// === impl Encoder ===

impl<'a> Encoder<'a> {
    #[inline]
    pub(crate) fn new(out: &'a mut Vec<u8>, depth: Depth) -> Self {
        Self { out, depth }
    }

    #[inline]
    fn null(self) {
        self.out.extend_from_slice(&[KEY_NULL, 0]);
    }

    #[inline]
    fn number(self, n: f64) {
        if n.is_finite() {
            self.out.push(KEY_NUMBER);
            self.out.extend_from_slice(&n.to_le_bytes());
        } else {
            self.null();
        }
    }

    /// Opens `{ name: ... }`, the shape of an enum variant that carries something.
    fn variant(&mut self, name: &str) -> Result<Variant, Error> {
        let fields_depth = self.depth.enter()?;
        let value_depth = fields_depth.enter()?.enter()?;
        let fields = open(self.out, KEY_STRUCT);
        let entry = open(self.out, KEY_ITEM);
        put_chunk(self.out, KEY_ENTRY_KEY, name.as_bytes());
        let value = open(self.out, KEY_ENTRY_VALUE);
        self.depth = value_depth;
        Ok(Variant {
            fields,
            entry,
            value,
        })
    }

    fn list(self, variant: Option<Variant>) -> Result<Items<'a>, Error> {
        let depth = self.depth.enter()?;
        let start = open(self.out, KEY_LIST);
        Ok(Items {
            out: self.out,
            depth,
            start,
            variant,
        })
    }

    fn fields(self, variant: Option<Variant>) -> Result<Fields<'a>, Error> {
        let depth = self.depth.enter()?;
        let start = open(self.out, KEY_STRUCT);
        Ok(Fields {
            out: self.out,
            depth,
            start,
            entry: start,
            variant,
        })
    }
}

macro_rules! integers {
    ($($method:ident($type:ty))*) => {$(
        #[inline]
        fn $method(self, n: $type) -> Result<(), Error> {
            // Narrow types never fail, and the compiler knows it.
            #[allow(clippy::unnecessary_cast, clippy::cast_lossless)]
            if (n as i128).unsigned_abs() > EXACT as u128 {
                return Err(Kind::Integer(n as i128).into());
            }
            self.number(n as f64);
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Encoder<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Fields<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

    integers! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_i128(i128)
    }

    fn serialize_u128(self, n: u128) -> Result<(), Error> {
        // What does not even fit is reported as the nearest that does; both are far too large.
        self.serialize_i128(i128::try_from(n).unwrap_or(i128::MAX))
    }

    #[inline]
    fn serialize_bool(self, b: bool) -> Result<(), Error> {
        self.out.extend_from_slice(&[KEY_BOOL, b.into()]);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, n: f32) -> Result<(), Error> {
        self.number(n.into());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, n: f64) -> Result<(), Error> {
        self.number(n);
        Ok(())
    }

    fn serialize_char(self, c: char) -> Result<(), Error> {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Error> {
        put_chunk(self.out, KEY_TEXT, text.as_bytes());
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, text: &T) -> Result<(), Error> {
        let start = open(self.out, KEY_TEXT);
        write!(self.out, "{text}").map_err(Error::display)?;
        close(self.out, start);
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        let text = std::str::from_utf8(bytes).map_err(|e| Kind::Bytes(e.valid_up_to()))?;
        self.serialize_str(text)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.null();
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let variant = self.variant(variant)?;
        value.serialize(Encoder::new(self.out, self.depth))?;
        variant.close(self.out);
        Ok(())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Items<'a>, Error> {
        self.list(None)
    }

    fn serialize_tuple(self, _len: usize) -> Result<Items<'a>, Error> {
        self.list(None)
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Items<'a>, Error> {
        self.list(None)
    }

    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Items<'a>, Error> {
        let variant = self.variant(variant)?;
        self.list(Some(variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Fields<'a>, Error> {
        self.fields(None)
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Fields<'a>, Error> {
        self.fields(None)
    }

    fn serialize_struct_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Fields<'a>, Error> {
        let variant = self.variant(variant)?;
        self.fields(Some(variant))
    }
}
