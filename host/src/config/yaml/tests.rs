#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{MAX_DEPTH, Value, parse};

/// The document as JSON text, or the first line of the mistake.
fn read(text: &str) -> String {
    match parse(text) {
        Ok(document) => document.root.to_json().to_string(),
        Err(mistake) => mistake.message,
    }
}

#[test]
fn plain_scalars_have_pyyaml_types_and_others_are_text() {
    let text = "a: yes\nb: 'yes'\nc: 0755\nd: \"0755\"\ne: |\n  on\nf: !!str 5\ng: !!int '5'\nh: !!float 5\n";
    assert_eq!(
        read(text),
        r#"{"a":true,"b":"yes","c":493,"d":"0755","e":"on\n","f":"5","g":5,"h":5.0}"#
    );
}

#[test]
fn keys_are_taken_as_written() {
    let document = parse("on: 1\n0x10: 2\n\"off\": 3\nnull: 4\n1.50: 5\n").unwrap();
    let Value::Map(members) = document.root.value else {
        panic!("a mapping");
    };
    let keys: Vec<_> = members.iter().map(|m| (m.key.as_str(), m.odd)).collect();
    assert_eq!(
        keys,
        [
            ("on", true),
            ("16", true),
            ("off", false),
            ("null", true),
            ("1.50", true)
        ]
    );
}

#[test]
fn every_value_knows_its_place() {
    let document = parse("a:\n  b: [1, two]\n  ünï: \"x\"\n").unwrap();
    let a = document.root.member("a").unwrap();
    assert_eq!((a.place.line, a.place.column, a.place.width), (1, 1, 1));
    let b = a.value.member("b").unwrap();
    assert_eq!((b.place.line, b.place.column), (2, 3));
    let Value::List(items) = &b.value.value else {
        panic!("a list");
    };
    assert_eq!(
        (
            items[1].place.line,
            items[1].place.column,
            items[1].place.width
        ),
        (2, 10, 3)
    );
    let x = a.value.get("ünï").unwrap();
    assert_eq!((x.place.line, x.place.column, x.place.width), (3, 8, 3));
}

#[test]
fn the_last_of_two_equal_keys_wins_with_a_warning() {
    let document = parse("a: 1\nb: 2\na: 3\n").unwrap();
    assert_eq!(document.root.to_json().to_string(), r#"{"a":3,"b":2}"#);
    assert_eq!(document.warnings.len(), 1);
    assert_eq!(document.warnings[0].place.line, 3);
    assert_eq!(
        document.warnings[0].message,
        "`a` is written twice; this one wins over line 1"
    );
}

#[test]
fn aliases_and_merge_keys_work_as_in_pyyaml() {
    for (text, json) in [
        ("a: &x {p: 1}\nb: *x\n", r#"{"a":{"p":1},"b":{"p":1}}"#),
        ("&k key: *k\n", r#"{"key":"key"}"#),
        ("a: &x on\nb: *x\n*x : 1\n", r#"{"a":true,"b":true,"on":1}"#),
        (
            "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
            r#"{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}"#,
        ),
        ("b: {q: 3, <<: {q: 4, r: 5}}\n", r#"{"b":{"q":3,"r":5}}"#),
        (
            "b: {<<: [{p: 1}, {p: 2, q: 2}]}\n",
            r#"{"b":{"p":1,"q":2}}"#,
        ),
        ("b: {<<: {p: 1}, <<: {p: 2}}\n", r#"{"b":{"p":2}}"#),
        ("b: {\"<<\": 1}\n", r#"{"b":{"<<":1}}"#),
        ("a: &x 1\nb: &x 2\nc: *x\n", r#"{"a":1,"b":2,"c":2}"#),
    ] {
        assert_eq!(read(text), json, "{text}");
        assert!(parse(text).unwrap().warnings.is_empty(), "{text}");
    }
    assert_eq!(
        read("{<<: 5}"),
        "`<<` takes a mapping or a list of mappings, not the integer 5"
    );
    assert_eq!(
        read("{<<: [{}, x]}"),
        "`<<` takes a mapping or a list of mappings, not the text \"x\""
    );
}

#[test]
fn an_order_is_kept_as_a_python_dict_keeps_it() {
    let document = parse("base: &b {x: 1, y: 2}\nc: {z: 0, <<: *b, x: 9}\n").unwrap();
    let c = document.root.get("c").unwrap();
    let Value::Map(members) = &c.value else {
        panic!("a mapping");
    };
    let keys: Vec<_> = members.iter().map(|m| m.key.as_str()).collect();
    assert_eq!(keys, ["x", "y", "z"]);
}

#[test]
fn what_is_not_one_document_is_refused() {
    assert_eq!(read(""), "null");
    assert_eq!(read("# only a comment\n"), "null");
    assert_eq!(read("---\na: 1\n...\n"), r#"{"a":1}"#);
    assert_eq!(read("\u{feff}a: 1\n"), r#"{"a":1}"#);
    assert!(read("a: 1\n---\nb: 2\n").starts_with("a second document begins here"));
    for text in [
        "a: [1",
        "a: \"x",
        "a: b: c",
        "*nope",
        "{a: 1}}",
        "a: !foo 1",
        "[1]: 2",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(parse("a: &a [*a]").is_err());
}

#[test]
fn a_syntax_error_has_a_place() {
    let mistake = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    assert!(
        mistake.message.starts_with("this is not YAML: "),
        "{}",
        mistake.message
    );
    assert!(mistake.place.line >= 2, "{:?}", mistake.place);
}

#[test]
fn alias_bombs_and_deep_nesting_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        bomb += &format!(
            "a{level}: &a{level} [{}]\n",
            [alias.as_str(); 10].join(", ")
        );
    }
    assert!(read(&bomb).starts_with("aliases stand for more than"));

    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..2 * MAX_DEPTH {
        chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(read(&chain).starts_with("nested more than"));
    assert!(parse(&"[".repeat(5000)).is_err());
    assert!(parse(&"- ".repeat(5000)).is_err());
}

const SAMPLE: &str = include_str!("../../../../configs/exporter-full.yaml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        drop(parse(&text));
    }

    #[test]
    fn random_yaml_never_panics(text in "[-a-c0-9:?*&!|>'\"%@{}\\[\\], \t\n#<~._]{0,80}") {
        drop(parse(&text));
    }

    #[test]
    fn a_mutated_configuration_never_panics(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), "[-:*&{}\\[\\]'\"|\n\t a<]{0,3}"), 1..6)
    ) {
        let mut text: Vec<char> = SAMPLE.chars().collect();
        for (index, insert) in cuts {
            let at = index.index(text.len());
            let end = (at + insert.len() % 3).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(mistake) = parse(&text) {
            let source = crate::config::Source::new(std::path::Path::new("f"), &text);
            prop_assert!(!mistake.show(&source, "").is_empty());
        }
    }
}
