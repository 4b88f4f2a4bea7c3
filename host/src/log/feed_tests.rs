#![allow(clippy::unwrap_used)]

use jumpstarter_proto::v1::LogEntry;
use tracing::Level;

use super::feed::Tap;
use super::subscriber::{Sinks, Subscriber};
use super::tests::sinks;
use super::{LeaseContext, Line};

fn subscriber(sinks: &'static Sinks) -> Subscriber {
    Subscriber::new(super::Level::Debug, sinks)
}

fn say(sinks: &'static Sinks, message: &str, fields: &[(&str, &str)]) {
    subscriber(sinks).line(&Line {
        level: Level::INFO,
        logger: "driver.MockPower",
        message,
        fields,
    });
}

fn tap(sinks: &'static Sinks, least: Level) -> Tap {
    Tap::open(Some(&sinks.outlet), Some(least)).unwrap()
}

fn extras(entry: &LogEntry) -> Vec<String> {
    let pairs = entry.extra_fields.iter();
    let mut pairs: Vec<_> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    pairs.sort();
    pairs
}

#[test]
fn an_entry_says_what_the_line_says_and_what_it_is_about() {
    let (sinks, _) = sinks(true);
    sinks.context.set(&[("exporter", "bench")]);
    let lease = [
        ("lease_id", "019a"),
        ("client", "ann"),
        ("pipeline", "7"),
        ("error_type", "none"),
    ];
    let _lease = LeaseContext::begin(Some(&sinks.context), &lease);
    let tap = tap(sinks, Level::INFO);
    tracing::subscriber::with_default(subscriber(sinks), || {
        tracing::warn!(
            target: "driver",
            logger = "driver.MockPower",
            driver_type = "power",
            operation = "on",
            result = "failure",
            error_type = "timeout",
            tries = 3,
            nothing = None::<&str>,
            "Operation failed"
        );
    });
    let entries = tap.feed().take(50);
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert!(entry.timestamp.unwrap().seconds > 1_700_000_000);
    assert_eq!(entry.severity, "warning");
    assert_eq!(entry.message, "Operation failed");
    assert_eq!(entry.component, "exporter");
    assert_eq!(entry.exporter, "bench");
    assert_eq!(entry.lease, "019a");
    assert_eq!(entry.client, "ann");
    assert_eq!(entry.operation, "on");
    assert_eq!(entry.result, "failure");
    assert_eq!(entry.driver_type, "power");
    // The collector knows it from the token.
    assert_eq!(entry.namespace, "");
    assert_eq!(
        extras(entry),
        ["error_type=timeout", "pipeline=7", "tries=3"]
    );
}

#[test]
fn what_a_line_says_counts_more_than_what_lines_share() {
    let (sinks, _) = sinks(true);
    sinks.context.set(&[("exporter", "bench")]);
    let lease = [("lease_id", "019a"), ("client", "ann"), ("step", "boot")];
    let _lease = LeaseContext::begin(Some(&sinks.context), &lease);
    let tap = tap(sinks, Level::INFO);
    let own = [("client", "bob"), ("lease_id", "019b"), ("step", "flash")];
    say(sinks, "said", &own);
    let entry = tap.feed().take(1).remove(0);
    assert_eq!((&*entry.client, &*entry.lease), ("bob", "019b"));
    assert_eq!(entry.exporter, "bench");
    assert_eq!(extras(&entry), ["step=flash"]);
}

#[test]
fn extras_are_as_many_and_as_long_as_a_collector_takes() {
    let (sinks, _) = sinks(true);
    sinks.context.set(&[("shared", "left out")]);
    let tap = tap(sinks, Level::INFO);
    let names: Vec<_> = (0..20).map(|number| format!("{number:02}")).collect();
    let mut fields: Vec<_> = names.iter().map(|name| (name.as_str(), "x")).collect();
    fields.push(("operation", "on"));
    say(sinks, "many", &fields);
    // Characters of two and three bytes lie across both limits.
    let long = [("k".to_owned() + &"é".repeat(80), "€".repeat(300))];
    let long: Vec<_> = long.iter().map(|(key, value)| (&**key, &**value)).collect();
    say(sinks, &"m".repeat(100_000), &long);

    let entries = tap.feed().take(50);
    assert_eq!(entries[0].extra_fields.len(), 16);
    assert!((0..16).all(|number| entries[0].extra_fields.contains_key(&names[number])));
    assert_eq!(entries[0].operation, "on");

    let key = "k".to_owned() + &"é".repeat(31);
    assert_eq!(entries[1].extra_fields[&key], "€".repeat(85));
    assert_eq!(entries[1].message.len(), 64 * 1024);
}

