//! Whatever the bytes are, nothing panics, and what `validate` lets through everybody can read.
#![allow(clippy::unwrap_used)]

mod tree;

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Value};
use serde::Deserialize;

use jumpstarter_value::{ListReader, ListWriter, from_slice, from_struct, to_vec, validate};
use tree::tree;

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
struct Record<'a> {
    #[serde(borrow)]
    a: Option<&'a str>,
    #[serde(default)]
    b: Vec<Choice>,
    c: Option<(i8, char)>,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
enum Choice {
    A,
    B(u16),
    C(f32, bool),
    D { x: i128 },
}

#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u32),
    Insert(Index, u8),
    Remove(Index),
    Repeat(Index, Index),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (at(), 0..8_u32).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => at().prop_map(Damage::Remove),
        1 => (at(), at()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        1 => at().prop_map(Damage::Cut),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match damage {
        Damage::Set(at, byte) => bytes[at.index(length)] = *byte,
        Damage::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Damage::Insert(at, byte) => bytes.insert(at.index(length), *byte),
        Damage::Remove(at) => drop(bytes.remove(at.index(length))),
        Damage::Repeat(from, to) => {
            let (from, to) = (from.index(length), to.index(length));
            let piece = bytes[from.min(to)..from.max(to)].to_vec();
            bytes.splice(from..from, piece);
        }
        Damage::Cut(at) => bytes.truncate(at.index(length)),
    }
}

/// Reads `bytes` as prost does where they are one message further in, as they are in a reply.
fn prost_reads(bytes: &[u8]) -> Option<Value> {
    let mut list = ListWriter::new();
    list.push_raw(bytes);
    ListValue::decode(list.as_bytes())
        .ok()
        .map(|mut list| list.values.remove(0))
}

fn is_finite(value: &Value) -> bool {
    match &value.kind {
        Some(Kind::NumberValue(n)) => n.is_finite(),
        Some(Kind::ListValue(list)) => list.values.iter().all(is_finite),
        Some(Kind::StructValue(fields)) => fields.fields.values().all(is_finite),
        _ => true,
    }
}

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let valid = validate(bytes);
    let theirs = prost_reads(bytes);
    if valid.is_ok() {
        prop_assert!(
            theirs.as_ref().is_some_and(is_finite),
            "prost refuses {bytes:02x?}"
        );
        let read = from_slice::<serde_json::Value>(bytes);
        prop_assert!(read.is_ok(), "{read:?}: {bytes:02x?}");
    }
    // What only we refuse: numbers no JSON can hold, also where a later field replaces them and
    // prost shows them no more, and entries of a map that are no chunks, which prost mistakes for
    // some.
    if let (Err(error), Some(_)) = (&valid, &theirs) {
        let error = error.to_string();
        let known = error.contains("has no place in a value") || error.contains("field 1 ");
        prop_assert!(known, "{error}: {bytes:02x?}");
    }

    let _typed = from_slice::<Record<'_>>(bytes);
    let _typed = from_slice::<Choice>(bytes);
    let _typed = from_slice::<Vec<HashMap<i32, Option<f64>>>>(bytes);
    let _typed = from_struct::<Record<'_>>(bytes);
    for item in ListReader::new(bytes).flatten() {
        let _skimmed = validate(item);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_values(
        tree in tree("[a-c]{0,2}"),
        damage in prop::collection::vec(damage(), 1..6),
    ) {
        let mut bytes = to_vec(&tree).unwrap();
        for damage in &damage {
            apply(&mut bytes, damage);
        }
        check(&bytes)?;
    }

    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        check(&bytes)?;
    }

    /// Only bytes that mean something at the start of a field, so that more of it is well-formed.
    #[test]
    fn plausible_noise(
        bytes in prop::collection::vec(
            prop::sample::select(&[0, 1, 2, 4, 8, 10, 0x11, 0x12, 0x1a, 0x20, 0x2a, 0x32, 0x33,
                0x34, 0x3a, 0x3b, 0x3c, 0x61, 0x80][..]),
            0..40,
        ),
    ) {
        check(&bytes)?;
    }
}

/// Every prefix of a value, and every single byte replaced by every other.
#[test]
fn every_small_damage() {
    let value =
        serde_json::json!({"a": "x", "b": [true, null, {"C": [0.5, false]}], "c": [1, "y"]});
    let bytes = to_vec(&value).unwrap();
    for cut in 0..bytes.len() {
        check(&bytes[..cut]).unwrap();
    }
    for at in 0..bytes.len() {
        for byte in 0..=u8::MAX {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            check(&bytes).unwrap();
        }
    }
}
