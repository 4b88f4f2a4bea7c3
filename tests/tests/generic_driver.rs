//! A driver that no client has heard of: the PDU written in C. Its methods come with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_tests::{Lab, Peer};

const PDU: &str = "\
pdu: {type: jumpstarter_driver_example_c.driver.Pdu}
power: {type: jumpstarter_driver_example_c.driver.Power}";

#[test]
fn outlets_are_switched_and_listed() {
    let lab = Lab::new();
    let exporter = lab.exporter(PDU).start();
    exporter
        .j(["pdu", "set-outlet", "3", "true"])
        .succeeds()
        .prints(r#"{"number":3,"on":true}"#);
    exporter
        .j(["pdu", "outlets"])
        .succeeds()
        .prints(r#"{"number":3,"on":true}"#)
        .prints(r#"{"number":1,"on":false}"#);
    let log = exporter.log();
    log.wait_for("outlet 3 on", jumpstarter_tests::PATIENCE)
        .expect("the C driver's own line");
}

#[test]
fn a_stream_prints_as_it_comes() {
    let lab = Lab::new();
    let exporter = lab.exporter(PDU).start();
    let two = exporter.j(["pdu", "temperatures", "2"]);
    two.succeeds();
    assert_eq!(two.stdout, "21.0\n21.5");
    let as_many_as_it_likes = exporter.j(["pdu", "temperatures"]);
    assert_eq!(as_many_as_it_likes.succeeds().stdout.lines().count(), 3);
}

#[test]
fn help_knows_the_methods_and_their_arguments() {
    let lab = Lab::new();
    let exporter = lab.exporter(PDU).start();
    exporter
        .j(["pdu", "--help"])
        .succeeds()
        .prints("set-outlet")
        .prints("Switch one outlet")
        .prints("temperatures");
    exporter
        .j(["pdu", "set-outlet", "--help"])
        .succeeds()
        .prints("NUMBER")
        .prints("ON");
}

#[test]
fn wrong_arguments_are_named() {
    let lab = Lab::new();
    let exporter = lab.exporter(PDU).start();
    exporter
        .j(["pdu", "set-outlet", "3"])
        .fails(1)
        .complains("ON");
    exporter
        .j(["pdu", "set-outlet", "three", "true"])
        .fails(1)
        .complains("NUMBER");
    exporter
        .j(["pdu", "set-outlet", "9", "true"])
        .fails(1)
        .complains("INVALID_ARGUMENT")
        .complains("expected a whole number from 1 to 4");
    exporter
        .j(["pdu", "nonsense"])
        .fails(1)
        .complains("nonsense");
}

#[test]
fn a_known_client_class_gets_its_known_commands() {
    let lab = Lab::new();
    let exporter = lab.exporter(PDU).start();
    exporter.j(["power", "on"]).succeeds();
    exporter
        .j(["power", "read"])
        .succeeds()
        .prints("voltage=5.0 V  current=2.0 A  apparent_power=10.0 VA");
}

#[tokio::test]
async fn the_report_carries_the_interface() {
    let lab = Lab::new();
    let exporter = lab.exporter(PDU).start();
    let peer = Peer::of(&exporter).await;
    let pdu = peer.uuid("pdu");
    let node = peer
        .report
        .reports
        .iter()
        .find(|node| node.uuid == pdu)
        .unwrap();
    let bytes = node.file_descriptor_proto.as_ref().expect("an interface");
    let interface = jumpstarter_proto::descriptor::Interface::decode(bytes).unwrap();
    let names: Vec<_> = interface
        .methods
        .iter()
        .map(|method| method.name.as_str())
        .collect();
    assert_eq!(names, ["set_outlet", "outlets", "temperatures"]);
}
