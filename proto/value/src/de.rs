//! Reading: a serde `Deserializer` straight over the encoded Value.

mod compound;
mod key;
mod variant;

use serde::Deserializer;
use serde::de::{Error as _, Unexpected, Visitor};

use crate::depth::Depth;
use crate::error::Error;
use crate::view::{View, text};

use compound::{Fields, Items};
use variant::Choice;

/// Doubles up to here that have no fraction are shown to self-describing types as integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// One Value, opened far enough to know its kind.
#[derive(Debug)]
pub(crate) struct Decoder<'de> {
    view: View<'de>,
    depth: Depth,
}

// === impl Decoder ===

impl<'de> Decoder<'de> {
    #[inline]
    pub(crate) fn new(view: View<'de>, depth: Depth) -> Self {
        Self { view, depth }
    }

    #[inline]
    pub(crate) fn read(value: &'de [u8], depth: Depth) -> Result<Self, Error> {
        Ok(Self::new(View::read(value, depth)?, depth))
    }

    /// The value of an entry at `depth`; one that was left out is null and no further message.
    #[inline]
    fn in_entry(value: &'de [u8], depth: Depth) -> Result<Self, Error> {
        Self::read(
            value,
            if value.is_empty() {
                depth
            } else {
                depth.enter()?
            },
        )
    }

    /// The error for a Value of the wrong kind.
    #[cold]
    fn mismatch<'v, V: Visitor<'v>>(&self, visitor: V) -> Error {
        let found = match self.view {
            View::Null => Unexpected::Unit,
            View::Number(n) => Unexpected::Float(n),
            View::Bool(b) => Unexpected::Bool(b),
            View::Struct(_) => Unexpected::Map,
            View::List(_) => Unexpected::Seq,
            View::Text(bytes) => match text(bytes) {
                Ok(text) => Unexpected::Str(text),
                Err(error) => return error,
            },
        };
        Error::invalid_type(found, &visitor)
    }

    /// A whole number goes to the visitor, which knows its own range.
    #[inline]
    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        const MAX: f64 = 18_446_744_073_709_551_616.0;
        const MIN: f64 = -9_223_372_036_854_775_808.0;
        match self.view {
            View::Number(n) if n.fract() != 0.0 => Err(self.mismatch(visitor)),
            View::Number(n) if (0.0..MAX).contains(&n) => visitor.visit_u64(n as u64),
            View::Number(n) if (MIN..0.0).contains(&n) => visitor.visit_i64(n as i64),
            View::Number(n) => Err(Error::invalid_value(Unexpected::Float(n), &visitor)),
            _ => Err(self.mismatch(visitor)),
        }
    }

    #[inline]
    fn list<V: Visitor<'de>>(self, list: &'de [u8], visitor: V) -> Result<V::Value, Error> {
        let mut items = Items::new(list, self.depth.enter()?);
        let value = visitor.visit_seq(&mut items)?;
        items.finish()?;
        Ok(value)
    }

    #[inline]
    fn fields<V: Visitor<'de>>(self, fields: &'de [u8], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Fields::new(fields, self.depth.enter()?))
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.integer(visitor)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.view {
                View::Text(bytes) => visitor.visit_borrowed_str(text(bytes)?),
                _ => Err(self.mismatch(visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Null => visitor.visit_unit(),
            View::Bool(b) => visitor.visit_bool(b),
            // Flattened and untagged types look at a number before they know what they want from
            // it, and then take an integer for a float but never the other way round.
            View::Number(n) if n.fract() == 0.0 && n.abs() <= EXACT => {
                if n == 0.0 && n.is_sign_negative() {
                    visitor.visit_f64(n)
                } else {
                    self.integer(visitor)
                }
            }
            View::Number(n) => visitor.visit_f64(n),
            View::Text(bytes) => visitor.visit_borrowed_str(text(bytes)?),
            View::Struct(fields) => self.fields(fields, visitor),
            View::List(list) => self.list(list, visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    texts! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Bool(b) => visitor.visit_bool(b),
            _ => Err(self.mismatch(visitor)),
        }
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Number(n) => visitor.visit_f64(n),
            _ => Err(self.mismatch(visitor)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Text(bytes) => visitor.visit_borrowed_bytes(text(bytes)?.as_bytes()),
            View::List(list) => self.list(list, visitor),
            _ => Err(self.mismatch(visitor)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Null => visitor.visit_unit(),
            _ => Err(self.mismatch(visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::List(list) => self.list(list, visitor),
            _ => Err(self.mismatch(visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.view {
            View::Struct(fields) => self.fields(fields, visitor),
            _ => Err(self.mismatch(visitor)),
        }
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.view {
            View::Struct(fields) => self.fields(fields, visitor),
            View::List(list) => self.list(list, visitor),
            _ => Err(self.mismatch(visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.view {
            View::Text(name) => visitor.visit_enum(Choice::named(name)),
            View::Struct(fields) => visitor.visit_enum(Choice::carrying(fields, self.depth)?),
            _ => Err(self.mismatch(visitor)),
        }
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
