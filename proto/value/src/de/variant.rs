//! Enums: `"Name"`, or `{"Name": what it carries}`.

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, Unexpected, VariantAccess, Visitor};

use super::Decoder;
use super::key::KeyDecoder;
use crate::depth::Depth;
use crate::error::Error;
use crate::view::{Entry, next_item};
use crate::wire::Reader;

/// The name of a variant and, unless it came as plain text, the Value it carries.
#[derive(Debug)]
pub(super) struct Choice<'de> {
    name: &'de [u8],
    carried: Option<Decoder<'de>>,
}

/// What the chosen variant carries.
#[derive(Debug)]
pub(super) struct Carried<'de>(Option<Decoder<'de>>);

// === impl Choice ===

impl<'de> Choice<'de> {
    pub(super) fn named(name: &'de [u8]) -> Self {
        Self {
            name,
            carried: None,
        }
    }

    /// `depth` is that of the Value which holds the struct.
    pub(super) fn carrying(fields: &'de [u8], depth: Depth) -> Result<Self, Error> {
        let depth = depth.enter()?;
        let mut reader = Reader::new(fields);
        let first = next_item(&mut reader, depth)?;
        let (Some(entry), None) = (first, next_item(&mut reader, depth)?) else {
            return Err(Error::invalid_value(
                Unexpected::Map,
                &"a struct with a single key",
            ));
        };
        let depth = depth.enter()?;
        let entry = Entry::read(entry, depth)?;
        let carried = Decoder::in_entry(entry.value, depth)?;
        Ok(Self {
            name: entry.key,
            carried: Some(carried),
        })
    }
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Error;
    type Variant = Carried<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Carried<'de>), Error> {
        let variant = seed.deserialize(KeyDecoder { key: self.name })?;
        Ok((variant, Carried(self.carried)))
    }
}

// === impl Carried ===

impl<'de> Carried<'de> {
    fn get(self, expected: &str) -> Result<Decoder<'de>, Error> {
        self.0
            .ok_or_else(|| Error::invalid_type(Unexpected::UnitVariant, &expected))
    }
}

impl<'de> VariantAccess<'de> for Carried<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some(value) => serde::Deserialize::deserialize(value),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.get("newtype variant")?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        self.get("tuple variant")?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.get("struct variant")?
            .deserialize_struct("", fields, visitor)
    }
}
