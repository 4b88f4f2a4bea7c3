//! How deep, how large, how odd a value may be.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use prost_types::ListValue;
use serde::Serialize;
use serde_json::{Value, json};

use jumpstarter_value::{
    ListReader, ListWriter, NULL, from_slice, from_struct, to_vec, validate, write_value,
};

/// `value` inside `levels` lists, or inside structs with the key `a`.
fn nested(levels: usize, list: bool) -> Value {
    (0..levels).fold(Value::Null, |inner, _| {
        if list {
            json!([inner])
        } else {
            json!({"a": inner})
        }
    })
}

/// The same, written without regard to any limit.
fn nested_bytes(levels: usize, list: bool) -> Vec<u8> {
    (0..levels).fold(NULL.to_vec(), |inner, _| {
        let mut items = ListWriter::new();
        if list {
            items.push_raw(&inner);
        } else {
            let mut entry = vec![0x0a, 1, b'a', 0x12];
            let mut framed = ListWriter::new();
            framed.push_raw(&inner);
            entry.extend_from_slice(&framed.as_bytes()[1..]);
            items.push_raw(&entry);
        }
        let mut outer = ListWriter::new();
        outer.push_raw(items.as_bytes());
        let mut bytes = outer.into_bytes();
        bytes[0] = if list { 0x32 } else { 0x2a };
        bytes
    })
}

#[test]
fn depth_ends_where_it_does_for_others() {
    for (list, deepest) in [(true, 49), (false, 33)] {
        for levels in 1..70 {
            let bytes = nested_bytes(levels, list);
            let mut reply = ListWriter::new();
            reply.push_raw(&bytes);
            let fits = ListValue::decode(reply.as_bytes()).is_ok();

            assert_eq!(fits, levels <= deepest, "{levels} levels");
            assert_eq!(validate(&bytes).is_ok(), fits, "{levels} levels");
            assert_eq!(from_slice::<Value>(&bytes).is_ok(), fits, "{levels} levels");
            let written = to_vec(&nested(levels, list));
            assert_eq!(written.is_ok(), fits, "{levels} levels");
            assert!(written.is_err() || written.unwrap() == bytes);
        }
    }
    let error = to_vec(&nested(60, true)).unwrap_err().to_string();
    assert_eq!(
        error,
        "values are nested too deep: at most 100 messages fit into one another"
    );
}

#[test]
fn a_bottomless_pit_is_no_trouble() {
    let bytes = nested_bytes(20_000, true);
    assert!(validate(&bytes).is_err());
    assert!(from_slice::<Value>(&bytes).is_err());
    // Groups, which only ever are unknown fields, one opened inside the other.
    assert!(validate(&vec![0x3b; 100_000]).is_err());
    assert!(from_slice::<Value>(&vec![0x3b; 100_000]).is_err());
}

#[test]
fn integers_are_exact_or_refused() {
    const EXACT: i64 = 1 << 53;
    for n in [0, 1, -1, EXACT - 1, EXACT, -EXACT] {
        assert_eq!(from_slice::<i64>(&to_vec(&n).unwrap()).unwrap(), n);
        assert_eq!(from_slice::<Value>(&to_vec(&n).unwrap()).unwrap(), json!(n));
    }
    assert_eq!(
        to_vec(&(EXACT + 1)).unwrap_err().to_string(),
        "integer 9007199254740993 is beyond 2^53 and would arrive as another number, send it as \
         text instead"
    );
    for refused in [
        to_vec(&(-EXACT - 1)),
        to_vec(&u64::MAX),
        to_vec(&i128::MIN),
        to_vec(&u128::MAX),
    ] {
        assert!(refused.is_err());
    }
    assert_eq!(to_vec(&7_u128).unwrap(), to_vec(&7_i8).unwrap());
}

