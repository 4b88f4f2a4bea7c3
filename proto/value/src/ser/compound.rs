//! Lists and structs while they are being written.

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::Encoder;
use super::key::KeyEncoder;
use crate::depth::Depth;
use crate::error::Error;
use crate::view::{KEY_ENTRY_KEY, KEY_ENTRY_VALUE, KEY_ITEM};
use crate::wire::{close, open, put_chunk};

/// An open `ListValue`.
#[derive(Debug)]
pub(crate) struct Items<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// Of the ListValue.
    pub(super) depth: Depth,
    pub(super) start: usize,
    pub(super) variant: Option<Variant>,
}

/// An open `Struct`.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// Of the Struct.
    pub(super) depth: Depth,
    pub(super) start: usize,
    /// Where the entry began whose key is written and whose value is not.
    pub(super) entry: usize,
    pub(super) variant: Option<Variant>,
}

/// The open `{ name: ... }` around what an enum variant carries: where its parts began.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) fields: usize,
    pub(super) entry: usize,
    pub(super) value: usize,
}

// === impl Variant ===

impl Variant {
    pub(super) fn close(self, out: &mut Vec<u8>) {
        close(out, self.value);
        close(out, self.entry);
        close(out, self.fields);
    }
}

// === impl Items ===

impl Items<'_> {
    #[inline]
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let depth = self.depth.enter()?;
        let start = open(self.out, KEY_ITEM);
        value.serialize(Encoder::new(self.out, depth))?;
        close(self.out, start);
        Ok(())
    }

    #[inline]
    fn finish(self) {
        close(self.out, self.start);
        if let Some(variant) = self.variant {
            variant.close(self.out);
        }
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident)*) => {$(
        impl $trait for Items<'_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

// === impl Fields ===

impl Fields<'_> {
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        let entry = open(self.out, KEY_ITEM);
        put_chunk(self.out, KEY_ENTRY_KEY, name.as_bytes());
        self.value(entry, value)
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, entry: usize, value: &T) -> Result<(), Error> {
        let depth = self.depth.enter()?.enter()?;
        let start = open(self.out, KEY_ENTRY_VALUE);
        value.serialize(Encoder::new(self.out, depth))?;
        close(self.out, start);
        close(self.out, entry);
        Ok(())
    }

    #[inline]
    fn finish(self) {
        close(self.out, self.start);
        if let Some(variant) = self.variant {
            variant.close(self.out);
        }
    }
}

impl SerializeMap for Fields<'_> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.entry = open(self.out, KEY_ITEM);
        key.serialize(KeyEncoder { out: self.out })
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.value(self.entry, value)
    }

    #[inline]
    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl $trait for Fields<'_> {
            type Ok = ();
            type Error = Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(name, value)
            }

            #[inline]
            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
