//! Groups and proxies, as a person at `j` sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{Lab, Peer};

/// Proxies before their targets, to a leaf and to a group.
const TREE: &str = "\
proxy0: {ref: composite1.power1}
proxy1: {ref: composite1}
power0: {type: jumpstarter_driver_power.driver.MockPower}
composite1:
  children:
    power1: {type: jumpstarter_driver_power.driver.MockPower}";

#[test]
fn every_path_leads_to_a_switch() {
    let lab = Lab::new();
    let exporter = lab.exporter(TREE).start();
    for path in [
        &["proxy0"][..],
        &["proxy1", "power1"],
        &["power0"],
        &["composite1", "power1"],
    ] {
        exporter.j(path.iter().chain(&["on"])).succeeds();
        exporter
            .j(path.iter().chain(&["read"]))
            .succeeds()
            .prints("voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA");
    }
}

#[test]
fn help_lists_what_is_there() {
    let lab = Lab::new();
    let exporter = lab.exporter(TREE).start();
    let help = exporter.j(["--help"]);
    help.succeeds()
        .prints("composite1")
        .prints("power0")
        .prints("proxy0")
        .prints("proxy1");
    exporter
        .j(["composite1", "--help"])
        .succeeds()
        .prints("power1");
    exporter.j(["proxy1", "--help"]).succeeds().prints("power1");
    exporter
        .j(["proxy0", "--help"])
        .succeeds()
        .prints("on")
        .prints("off")
        .prints("cycle")
        .prints("read");
}

#[tokio::test]
async fn the_report_repeats_targets_in_the_place_of_their_proxies() {
    let lab = Lab::new();
    let exporter = lab.exporter(TREE).start();
    let report = Peer::of(&exporter).await.report.reports;
    let names: Vec<_> = report
        .iter()
        .map(|node| {
            node.labels
                .get("jumpstarter.dev/name")
                .map_or("-", String::as_str)
        })
        .collect();
    let order = [
        "-",
        "proxy0",
        "proxy1",
        "power1",
        "power0",
        "composite1",
        "power1",
    ];
    assert_eq!(names, order);

    let [root, proxy0, proxy1, in_proxy1, power0, composite1, power1] = &report[..] else {
        panic!("seven nodes");
    };
    assert_eq!(root.parent_uuid, None);
    assert_eq!(proxy0.uuid, power1.uuid);
    assert_eq!(in_proxy1.uuid, power1.uuid);
    assert_eq!(proxy1.uuid, composite1.uuid);
    assert_ne!(power0.uuid, power1.uuid);
    for child in [proxy0, proxy1, power0, composite1] {
        assert_eq!(child.parent_uuid.as_ref(), Some(&root.uuid));
    }
    for child in [in_proxy1, power1] {
        assert_eq!(child.parent_uuid.as_ref(), Some(&composite1.uuid));
    }
}

#[test]
fn descriptions_are_the_help() {
    let lab = Lab::new();
    let export = "\
left:
  type: jumpstarter_driver_power.driver.MockPower
  description: the one on the left
  methods_description: {\"on\": lights it up}";
    let exporter = lab.exporter(export).start();
    exporter
        .j(["--help"])
        .succeeds()
        .prints("the one on the left");
    exporter
        .j(["left", "--help"])
        .succeeds()
        .prints("the one on the left")
        .prints("lights it up");
}
