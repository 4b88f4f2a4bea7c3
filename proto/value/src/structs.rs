//! Values that are known to be structs: `google.protobuf.Struct` on its own.

use serde::{Deserialize, Serialize};

use crate::de::Decoder;
use crate::depth::Depth;
use crate::error::{Error, Kind};
use crate::to_vec;
use crate::view::{KEY_STRUCT, View};
use crate::wire::Reader;

/// Encodes a map or a struct as a `google.protobuf.Struct`.
pub fn to_struct<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut bytes = to_vec(value)?;
    if bytes.first() != Some(&KEY_STRUCT) {
        return Err(Kind::NotAStruct.into());
    }
    // The Value is nothing but a key, a length and the Struct.
    let mut reader = Reader::new(&bytes[1..]);
    let fields = reader.chunk()?.len();
    bytes.drain(..bytes.len() - fields);
    Ok(bytes)
}

/// Decodes a `google.protobuf.Struct` into a map or a struct.
pub fn from_struct<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    T::deserialize(Decoder::new(View::Struct(bytes), Depth::VALUE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn maps_round_trip() {
        let map: BTreeMap<String, String> = (0..40)
            .map(|n| (format!("key{n}"), "x".repeat(n)))
            .collect();
        let bytes = to_struct(&map).unwrap();
        assert_eq!(
            from_struct::<BTreeMap<String, String>>(&bytes).unwrap(),
            map
        );
        assert!(
            to_struct(&BTreeMap::<String, u8>::new())
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn other_values_are_refused() {
        for error in [
            to_struct(&5),
            to_struct("a"),
            to_struct(&[1]),
            to_struct(&()),
        ] {
            assert!(
                error
                    .unwrap_err()
                    .to_string()
                    .contains("`google.protobuf.Struct`")
            );
        }
    }
}
