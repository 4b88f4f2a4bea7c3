//! Who is turned away stands in the controller's log, and what he brought does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use jumpstarter_client::Secret;
use jumpstarter_tests::{
    Account, Controller, Lab, Make, PATIENCE, Standalone, Station, both_clients,
};
use serde_json::Value;

both_clients![
    a_client_that_is_turned_away_stands_in_the_log,
    an_exporter_that_is_turned_away_stands_in_the_log,
];

/// A token that looks like a good one and is not.
fn spoilt(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

/// The line with this message, once it is there.
#[track_caller]
fn line(controller: &Standalone, message: &str) -> Value {
    let line = controller.lines().wait_for(message, PATIENCE);
    let line = line.unwrap_or_else(|| panic!("no `{message}`:\n{}", controller.log()));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["msg"], message, "{line}");
    assert_eq!(line["level"], "info", "{line}");
    assert_eq!(line["peer"], "127.0.0.1", "{line}");
    assert!(!line["error"].as_str().unwrap().is_empty(), "{line}");
    line
}

/// Neither the token nor a part of it that is worth something.
#[track_caller]
fn keeps_secret(controller: &Standalone, token: &str) {
    let log = controller.log();
    for part in token.split('.').skip(1) {
        assert!(!log.contains(part), "a token is in the log:\n{log}");
    }
}

fn a_client_that_is_turned_away_stands_in_the_log(make: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let tester: &Account = controller.tester();
    let good = tester.token();
    let listed = tester.jmp(&lab, make, ["get", "exporters"]);
    listed.succeeds();
    assert!(!controller.log().contains("authentication failed"));
    let bad = spoilt(&good);
    tester.change_token(&bad);
    let refused = tester.jmp(&lab, make, ["get", "exporters"]);
    assert_ne!(refused.code, 0, "{refused}");
    let line = line(&controller, "client authentication failed");
    assert_eq!(line["component"], "controller", "{line}");
    keeps_secret(&controller, &bad);
}

/// Here it is the exporter that is of either make.
fn an_exporter_that_is_turned_away_stands_in_the_log(make: Make) {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let yaml = Station::yaml(&controller, "");
    let good = controller.access().exporter.1;
    let bad = spoilt(&good);
    let mut command = Station::command_from(&lab, make, &yaml.replace(&good, &bad));
    let station = Station::launch(make, &mut command);
    let line = line(&controller, "exporter authentication failed");
    assert_eq!(line["component"], "controller", "{line}");
    assert!(!controller.seen().registered);
    let log = station.kill();
    assert!(!log.contains(&bad), "{log}");
    keeps_secret(&controller, &bad);
}

#[test]
fn a_tunnel_that_is_turned_away_stands_in_the_log() {
    let lab = Lab::new();
    let controller = Standalone::start(&lab);
    let bad = spoilt(&controller.tester().token());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(async {
        let client = controller.tester().as_client();
        let token = Secret::new(bad.clone());
        let opened = client.router(&controller.router(), &token).await;
        opened.unwrap().answered().await.unwrap_err()
    });
    let refused = format!("{refused:?}");
    assert!(refused.contains("invalid jwt token"), "{refused}");
    assert!(!refused.contains(&bad), "{refused}");
    let line = line(&controller, "router authentication failed");
    assert_eq!(line["component"], "router", "{line}");
    keeps_secret(&controller, &bad);
}
