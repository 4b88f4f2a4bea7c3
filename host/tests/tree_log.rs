//! What drivers say, and what is said about them. Alone in its program, because there is one log.

#![allow(clippy::unwrap_used)]

mod family;

use std::time::Duration;

use family::{config, open};
use jumpstarter_host::log;
use jumpstarter_proto::v1::LogSource;

/// `LEVEL message` of every line that came from a driver, then of those that did not.
fn lines(logs: &log::Queue) -> (Vec<String>, Vec<String>) {
    let (mut drivers, mut others) = (Vec::new(), Vec::new());
    while let Some(line) = logs.try_next() {
        let list = match line.source() {
            LogSource::Driver => &mut drivers,
            _ => &mut others,
        };
        let who = line.structured_fields.get("who");
        let who = who.map_or_else(String::new, |who| format!(" who={who}"));
        list.push(format!("{} {}{who}", line.severity, line.message));
    }
    (drivers, others)
}

#[tokio::test]
async fn lines_of_drivers_are_known_as_such_and_kept_by_their_level() {
    log::init(log::Level::Debug, log::Format::Json).unwrap();
    let logs = log::attach();
    let home = open(&config(
        "  loud: {type: family.driver.Parent}
  quiet: {type: family.driver.Parent, config: {log_level: WARNING}}
  sore: {type: family.driver.Parent}
  stuck: {type: family.driver.Parent, config: {hang: true}}",
    ))
    .await
    .unwrap();
    home.call("loud", "say", &[]).await.unwrap();
    home.call("quiet", "say", &[]).await.unwrap();
    let (drivers, _) = lines(&logs);
    assert_eq!(
        drivers,
        [
            "INFO a word who=loud",
            "WARNING a warning who=loud",
            "WARNING a warning who=quiet"
        ]
    );

    home.tree.close(Duration::from_millis(300)).await;
    let (_, others) = lines(&logs);
    for line in [
        "ERROR Error closing driver sore: it hurts",
        "ERROR Error closing driver stuck: no answer within 0.3 s",
    ] {
        assert!(others.iter().any(|other| other == line), "{others:#?}");
    }
}
