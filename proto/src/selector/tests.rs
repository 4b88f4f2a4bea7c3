#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Selector {
    text.parse().unwrap()
}

fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn one_canonical_spelling() {
    for (text, expected) in [
        ("", ""),
        (" , ,", ""),
        ("board=imx8", "board=imx8"),
        (" board == imx8 ", "board=imx8"),
        ("board=", "board="),
        ("board!=imx8", "board notin (imx8)"),
        ("board != b, board!=a", "board notin (a,b)"),
        ("board in ( b , a,b)", "board in (a,b)"),
        ("board in(a)", "board in (a)"),
        ("board notin (a)", "board notin (a)"),
        ("board in ()", "board in ()"),
        ("board", "board"),
        ("! board", "!board"),
        ("in", "in"),
        ("notin in (in)", "notin in (in)"),
        ("z=1,a=2,m,a=2", "a=2,m,z=1"),
        ("example.com/board=A.b_c-9", "example.com/board=A.b_c-9"),
        ("a in (x,y),b=1,!c", "a in (x,y),b=1,!c"),
    ] {
        assert_eq!(parse(text).to_string(), expected, "{text:?}");
    }
}

#[test]
fn mistakes_name_their_place() {
    for (text, expected) in [
        ("=a", "`` is no label"),
        ("-a=b", "`-a` is no label"),
        ("Example/a", "`Example/a` is no label"),
        ("a/b/c", "`a/b/c` is no label"),
        ("a=b=c", "`b=c` is no value for label `a`"),
        ("a=b c", "`b c` is no value for label `a`"),
        ("a in (b/c)", "`b/c` is no value for label `a`"),
        ("a>1", "cannot read `>1` after `a`"),
        ("a inside (b)", "cannot read `inside (b)` after `a`"),
        ("a IN (b)", "cannot read `IN (b)` after `a`"),
        ("a in b", "the values of `a` belong in parentheses"),
        ("a in (b", "the values of `a` belong in parentheses"),
        ("a in (b,c=d", "the values of `a` belong in parentheses"),
    ] {
        let error = text.parse::<Selector>().unwrap_err().to_string();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    assert!("a".repeat(64).parse::<Selector>().is_err());
    assert!("a".repeat(63).parse::<Selector>().is_ok());
}

#[test]
fn matching() {
    let labels = labels("board=imx8,rack=");
    for (selector, expected) in [
        ("", true),
        ("board=imx8", true),
        ("board=imx9", false),
        ("board=imx8,rack=1", false),
        ("rack=", true),
        ("owner=", false),
        ("board!=imx9", true),
        ("board!=imx8", false),
        ("owner!=me", true),
        ("board in (imx8,imx9)", true),
        ("owner in (me)", false),
        ("board notin (imx8,imx9)", false),
        ("owner notin (me)", true),
        ("rack", true),
        ("owner", false),
        ("!owner", true),
        ("!rack", false),
    ] {
        let found = parse(selector).matches(|key| labels.get(key).map(String::as_str));
        assert_eq!(found, expected, "{selector:?}");
    }
}

prop_compose! {
    fn value()(text in "([a-c]([a-c0-9._-]{0,3}[a-c0-9])?)?") -> String { text }
}

fn test() -> impl Strategy<Value = Test> {
    let values = || prop::collection::btree_set(value(), 1..4);
    prop_oneof![
        value().prop_map(Test::Equals),
        values().prop_map(Test::In),
        values().prop_map(Test::NotIn),
        Just(Test::Exists),
        Just(Test::Absent),
    ]
}

fn selector() -> impl Strategy<Value = Selector> {
    let key = "([a-b]{1,2}\\.[a-b]/)?[a-c]";
    let requirement = (key, test()).prop_map(|(key, test)| Requirement { key, test });
    prop::collection::vec(requirement, 0..6).prop_map(Selector::new)
}

proptest! {
    #[test]
    fn what_is_printed_can_be_read(selector in selector()) {
        prop_assert_eq!(selector.to_string().parse(), Ok(selector));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-b=!(), in<>./-]{0,20}|\\PC{0,20}") {
        if let Ok(selector) = text.parse::<Selector>() {
            prop_assert_eq!(selector.to_string().parse(), Ok(selector));
        }
    }

    /// Bringing requirements into canonical form does not change what they match.
    #[test]
    fn order_and_merging_change_nothing(
        requirements in prop::collection::vec(
            ("[a-c]", test()).prop_map(|(key, test)| Requirement { key, test }), 0..6),
        labels in prop::collection::btree_map("[a-c]", value(), 0..3),
    ) {
        let label = |key: &str| labels.get(key).map(String::as_str);
        let plain = requirements.iter().all(|r| r.test.holds(label(&r.key)));
        prop_assert_eq!(Selector::new(requirements).matches(label), plain);
    }
}
