//! How trees of drivers come to life and end: in which order, and what is told when one does not
//! open or close.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod family;

use std::{fs, time::Duration};

use family::{config, open};
use jumpstarter_host::tree::TreeErrors;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(2);

fn lines(error: &TreeErrors) -> Vec<String> {
    error.to_string().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_failure_is_told_and_nothing_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let config = config(&format!(
        "  good: {{type: family.driver.Parent, config: {{journal: {journal}}}}}
  bad: {{type: family.driver.Parent, config: {{fail: true}}}}
  above:
    type: family.driver.Parent
    config: {{journal: {journal}}}
    children:
      worse: {{type: family.driver.Parent, config: {{fail: true}}}}",
        journal = journal.display(),
    ));
    let Err(error) = open(&config).await else {
        panic!("two drivers fail");
    };
    assert_eq!(
        lines(&error),
        [
            "2 drivers did not open",
            "lab.yaml:4:3: driver `bad` (family.driver.Parent): told to fail",
            "lab.yaml:9:7: driver `above.worse` (family.driver.Parent): told to fail",
        ]
    );
    assert_eq!(
        fs::read_to_string(&journal).unwrap(),
        "open good\nclose good\n"
    );
}

#[tokio::test]
async fn references_to_what_nobody_brought_are_failures() {
    let config = config(
        "  q: {type: family.driver.Parent}
  r: {ref: q.power}",
    );
    let Err(error) = open(&config).await else {
        panic!("q brings nothing");
    };
    assert_eq!(
        lines(&error),
        [
            "lab.yaml:4:12: driver `r` (reference): Proxy driver r references nonexistent driver q.power; there is nothing below `q`"
        ]
    );
}

#[tokio::test]
async fn drivers_open_after_their_children_and_close_before_them() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let driver = |children: &str| {
        let journal = journal.display();
        format!(
            "{{type: family.driver.Parent, config: {{journal: {journal}}}, children: {{{children}}}}}"
        )
    };
    let tree = format!(
        "  a: {}\n  b: {}\n  again: {{ref: a}}",
        driver(&format!("a1: {}, a2: {}", driver(""), driver(""))),
        driver("")
    );
    let home = open(&config(&tree)).await.unwrap();
    assert_eq!(
        fs::read_to_string(&journal).unwrap(),
        "open a.a1\nopen a.a2\nopen a\nopen b\n"
    );
    fs::remove_file(&journal).unwrap();
    home.tree.close(LIMIT).await;
    home.tree.close(LIMIT).await;
    let closed = fs::read_to_string(&journal).unwrap();
    let mut lines: Vec<_> = closed.lines().collect();
    let place = |name: &str| {
        lines
            .iter()
            .position(|line| *line == format!("close {name}"))
            .unwrap()
    };
    assert!(
        place("a") < place("a.a1") && place("a") < place("a.a2"),
        "{closed}"
    );
    lines.sort_unstable();
    assert_eq!(lines, ["close a", "close a.a1", "close a.a2", "close b"]);
}

#[tokio::test]
async fn a_driver_that_does_not_close_does_not_keep_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let journal = journal.display();
    let home = open(&config(&format!(
        "  stuck:
    type: family.driver.Parent
    config: {{hang: true, journal: {journal}}}
    children: {{below: {{type: family.driver.Parent, config: {{journal: {journal}}}}}}}
  sore: {{type: family.driver.Parent, config: {{journal: {journal}}}}}"
    )))
    .await
    .unwrap();
    let closing = home.tree.close(Duration::from_millis(600));
    let closed = timeout(Duration::from_secs(60), closing).await;
    closed.expect("it hangs: it waits for a driver that never closes");
    let text = fs::read_to_string(folder.path().join("journal")).unwrap();
    for name in ["stuck", "stuck.below", "sore"] {
        assert!(
            text.lines().any(|line| line == format!("close {name}")),
            "{name}: {text}"
        );
    }
}

#[tokio::test]
async fn settings_of_the_host_do_not_reach_the_driver_and_others_must_fit() {
    // The schema of the plugin allows none of the three.
    let config = config(
        "  p:
    type: family.driver.Parent
    config: {uuid: 7a2f0a58-2f55-4f4b-9d36-0c8b7a4f5b11, log_level: ERROR, labels: {a: b}}",
    );
    let home = open(&config).await.unwrap();
    assert_eq!(
        home.driver("p").uuid.to_string(),
        "7a2f0a58-2f55-4f4b-9d36-0c8b7a4f5b11"
    );
    home.tree.close(LIMIT).await;

    let config = family::config(
        "  p: {type: family.driver.Parent, config: {fial: true, hang: 1}}
  q: {type: family.driver.Parnt}
  r: {type: family.driver.Parnt}
  u: {type: family.driver.Child, config: {uuid: 7a2f0a58-2f55-4f4b-9d36-0c8b7a4f5b11}}
  v: {type: family.driver.Child, config: {uuid: 7a2f0a58-2f55-4f4b-9d36-0c8b7a4f5b11}}",
    );
    let Err(TreeErrors::Config(mistakes)) = open(&config).await else {
        panic!("five mistakes");
    };
    let text: Vec<_> = mistakes
        .list
        .iter()
        .map(|m| {
            format!(
                "{}:{} {}: {}",
                m.place.line, m.place.column, m.path, m.message
            )
        })
        .collect();
    assert_eq!(text.len(), 5, "{text:#?}");
    assert_eq!(
        text[0],
        "3:44 export.p.config.fial: unknown key, did you mean `fail`?"
    );
    assert_eq!(
        text[1],
        "3:62 export.p.config.hang: expected true or false, found the integer 1"
    );
    assert!(
        text[2].starts_with("4:13 export.q.type: no driver class `family.driver.Parnt`")
            && text[2].contains("family.driver.Parent"),
        "{}",
        text[2]
    );
    assert_eq!(
        text[3],
        "5:13 export.r.type: driver class `family.driver.Parnt` cannot be used, see above"
    );
    assert_eq!(
        text[4],
        "7:49 export.v.config.uuid: `u` has the same uuid; every driver needs its own"
    );
}
