//! Rust types, as drivers and clients declare them.
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use jumpstarter_value::{from_slice, from_struct, to_struct, to_vec, validate};

/// `value` looks like `json` on the wire, and comes back.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, json: Value) {
    let bytes = to_vec(&value).unwrap();
    validate(&bytes).unwrap();
    assert_eq!(from_slice::<Value>(&bytes).unwrap(), json);
    assert_eq!(from_slice::<T>(&bytes).unwrap(), value);
    // What serde_json makes of it is the same value; its maps may be in another order.
    assert_eq!(serde_json::to_value(&value).unwrap(), json);
    assert_eq!(from_slice::<T>(&to_vec(&json).unwrap()).unwrap(), value);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    voltage: f64,
    current: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(Vec<u8>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i8, Option<char>);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Nothing,
    One(u8),
    Two(u8, String),
    Named { x: i64, y: Option<bool> },
}

#[test]
fn plain_types() {
    check(true, json!(true));
    check('ä', json!("ä"));
    check("text".to_owned(), json!("text"));
    check(-3_i16, json!(-3));
    check(1.25_f32, json!(1.25));
    check(Some(5_u64), json!(5));
    check(None::<u64>, json!(null));
    check((), json!(null));
    check(Unit, json!(null));
    check(Wrapped(vec![1, 2]), json!([1, 2]));
    check(Pair(-1, None), json!([-1, null]));
    check((1_u8, "a".to_owned(), true), json!([1, "a", true]));
    check([1.5, 2.5], json!([1.5, 2.5]));
    check(PathBuf::from("/dev/ttyUSB0"), json!("/dev/ttyUSB0"));
    check(IpAddr::from([127, 0, 0, 1]), json!("127.0.0.1"));
    check(Duration::new(1, 5), json!({"secs": 1, "nanos": 5}));
    check(
        Reading {
            voltage: 12.5,
            current: 0.5,
        },
        json!({"voltage": 12.5, "current": 0.5}),
    );
    check(vec![Some(1), None], json!([1, null]));
    check(Vec::<u8>::new(), json!([]));
}