#[test]
fn only_what_matters_enough_passes() {
    let said = |least: Option<Level>| {
        let (sinks, _) = sinks(true);
        let tap = Tap::open(Some(&sinks.outlet), least).unwrap();
        tracing::subscriber::with_default(subscriber(sinks), || {
            tracing::debug!("d");
            tracing::info!("i");
            tracing::warn!("w");
            tracing::error!("e");
        });
        let entries = tap.feed().take(50);
        let severities = entries.iter().map(|entry| &*entry.severity);
        severities.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(said(Some(Level::DEBUG)), "debug info warning error");
    assert_eq!(said(Some(Level::INFO)), "info warning error");
    assert_eq!(said(Some(Level::WARN)), "warning error");
    assert_eq!(said(Some(Level::ERROR)), "error");
    assert_eq!(said(None), "");
}

#[test]
fn one_takes_the_lines_at_a_time_and_only_while_there_is_one() {
    let (sinks, _) = sinks(true);
    say(sinks, "before", &[]);
    let first = tap(sinks, Level::INFO);
    say(sinks, "during", &[]);
    assert!(Tap::open(Some(&sinks.outlet), Some(Level::INFO)).is_err());
    let feed = first.feed().clone();
    drop(first);
    say(sinks, "after", &[]);
    let second = tap(sinks, Level::INFO);
    say(sinks, "again", &[]);

    let messages = |entries: Vec<LogEntry>| {
        let messages = entries.into_iter().map(|entry| entry.message);
        messages.collect::<Vec<_>>()
    };
    assert_eq!(messages(feed.take(50)), ["during"]);
    assert_eq!(messages(second.feed().take(50)), ["again"]);
}

#[test]
fn the_oldest_of_ten_thousand_makes_room() {
    let (sinks, _) = sinks(true);
    let tap = tap(sinks, Level::INFO);
    for number in 0..10_003 {
        say(sinks, &number.to_string(), &[]);
    }
    assert_eq!(tap.feed().waiting(), 10_000);
    let first = tap.feed().take(50);
    assert_eq!(first.len(), 50);
    assert_eq!(first[0].message, "3");
    let rest = tap.feed().take(20_000);
    assert_eq!(rest.len(), 9_950);
    assert_eq!(rest[9_949].message, "10002");
    assert_eq!(tap.feed().waiting(), 0);
}

#[test]
fn long_lines_make_room_before_they_fill_the_memory() {
    let (sinks, _) = sinks(true);
    let tap = tap(sinks, Level::INFO);
    let long = "x".repeat(64 * 1024);
    for _ in 0..1_000 {
        say(sinks, &long, &[]);
    }
    say(sinks, "last", &[]);
    let waiting = tap.feed().waiting();
    assert!((250..=256).contains(&waiting), "{waiting}");
    let entries = tap.feed().take(waiting);
    assert_eq!(entries[waiting - 1].message, "last");
    // Taking gives the room back.
    for _ in 0..200 {
        say(sinks, &long, &[]);
    }
    assert_eq!(tap.feed().waiting(), 200);
}

#[test]
fn a_full_push_of_long_lines_fits_into_a_message() {
    use prost::Message;
    let (sinks, _) = sinks(true);
    let tap = tap(sinks, Level::INFO);
    let names: Vec<_> = (0..20).map(|number| format!("{number:0100}")).collect();
    let value = "v".repeat(100_000);
    let places = ["exporter", "lease_id", "client", "operation", "result"];
    let names = names.iter().map(String::as_str).chain(places);
    let fields: Vec<_> = names.map(|name| (name, &*value)).collect();
    for _ in 0..50 {
        say(sinks, &value, &fields);
    }
    let entries = tap.feed().take(50);
    assert_eq!(entries.len(), 50);
    let request = jumpstarter_proto::v1::PushLogsRequest { entries };
    assert!(request.encoded_len() < 4 * 1024 * 1024);
}
