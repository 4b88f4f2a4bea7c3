//! Trees of drivers that bring children and use each other: a plugin in C, loaded as any other.

#![allow(clippy::unwrap_used)]

mod family;

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use family::{config, open};
use jumpstarter_host::tree::Kind;

const LIMIT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn references_repeat_what_they_refer_to() {
    let config = config(
        "  x: {type: family.driver.Child}
  power: {type: family.driver.Child}
  grp: {children: {inner: {type: family.driver.Child}}}
  ref1: {ref: grp.inner}
  ref2: {ref: grp}",
    );
    let home = open(&config).await.unwrap();
    assert_eq!(
        home.shape(),
        [
            "=R",
            "x=x<R",
            "power=power<R",
            "grp=grp<R",
            "inner=grp.inner<grp",
            "ref1=grp.inner<R",
            "ref2=grp<R",
            "inner=grp.inner<grp",
        ]
    );
    assert_eq!(
        home.call("grp.inner", "who", &[]).await.unwrap(),
        "\"grp.inner\""
    );
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn references_may_come_first_and_lead_to_references() {
    let config = config(
        "  proxy0: {ref: composite1.power1}
  proxy1: {ref: composite1}
  proxy2: {ref: proxy0}
  power0: {type: family.driver.Child}
  composite1: {children: {power1: {type: family.driver.Child}}}",
    );
    let home = open(&config).await.unwrap();
    assert_eq!(
        home.shape(),
        [
            "=R",
            "proxy0=composite1.power1<R",
            "proxy1=composite1<R",
            "power1=composite1.power1<composite1",
            "proxy2=composite1.power1<R",
            "power0=power0<R",
            "composite1=composite1<R",
            "power1=composite1.power1<composite1",
        ]
    );
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn children_that_a_driver_brings_are_part_of_the_tree() {
    let config = config(
        "  early: {ref: q.b.c}
  q:
    type: family.driver.Parent
    config: {brings: true, labels: {shelf: two}}
    children: {own: {type: family.driver.Child}, a: {type: family.driver.Silent}}
  late: {ref: q.b}",
    );
    let home = open(&config).await.unwrap();
    assert_eq!(
        home.shape(),
        [
            "=R",
            "early=q.b.c<R",
            "q=q<R",
            "own=q.own<q",
            "a=q.a<q",
            "b=q.b<q",
            "c=q.b.c<q.b",
            "late=q.b<R",
            "c=q.b.c<q.b",
        ]
    );
    let labels = |path: &str| {
        let uuid = home.driver(path).uuid.to_string();
        home.tree
            .reports()
            .iter()
            .find(|r| r.uuid == uuid)
            .unwrap()
            .labels
            .clone()
    };
    let q = labels("q");
    assert_eq!(q["made"], "here");
    assert_eq!(q["shelf"], "two");
    assert_eq!(q["jumpstarter.dev/client"], "family.client.Client");
    // A type that its plugin does not describe, and one that it does.
    assert_eq!(
        labels("q.b")["jumpstarter.dev/client"],
        "jumpstarter.client.DriverClient"
    );
    assert_eq!(home.driver("q.b").class, "Box");
    assert_eq!(home.driver("q").category, "console");
    assert!(home.driver("q.b").method("anything", Kind::Call).is_ok());
    assert!(home.driver("q.a").method("anything", Kind::Call).is_err());
    assert_eq!(home.call("q.b.c", "who", &[]).await.unwrap(), "\"q.b.c\"");
    // The driver's own child took the place of the one in the configuration.
    assert_eq!(home.call("q.a", "who", &[]).await.unwrap(), "\"q.a\"");
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn a_driver_knows_the_help_of_its_methods_better_than_the_configuration() {
    let config = config(
        "  q:
    type: family.driver.Parent
    methods_description: {who: from the file, there: also from the file}
    config: {brings: true}
  p: {type: family.driver.Parent, methods_description: {who: from the file}}",
    );
    let home = open(&config).await.unwrap();
    let texts = |path: &str| {
        let uuid = home.driver(path).uuid.to_string();
        let report = home.tree.reports().iter().find(|r| r.uuid == uuid);
        let texts = &report.unwrap().methods_description;
        let mut texts: Vec<_> = texts
            .iter()
            .map(|(key, text)| format!("{key}: {text}"))
            .collect();
        texts.sort();
        texts
    };
    assert_eq!(
        texts("q"),
        [
            "hi: Greets",
            "there: also from the file",
            "who: Tells its name"
        ]
    );
    assert_eq!(texts("p"), ["who: from the file"]);
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn a_driver_uses_its_children_also_through_references() {
    let config = config(
        "  p:
    type: family.driver.Parent
    children:
      mine: {type: family.driver.Child}
      far: {ref: grp}
      led: {ref: grp.led}
      brought: {ref: q.b.c}
  grp: {children: {led: {type: family.driver.Child}}}
  q: {type: family.driver.Parent, config: {brings: true}}",
    );
    let home = open(&config).await.unwrap();
    for (path, name) in [
        ("mine", "p.mine"),
        ("led", "grp.led"),
        ("far.led", "grp.led"),
        ("brought", "q.b.c"),
    ] {
        assert_eq!(
            home.call("p", "ask", &[path]).await.unwrap(),
            format!("{name:?}")
        );
    }
    for (path, error) in [
        ("far", "NotFound: `far` is a group, it has no methods"),
        (
            "nope",
            "NotFound: driver `p` has no child `nope`; it has `mine`, `far`, `led`, `brought`",
        ),
        (
            "mine.x",
            "NotFound: driver `p.mine` has no child `x`; it has none",
        ),
        (
            "",
            "NotFound: driver `p` has no child ``; it has `mine`, `far`, `led`, `brought`",
        ),
    ] {
        assert_eq!(home.call("p", "ask", &[path]).await.unwrap_err(), error);
    }
    let composite = "jumpstarter_driver_composite.driver.Composite";
    assert_eq!(
        home.call("p", "kin", &[]).await.unwrap(),
        format!(
            r#"[{{"name":"mine","type":"family.driver.Child"}},{{"name":"far","type":"{composite}"}},{{"name":"led","type":"family.driver.Child"}},{{"name":"brought","type":"family.driver.Child"}}]"#
        )
    );
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn children_are_open_before_their_parent_and_others_are_not_promised() {
    let config = config(
        "  p:
    type: family.driver.Parent
    config: {asks: mine}
    children: {mine: {type: family.driver.Child}}
  r:
    type: family.driver.Parent
    config: {asks: later}
    children: {later: {ref: s}}
  t:
    type: family.driver.Parent
    config: {asks: brought}
    children: {brought: {ref: s.a}}
  s: {type: family.driver.Parent, config: {brings: true}}",
    );
    let home = open(&config).await.unwrap();
    let description = |path: &str| {
        let uuid = home.driver(path).uuid.to_string();
        home.tree
            .reports()
            .iter()
            .find(|r| r.uuid == uuid)
            .unwrap()
            .description
            .clone()
    };
    assert_eq!(description("p").as_deref(), Some("p.mine"));
    // 14 is UNAVAILABLE.
    assert_eq!(
        description("r").as_deref(),
        Some("14: driver `later` is not open yet")
    );
    assert_eq!(
        description("t").as_deref(),
        Some("14: driver `brought` is not open yet")
    );
    assert_eq!(
        home.call("t", "ask", &["brought"]).await.unwrap(),
        "\"s.a\""
    );
    home.tree.close(LIMIT).await;
}

#[tokio::test]
async fn the_session_folder_is_private_and_lazy() {
    let home = open(&config(
        "  p: {type: family.driver.Parent}\n  q: {type: family.driver.Parent}",
    ))
    .await
    .unwrap();
    let session = home.folder.path().join("session");
    assert!(!session.exists());
    let p = home.call("p", "folder", &[]).await.unwrap();
    assert_eq!(home.call("p", "folder", &[]).await.unwrap(), p);
    assert_ne!(home.call("q", "folder", &[]).await.unwrap(), p);
    let path: String = serde_json::from_str(&p).unwrap();
    assert!(path.starts_with(session.to_str().unwrap()));
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert_eq!(
        fs::metadata(&session).unwrap().permissions().mode() & 0o777,
        0o700
    );
    home.tree.close(LIMIT).await;
}