#[test]
fn enums() {
    check(Shape::Nothing, json!("nothing"));
    check(Shape::One(1), json!({"one": 1}));
    check(
        Shape::Two(1, "x".repeat(300)),
        json!({"two": [1, "x".repeat(300)]}),
    );
    check(
        Shape::Named { x: -1, y: None },
        json!({"named": {"x": -1, "y": null}}),
    );
    check(
        vec![Shape::Nothing, Shape::One(2)],
        json!(["nothing", {"one": 2}]),
    );
    // A unit variant may also carry null.
    assert_eq!(
        from_slice::<Shape>(&to_vec(&json!({"nothing": null})).unwrap()).unwrap(),
        Shape::Nothing
    );

    let error = |json: Value| {
        from_slice::<Shape>(&to_vec(&json).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(json!("other")),
        "unknown variant `other`, expected one of `nothing`, `one`, `two`, `named`"
    );
    assert_eq!(
        error(json!("one")),
        "invalid type: unit variant, expected newtype variant"
    );
    assert_eq!(
        error(json!("two")),
        "invalid type: unit variant, expected tuple variant"
    );
    assert_eq!(
        error(json!("named")),
        "invalid type: unit variant, expected struct variant"
    );
    assert_eq!(
        error(json!({"nothing": 1})),
        "invalid type: number 1, expected unit"
    );
    assert_eq!(
        error(json!({"one": 1, "two": 2})),
        "invalid value: struct, expected a struct with a single key"
    );
    assert_eq!(
        error(json!({})),
        "invalid value: struct, expected a struct with a single key"
    );
    assert_eq!(
        error(json!(5)),
        "invalid type: number 5, expected enum Shape"
    );
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Handle {
    ClientStream {
        uuid: String,
        x_jmp_content_encoding: Option<String>,
    },
    PresignedRequest {
        headers: BTreeMap<String, String>,
        retries: u8,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    A(u32),
    B { x: f32 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Integer(i64),
    Float(f64),
    Text(String),
    Record { a: u8 },
}

#[test]
fn enums_by_tag_or_by_guess() {
    check(
        Handle::ClientStream {
            uuid: "u".into(),
            x_jmp_content_encoding: None,
        },
        json!({"kind": "client_stream", "uuid": "u", "x_jmp_content_encoding": null}),
    );
    check(
        Handle::PresignedRequest {
            headers: BTreeMap::from([("a".into(), "b".into())]),
            retries: 3,
        },
        json!({"kind": "presigned_request", "headers": {"a": "b"}, "retries": 3}),
    );
    check(Adjacent::A(7), json!({"t": "A", "c": 7}));
    check(Adjacent::B { x: 7.5 }, json!({"t": "B", "c": {"x": 7.5}}));
    check(Loose::Integer(-4), json!(-4));
    check(Loose::Float(0.5), json!(0.5));
    check(Loose::Text("a".into()), json!("a"));
    check(Loose::Record { a: 1 }, json!({"a": 1}));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    count: u32,
    ratio: f64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Outer {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[test]
fn options_defaults_and_flattening() {
    let outer = Outer {
        name: "a".into(),
        note: None,
        inner: Inner {
            count: 3,
            ratio: 2.5,
        },
        rest: BTreeMap::from([("more".into(), json!([1, {"x": 0.5}]))]),
    };
    check(
        outer,
        json!({"name": "a", "count": 3, "ratio": 2.5, "more": [1, {"x": 0.5}]}),
    );

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default)]
    struct Settings {
        volts: f64,
        channel: Option<u8>,
        label: String,
    }
    impl Default for Settings {
        fn default() -> Self {
            Settings {
                volts: 3.3,
                channel: Some(1),
                label: "x".into(),
            }
        }
    }
    let bytes = to_vec(&json!({"channel": null, "unknown": [{"deep": 1}]})).unwrap();
    let settings: Settings = from_slice(&bytes).unwrap();
    assert_eq!(
        settings,
        Settings {
            channel: None,
            ..Settings::default()
        }
    );
}

/// JSON tells 2.0 from 2, a Value cannot: who does not say which gets the integer.
#[test]
fn whole_numbers_are_integers_to_those_who_ask_for_anything() {
    let bytes = to_vec(&2.0).unwrap();
    assert_eq!(from_slice::<Value>(&bytes).unwrap(), json!(2));
    assert_eq!(from_slice::<Loose>(&bytes).unwrap(), Loose::Integer(2));
    assert_eq!(from_slice::<f64>(&bytes).unwrap(), 2.0);

    let bytes = to_vec(&json!({"name": "a", "count": 3.0, "ratio": 2})).unwrap();
    assert_eq!(
        from_slice::<Outer>(&bytes).unwrap().inner,
        Inner {
            count: 3,
            ratio: 2.0
        }
    );
}

#[test]
fn strict_structs_say_what_they_miss() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Strict {
        volts: f64,
    }
    let error = |json: Value| {
        from_slice::<Strict>(&to_vec(&json).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(error(json!({})), "missing field `volts`");
    assert_eq!(
        error(json!({"volt": 1})),
        "unknown field `volt`, expected `volts`"
    );
    assert_eq!(
        error(json!({"volts": "1"})),
        "invalid type: string \"1\", expected f64"
    );
    assert_eq!(
        error(json!(null)),
        "invalid type: null, expected struct Strict"
    );
    // A struct may come as a list, as in JSON.
    assert_eq!(
        from_slice::<Strict>(&to_vec(&[2.5]).unwrap())
            .unwrap()
            .volts,
        2.5
    );
    assert_eq!(
        error(json!([2.5, 1, 2])),
        "invalid length 3, expected a list of 1"
    );
}

#[test]
fn lists_of_another_length_are_refused() {
    let error = from_slice::<(u8, u8)>(&to_vec(&[1, 2, 3]).unwrap())
        .unwrap_err()
        .to_string();
    assert_eq!(error, "invalid length 3, expected a list of 2");
    let error = from_slice::<(u8, u8)>(&to_vec(&[1]).unwrap())
        .unwrap_err()
        .to_string();
    assert_eq!(error, "invalid length 1, expected a tuple of size 2");
}

#[test]
fn text_is_borrowed() {
    #[derive(Debug, Deserialize)]
    struct Borrowed<'a> {
        name: &'a str,
        #[serde(borrow)]
        cow: Cow<'a, str>,
        bytes: &'a [u8],
        #[serde(borrow)]
        map: HashMap<&'a str, Option<&'a str>>,
    }
    let bytes = to_vec(&json!({"name": "a", "cow": "b", "bytes": "c", "map": {"d": "e"}})).unwrap();
    let read: Borrowed<'_> = from_slice(&bytes).unwrap();
    assert!(matches!(read.cow, Cow::Borrowed("b")));
    assert_eq!(
        (read.name, read.bytes, read.map["d"]),
        ("a", &b"c"[..], Some("e"))
    );
    let inside = bytes.as_ptr_range();
    assert!(inside.contains(&read.name.as_ptr()) && inside.contains(&read.bytes.as_ptr()));
}

#[test]
fn keys_are_spelled_out() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    struct Port(u16);

    check(
        BTreeMap::from([(-1, true), (20, false)]),
        json!({"-1": true, "20": false}),
    );
    check(
        BTreeMap::from([(u128::MAX, 0)]),
        json!({(u128::MAX.to_string()): 0}),
    );
    check(
        BTreeMap::from([(true, 1), (false, 0)]),
        json!({"true": 1, "false": 0}),
    );
    check(BTreeMap::from([('x', 1)]), json!({"x": 1}));
    check(
        BTreeMap::from([(Port(22), "ssh".to_owned())]),
        json!({"22": "ssh"}),
    );
    check(BTreeMap::from([(Shape::Nothing, 1)]), json!({"nothing": 1}));
    check(
        BTreeMap::from([(String::new(), 1), ("x".repeat(200), 2)]),
        json!({"": 1, ("x".repeat(200)): 2}),
    );
    check(
        BTreeMap::from([(IpAddr::from([10, 0, 0, 1]), 1)]),
        json!({"10.0.0.1": 1}),
    );

    let key = "a map key must be text, an integer, a bool or a char";
    assert_eq!(
        to_vec(&BTreeMap::from([((), 1)])).unwrap_err().to_string(),
        key
    );
    assert_eq!(
        to_vec(&BTreeMap::from([(vec![1], 1)]))
            .unwrap_err()
            .to_string(),
        key
    );
    assert_eq!(
        to_vec(&BTreeMap::from([(Shape::One(1), 1)]))
            .unwrap_err()
            .to_string(),
        key
    );
    assert_eq!(
        to_vec(&BTreeMap::from([(None::<u8>, 1)]))
            .unwrap_err()
            .to_string(),
        key
    );

    let error = from_slice::<BTreeMap<u8, u8>>(&to_vec(&json!({"x": 1})).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "invalid type: string \"x\", expected u8");
}

#[test]
fn what_is_displayed_is_written_at_once() {
    struct Shown;
    impl Serialize for Shown {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&format_args!("{:>200}", "x"))
        }
    }
    assert_eq!(
        to_vec(&Shown).unwrap(),
        to_vec(&format!("{:>200}", "x")).unwrap()
    );
}

#[test]
fn what_nobody_wants_is_skipped() {
    let bytes = to_vec(&json!([{"a": [1, 2]}, "b", null])).unwrap();
    assert_eq!(from_slice::<Vec<IgnoredAny>>(&bytes).unwrap().len(), 3);
}

#[test]
fn structs_on_their_own() {
    let reading = Reading {
        voltage: 1.0,
        current: 2.0,
    };
    let bytes = to_struct(&reading).unwrap();
    assert_eq!(from_struct::<Reading>(&bytes).unwrap(), reading);
    assert_eq!(from_struct::<Value>(&[]).unwrap(), json!({}));
    assert_eq!(
        from_struct::<u8>(&bytes).unwrap_err().to_string(),
        "invalid type: struct, expected u8"
    );
}