#[test]
fn integers_are_read_from_whole_numbers_only() {
    let number = |n: f64| to_vec(&n).unwrap();
    assert_eq!(from_slice::<u8>(&number(255.0)).unwrap(), 255);
    assert_eq!(from_slice::<u8>(&number(-0.0)).unwrap(), 0);
    assert_eq!(from_slice::<i8>(&number(-128.0)).unwrap(), -128);
    assert_eq!(from_slice::<u64>(&number(2_f64.powi(63))).unwrap(), 1 << 63);
    assert_eq!(
        from_slice::<i64>(&number(-(2_f64.powi(63)))).unwrap(),
        i64::MIN
    );
    assert_eq!(from_slice::<i128>(&number(-5.0)).unwrap(), -5);

    let error = |bytes: &[u8]| from_slice::<u32>(bytes).unwrap_err().to_string();
    for (found, expected) in [
        (number(1.5), "invalid type: number 1.5, expected u32"),
        (number(-1.0), "invalid value: number -1, expected u32"),
        (
            number(4294967296.0),
            "invalid value: number 4294967296, expected u32",
        ),
        (
            number(2_f64.powi(64)),
            "invalid value: number 18446744073709552000, expected u32",
        ),
        (NULL.to_vec(), "invalid type: null, expected u32"),
        (vec![], "invalid type: null, expected u32"),
        (
            to_vec("5").unwrap(),
            "invalid type: string \"5\", expected u32",
        ),
        (
            to_vec(&true).unwrap(),
            "invalid type: boolean `true`, expected u32",
        ),
        (to_vec(&[1]).unwrap(), "invalid type: list, expected u32"),
        (
            to_vec(&json!({})).unwrap(),
            "invalid type: struct, expected u32",
        ),
    ] {
        assert_eq!(error(&found), expected);
    }
    let long = error(&to_vec(&"ä".repeat(9_000)).unwrap());
    assert_eq!(
        long,
        format!(
            "invalid type: string \"{}\"..., expected u32",
            "ä".repeat(40)
        )
    );
}

#[test]
fn numbers_that_are_none_are_null() {
    for n in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(to_vec(&n).unwrap(), NULL);
        assert_eq!(to_vec(&(n as f32)).unwrap(), NULL);

        // A careless peer may send them all the same.
        let mut sent = vec![0x11];
        sent.extend_from_slice(&n.to_le_bytes());
        let error = validate(&sent).unwrap_err().to_string();
        assert!(
            error.ends_with(" has no place in a value, send null"),
            "{error}"
        );
        assert_eq!(from_slice::<f64>(&sent).unwrap().to_bits(), n.to_bits());
        assert!(from_slice::<i64>(&sent).is_err());
        assert_eq!(from_slice::<Value>(&sent).unwrap(), Value::Null);
    }
}

#[test]
fn floats_keep_every_bit() {
    for n in [0.1, -0.0, f64::MIN_POSITIVE, f64::MAX, 1e300, 5e-324] {
        assert_eq!(
            from_slice::<f64>(&to_vec(&n).unwrap()).unwrap().to_bits(),
            n.to_bits()
        );
        let json: Value = from_slice(&to_vec(&n).unwrap()).unwrap();
        assert_eq!(json.as_f64().unwrap().to_bits(), n.to_bits());
    }
    assert_eq!(
        from_slice::<f32>(&to_vec(&0.1_f32).unwrap()).unwrap(),
        0.1_f32
    );
}

#[test]
fn nothing_is_null() {
    assert_eq!(to_vec(&()).unwrap(), NULL);
    assert_eq!(to_vec(&None::<u8>).unwrap(), NULL);
    for bytes in [NULL, b"", &[0x08, 0x05]] {
        assert_eq!(from_slice::<Value>(bytes).unwrap(), Value::Null);
        from_slice::<()>(bytes).unwrap();
        validate(bytes).unwrap();
    }
}

