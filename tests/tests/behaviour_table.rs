//! `BEHAVIOUR.md` names a test for every line, and the tests it names exist.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// How many lines there are.
const LINES: usize = 171;

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Number and tests of every row.
fn rows() -> Vec<(usize, Vec<String>)> {
    let text = fs::read_to_string(root().join("tests/BEHAVIOUR.md")).unwrap();
    let cells = text.lines().filter_map(|line| {
        let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
        let [number, what, tests] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("three cells, not: {line}");
        };
        assert!(!what.is_empty());
        Some((number.parse().ok()?, tests))
    });
    let names = |tests: &str| {
        let tests = tests.split("<br>");
        let bare = tests.map(|test| test.strip_prefix('`')?.strip_suffix('`'));
        bare.map(|test| test.expect("a test in backticks").to_owned())
            .collect()
    };
    cells
        .map(|(number, tests)| (number, names(tests)))
        .collect()
}

/// The tests of a file that run by default.
fn tests_of(path: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(path));
    let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
    let python = path.ends_with(".py");
    let mut tests = BTreeSet::new();
    // Attributes since the last line that was none.
    let mut attributes = String::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") || line.starts_with("//") {
            attributes.push_str(line);
            if !line.contains(" fn ") {
                continue;
            }
        }
        let attributes = std::mem::take(&mut attributes);
        let declared = if python {
            line.strip_prefix("def test_")
                .map(|rest| format!("test_{rest}"))
        } else {
            let attributed = attributes.contains("#[test]") || attributes.contains("tokio::test");
            let declared = line.split("fn ").nth(1).map(str::to_owned);
            declared.filter(|_| attributed && !attributes.contains("#[ignore"))
        };
        if let Some(declared) = declared {
            let end = declared.find(|c: char| !c.is_alphanumeric() && c != '_');
            tests.insert(declared[..end.unwrap_or(declared.len())].to_owned());
        }
    }
    tests.extend(told(&text));
    tests
}

/// The stories of which macros make tests: those of our own crate, or of the file itself.
fn told(text: &str) -> Vec<String> {
    let mut stories = Vec::new();
    for call in text.split("\n\n").map(str::trim_start) {
        let Some((name, rest)) = call.split_once("![") else {
            continue;
        };
        let own = ["three_ways", "both_clients", "at_our_controller"].contains(&name);
        let here = text.contains("#[test] fn $");
        let there = text.contains(&format!("macro_rules! {name}"));
        if own || (here && there) {
            let list = rest.split("];").next().unwrap_or_default();
            let names = list.split(',').map(str::trim);
            stories.extend(names.filter(|it| !it.is_empty()).map(str::to_owned));
        }
    }
    let declared = |name: &String| {
        let start = format!("\nfn {name}");
        text.contains(&format!("{start}(")) || text.contains(&format!("{start}<"))
    };
    stories.retain(declared);
    stories
}

#[test]
fn no_line_is_missing() {
    let numbers: Vec<_> = rows().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=LINES).collect::<Vec<_>>());
    for (number, tests) in rows() {
        assert!(!tests.is_empty(), "nothing shows line {number}");
    }
}

#[test]
fn every_test_exists() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut missing = Vec::new();
    for (number, tests) in rows() {
        for test in tests {
            let (path, name) = test.rsplit_once("::").expect("path::function");
            let tests = known
                .entry(path.to_owned())
                .or_insert_with(|| tests_of(path));
            if !tests.contains(name) {
                missing.push(format!("line {number}: {test}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_test_is_known_by_its_attribute() {
    let here = tests_of("tests/tests/behaviour_table.rs");
    let here: Vec<_> = here.iter().map(String::as_str).collect();
    assert_eq!(
        here,
        [
            "a_test_is_known_by_its_attribute",
            "every_test_exists",
            "no_line_is_missing"
        ]
    );
    let python = tests_of("tests/python/test_logs.py");
    assert!(
        python.iter().all(|name| name.starts_with("test_")),
        "{python:?}"
    );
    assert!(!python.is_empty());
    // It is there, and only runs when another test asks for it.
    assert!(!tests_of("host/tests/telemetry.rs").contains("speaker"));
}
