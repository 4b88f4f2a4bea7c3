//! Whatever a file says, reading it ends with a configuration or with mistakes that can be shown.

use std::path::Path;

use proptest::prelude::*;

use crate::config::{ConfigErrors, Env, Node, Source, Value, emit, parse, to_yaml};

const SAMPLE: &str = include_str!("../../../../configs/exporter-full.yaml");

fn read(text: &str) -> Result<String, String> {
    let env = Env {
        namespace: Some("lab".into()),
        name: Some("bench".into()),
    };
    match parse(&Source::new(Path::new("f.yaml"), text), &env) {
        Ok(config) => Ok(to_yaml(&config)),
        Err(error @ ConfigErrors::Mistakes(_)) => Err(error.to_string()),
        Err(other) => panic!("{other}"),
    }
}

fn text(pattern: &'static str) -> impl Strategy<Value = Node> {
    pattern.prop_map(|text: String| Node::bare(Value::Text(text)))
}

fn map(members: Vec<(&str, Node)>) -> Node {
    Node::map(
        members
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value)),
    )
}

/// Settings of a driver, anything that YAML can say.
fn settings() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|n| Value::Int(n.into())),
        any::<f64>().prop_map(Value::Float),
        "\\PC{0,8}".prop_map(Value::Text),
    ]
    .prop_map(Node::bare);
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List);
        let map = prop::collection::btree_map("[a-z]{1,4}", inner, 0..3);
        prop_oneof![list.prop_map(Node::bare), map.prop_map(Node::map)]
    });
    prop::collection::btree_map("x[a-z]{0,4}", value, 0..4).prop_map(Node::map)
}

fn entry() -> impl Strategy<Value = Node> {
    let driver = (
        text("[a-z]{1,5}\\.[A-Z]{1,3}"),
        text("\\PC{0,9}"),
        settings(),
    )
        .prop_map(|(kind, description, config)| {
            map(vec![
                ("type", kind),
                ("description", description),
                ("config", config),
            ])
        });
    driver.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[a-z]{1,4}", inner, 0..3)
            .prop_map(|children| map(vec![("children", Node::map(children))]))
    })
}

fn configuration() -> impl Strategy<Value = Node> {
    let export = prop::collection::btree_map("[a-z]{1,6}", entry(), 0..4).prop_map(Node::map);
    let script = prop_oneof![text("\\PC{0,20}"), text("[a-z $\n#:-]{0,40}")];
    (
        text("\\PC{1,12}"),
        text("(on|1:20|a\nb\n|.{0,9})"),
        export,
        script,
        any::<i64>(),
    )
        .prop_map(|(name, motd, export, script, timeout)| {
            let timeout = Node::bare(Value::Int(timeout.into()));
            let hook = map(vec![("script", script), ("timeout", timeout)]);
            map(vec![
                ("metadata", map(vec![("name", name)])),
                ("motd", motd),
                ("export", export),
                ("hooks", map(vec![("beforeLease", hook)])),
            ])
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_good_configuration_round_trips(config in configuration()) {
        let text = emit::emit(&config);
        let once = read(&text).map_err(TestCaseError::fail)?;
        let twice = read(&once).map_err(TestCaseError::fail)?;
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_spoilt_configuration_never_panics(
        cuts in prop::collection::vec(
            (any::<prop::sample::Index>(), 0..30usize, "[-:*&{}\\[\\]'\"|\n 0-9a<~]{0,4}"),
            1..8,
        )
    ) {
        let mut text: Vec<char> = SAMPLE.chars().collect();
        for (index, length, insert) in cuts {
            let at = index.index(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, insert.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(shown) = read(&text) {
            prop_assert!(shown.contains(" in f.yaml\n\nf.yaml:"), "{}", shown);
        }
    }
}