#[test]
fn the_last_of_several_counts() {
    let mut bytes = to_vec("first").unwrap();
    write_value(&mut bytes, &[1]).unwrap();
    write_value(&mut bytes, &5).unwrap();
    validate(&bytes).unwrap();
    assert_eq!(from_slice::<u8>(&bytes).unwrap(), 5);

    // Two entries with one key.
    let bytes = [
        0x0a, 7, 0x0a, 1, b'a', 0x12, 2, 0x20, 0, 0x0a, 7, 0x0a, 1, b'a', 0x12, 2, 0x20, 1,
    ];
    assert!(from_struct::<HashMap<&str, bool>>(&bytes).unwrap()["a"]);
    assert_eq!(from_struct::<Value>(&bytes).unwrap(), json!({"a": true}));
}

#[test]
fn parts_that_were_left_out_are_empty() {
    // An entry without a key, one without a value, one without both.
    let bytes = [0x0a, 4, 0x12, 2, 0x20, 1, 0x0a, 3, 0x0a, 1, b'a', 0x0a, 0];
    let fields: Vec<_> = from_struct::<BTreeMap<&str, Option<bool>>>(&bytes)
        .unwrap()
        .into_iter()
        .collect();
    assert_eq!(fields, [("", None), ("a", None)]);
}

#[test]
fn fields_of_a_later_day_are_stepped_over() {
    // Field 7: a varint, eight bytes, a chunk, a group, four bytes.
    let unknown = [
        &[0x38, 0xff, 0x01][..],
        &[0x39, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0x3a, 2, 0xff, 0xff],
        &[0x3b, 0x08, 1, 0x3c],
        &[0x3d, 1, 2, 3, 4],
    ]
    .concat();
    let mut bytes = unknown.clone();
    write_value(&mut bytes, "text").unwrap();
    bytes.extend_from_slice(&unknown);
    validate(&bytes).unwrap();
    assert_eq!(from_slice::<&str>(&bytes).unwrap(), "text");

    let mut list = unknown.clone();
    list.extend_from_slice(&[0x0a, 2, 0x08, 0]);
    list.extend_from_slice(&unknown);
    assert_eq!(
        ListReader::new(&list)
            .collect::<Result<Vec<_>, _>>()
            .unwrap(),
        [NULL]
    );
}

#[test]
fn malformed_bytes_say_what_is_wrong() {
    for (bytes, expected) in [
        (
            &[0x1a, 5, b'a'][..],
            "the value ends in the middle of a field",
        ),
        (&[0x11, 0], "the value ends in the middle of a field"),
        (&[0x20], "the value ends in the middle of a field"),
        (&[0x18, 0], "field 3 has the wrong wire type"),
        (&[0x00], "a field key is malformed"),
        (&[0x0e], "a field key is malformed"),
        (&[0x1a, 1, 0xff], "text is not UTF-8"),
        (&[0x3c], "a group ends that never began, or never ends"),
        (&[0x3b], "a group ends that never began, or never ends"),
        (
            &[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
            "a varint is longer than 64 bits",
        ),
    ] {
        assert_eq!(
            validate(bytes).unwrap_err().to_string(),
            expected,
            "{bytes:02x?}"
        );
        assert_eq!(
            from_slice::<Value>(bytes).unwrap_err().to_string(),
            expected,
            "{bytes:02x?}"
        );
    }
}

#[test]
fn an_error_leaves_the_output_alone() {
    let mut out = b"before".to_vec();
    assert!(write_value(&mut out, &json!([1, {"a": u64::MAX}])).is_err());
    assert_eq!(out, b"before");
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

#[test]
fn bytes_are_text_or_refused() {
    assert_eq!(
        to_vec(&Bytes("ä".as_bytes())).unwrap(),
        to_vec("ä").unwrap()
    );
    assert_eq!(
        to_vec(&Bytes(b"abc\xff")).unwrap_err().to_string(),
        "bytes are not UTF-8 text (byte 3), send them as base64 or through a byte stream instead"
    );
}
