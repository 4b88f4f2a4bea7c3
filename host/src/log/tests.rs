#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jumpstarter_proto::v1::{LogSource, LogStreamResponse};
use serde_json::Value;
use tokio::time::Instant;

use super::console::Console;
use super::context::Context;
use super::queue::Attachment;
use super::subscriber::{Sinks, Subscriber};
use super::writer::Writer;
use super::{LeaseContext, Level, Line, stamp};

#[derive(Clone, Default)]
pub(super) struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything lines go to, for one test.
pub(super) fn sinks(json: bool) -> (&'static Sinks, Sink) {
    let sink = Sink::default();
    let writer = Writer::to(sink.clone()).unwrap();
    let sinks = Box::leak(Box::new(Sinks {
        console: Console::new(json, false, writer),
        context: Context::new(None),
        queues: Default::default(),
        outlet: Default::default(),
    }));
    (sinks, sink)
}

impl Sink {
    fn text(&self, sinks: &Sinks) -> String {
        sinks.console.flush();
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What the console shows of the events in `speak`, and what a session's queue keeps.
fn listen(level: Level, json: bool, speak: impl FnOnce()) -> (String, Vec<LogStreamResponse>) {
    let (sinks, sink) = sinks(json);
    let context = [("exporter", "bench \"1\""), ("lease_id", "standalone")];
    sinks.context.set(&context);
    let queue = Attachment::new(Some(&sinks.queues));
    tracing::subscriber::with_default(Subscriber::new(level, sinks), speak);
    let entries = std::iter::from_fn(|| queue.try_next()).collect();
    (sink.text(sinks), entries)
}

fn operation_failed() {
    tracing::warn!(
        target: "driver",
        logger = format_args!("driver.{}", "MockPower"),
        driver_type = "power",
        operation = "on",
        result = "failure",
        tries = 3,
        lucky = false,
        "Operation \"failed\"\n"
    );
}

#[test]
fn a_driver_line_as_json() {
    let (text, _) = listen(Level::Info, true, operation_failed);
    let line: Value = serde_json::from_str(&text).unwrap();
    // NAMESPACE may be set where the tests run.
    let start = text.find("\"exporter\"").unwrap();
    assert!(
        text[start..].starts_with(
            "\"exporter\":\"bench \\\"1\\\"\",\"lease_id\":\"standalone\",\"level\":\"warning\",\
             \"logger\":\"driver.MockPower\",\"component\":\"exporter\",\"driver_type\":\"power\",\
             \"operation\":\"on\",\"result\":\"failure\",\"tries\":3,\"lucky\":false,\"ts\":\""
        ),
        "{text}"
    );
    assert!(text.ends_with(",\"msg\":\"Operation \\\"failed\\\"\\n\"}\n"));
    let ts = line["ts"].as_str().unwrap();
    assert_eq!(ts.len(), "2026-11-22T00:03:04.000123Z".len());
    assert!(ts.ends_with('Z'));
}

#[test]
fn a_driver_line_for_clients() {
    let before = stamp::Stamp::now();
    let (_, entries) = listen(Level::Info, true, operation_failed);
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(entry.uuid, "");
    assert_eq!(entry.severity, "WARNING");
    assert_eq!(entry.message, "Operation \"failed\"\n");
    assert_eq!(entry.source(), LogSource::Driver);
    assert_eq!(entry.driver_type.as_deref(), Some("power"));
    assert_eq!(entry.operation.as_deref(), Some("on"));
    assert!(entry.timestamp.unwrap().seconds >= before.seconds);
    let mut fields: Vec<_> = entry.structured_fields.iter().collect();
    fields.sort();
    assert_eq!(
        fields
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>(),
        ["lucky=false", "result=failure", "tries=3"]
    );
}

#[test]
fn what_has_no_place_of_its_own_is_a_field_for_clients() {
    let speak = || {
        tracing::info!(
            target: "driver",
            logger = "driver.MockPower",
            driver_type = "power",
            operation = "on",
            result = "failure",
            error_type = "timeout",
            lease_id = "019a",
            namespace = "lab",
            nothing = None::<&str>,
            "power on"
        );
    };
    let (_, entries) = listen(Level::Info, true, speak);
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(entry.driver_type.as_deref(), Some("power"));
    assert_eq!(entry.operation.as_deref(), Some("on"));
    assert!(entry.timestamp.is_some());
    let fields: BTreeMap<_, _> = entry.structured_fields.iter().collect();
    assert_eq!(
        format!("{fields:?}"),
        r#"{"error_type": "timeout", "lease_id": "019a", "namespace": "lab", "result": "failure"}"#
    );
}

#[test]
fn who_speaks_decides_whose_line_it_is() {
    let (sinks, _) = sinks(true);
    let queue = Attachment::new(Some(&sinks.queues));
    let subscriber = Subscriber::new(Level::Info, sinks);
    for (logger, source) in [
        ("driver.MockPower", LogSource::Driver),
        ("driver.pdu.Outlet", LogSource::Driver),
        ("driver", LogSource::System),
        ("drivers.MockPower", LogSource::System),
        ("hook.beforeLease", LogSource::BeforeLeaseHook),
        ("hook.beforeLease.script", LogSource::BeforeLeaseHook),
        ("hook.afterLease", LogSource::AfterLeaseHook),
        ("hook", LogSource::System),
        ("hook.during", LogSource::System),
        ("exporter.hook.beforeLease", LogSource::System),
        ("", LogSource::System),
    ] {
        subscriber.line(&Line {
            level: tracing::Level::INFO,
            logger,
            message: "",
            fields: &[],
        });
        assert_eq!(queue.try_next().unwrap().source(), source, "{logger}");
    }
}

#[test]
fn what_the_exporter_says_around_a_hook_is_its_own() {
    let hook = |logger: &str, message| tracing::info!(target: "hook", logger, "{message}");
    let speak = || {
        tracing::info!("Executing before-lease hook");
        hook("hook.beforeLease", "flashing");
        tracing::info!("a client connects meanwhile");
        tracing::error!(target: "hook", logger = "hook.beforeLease", "Hook failed");
        tracing::info!("Executing after-lease hook");
        hook("hook.afterLease", "cleaning");
        tracing::info!("done");
    };
    let (_, entries) = listen(Level::Info, true, speak);
    let sources: Vec<_> = entries.iter().map(LogStreamResponse::source).collect();
    use LogSource::{AfterLeaseHook, BeforeLeaseHook, System};
    assert_eq!(
        sources,
        [
            System,
            BeforeLeaseHook,
            System,
            BeforeLeaseHook,
            System,
            AfterLeaseHook,
            System
        ]
    );
}

#[test]
fn details_of_hooks_are_there_for_who_asks() {
    let speak = || tracing::debug!(target: "hook", "Spawning subprocess");
    assert_eq!(listen(Level::Info, true, speak).1.len(), 0);
    assert_eq!(listen(Level::Debug, true, speak).1.len(), 1);
}

#[test]
fn lines_of_a_lease_carry_what_the_controller_says_about_it() {
    let (sinks, sink) = sinks(true);
    sinks.context.set(&[("exporter", "bench")]);
    let queue = Attachment::new(Some(&sinks.queues));
    let subscriber = Subscriber::new(Level::Info, sinks);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!("before");
        let lease = [("lease_id", "019a"), ("pipeline", "7")];
        let lease = LeaseContext::begin(Some(&sinks.context), &lease);
        tracing::info!("without a client");
        lease.set(&[("lease_id", "019a"), ("client", "ann"), ("pipeline", "7")]);
        tracing::info!("with a client");
        drop(lease);
        tracing::info!("after");
    });
    let text = sink.text(sinks);
    let shown: Vec<_> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let names = ["msg", "exporter", "lease_id", "client", "pipeline"];
            names.map(|name| line[name].as_str().unwrap_or("-").to_owned())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ["before", "bench", "-", "-", "-"],
            ["without a client", "bench", "019a", "-", "7"],
            ["with a client", "bench", "019a", "ann", "7"],
            ["after", "bench", "-", "-", "-"],
        ]
    );
    // Clients know whose lease it is: they get what the line itself says.
    while let Some(entry) = queue.try_next() {
        assert!(entry.structured_fields.is_empty(), "{entry:?}");
    }
}

#[test]
fn a_sentence_about_the_log_is_no_line_of_it() {
    let (sinks, sink) = sinks(true);
    let queue = Attachment::new(Some(&sinks.queues));
    sinks.console.print("[telemetry] three\nlost");
    assert_eq!(sink.text(sinks), "[telemetry] three\\nlost\n");
    assert_eq!(queue.try_next(), None);
}

#[test]
fn a_line_with_fields_of_its_own() {
    let (sinks, sink) = sinks(true);
    let queue = Attachment::new(Some(&sinks.queues));
    let subscriber = Subscriber::new(Level::Info, sinks);
    let line = Line {
        level: tracing::Level::INFO,
        logger: "driver.Pdu",
        message: "outlet on",
        fields: &[("driver_type", "power"), ("out\"let", "3")],
    };
    subscriber.line(&line);
    subscriber.line(&Line {
        level: tracing::Level::DEBUG,
        ..line
    });
    let text = sink.text(sinks);
    let shown: Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(shown["logger"], "driver.Pdu");
    assert_eq!(shown["out\"let"], "3");

    let entry = queue.try_next().unwrap();
    assert_eq!(entry.source(), LogSource::Driver);
    assert_eq!(entry.driver_type.as_deref(), Some("power"));
    assert_eq!(entry.structured_fields["out\"let"], "3");
    assert_eq!(queue.try_next(), None);
}

#[test]
fn a_plain_line_belongs_to_the_exporter() {
    let (text, entries) = listen(Level::Info, false, || tracing::info!("hello"));
    assert_eq!(text, "INFO exporter.log.tests: hello\n");
    let [entry] = entries.as_slice() else {
        panic!("{entries:?}")
    };
    assert_eq!(entry.source(), LogSource::System);
    assert_eq!((&entry.driver_type, &entry.operation), (&None, &None));
    assert!(entry.structured_fields.is_empty());
    assert!(entry.timestamp.is_some());
}

#[test]
fn levels_have_their_python_names_and_a_floor() {
    let speak = || {
        tracing::debug!("d");
        tracing::info!("i");
        tracing::warn!("w");
        tracing::error!("e");
        tracing::debug!(target: "h2::codec", "frame");
    };
    for (level, expected) in [
        (Level::Debug, "DEBUG INFO WARNING ERROR"),
        (Level::Info, "INFO WARNING ERROR"),
        (Level::Warning, "WARNING ERROR"),
        (Level::Error, "ERROR"),
        (Level::Critical, ""),
    ] {
        let (text, entries) = listen(level, true, speak);
        let severities: Vec<_> = entries.iter().map(|entry| &*entry.severity).collect();
        assert_eq!(severities.join(" "), expected);
        assert_eq!(text.lines().count(), entries.len());
    }
}

#[test]
fn the_oldest_lines_make_room() {
    let (_, entries) = listen(Level::Info, true, || {
        for number in 0..300 {
            tracing::info!("line {number} {}", "x".repeat(number * 100));
        }
    });
    assert_eq!(entries.len(), 256);
    for (entry, number) in entries.iter().zip(44..300) {
        assert!(entry.message.starts_with(&format!("line {number} x")));
    }
}

#[test]
fn an_endless_message_is_cut_for_clients() {
    let (text, entries) = listen(Level::Info, true, || {
        tracing::info!("{}", "é".repeat(100_000))
    });
    assert!(entries[0].message.len() <= 64 * 1024);
    assert!(entries[0].message.starts_with("ééé"));
    assert!(text.len() > 200_000);
}

#[test]
fn a_value_may_log_while_it_is_formatted() {
    struct Chatty;
    impl fmt::Display for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::info!("inner");
            f.write_str("outer")
        }
    }
    let (text, entries) = listen(Level::Info, false, || tracing::info!("{Chatty}"));
    // `tracing` itself hands on no event from inside another; what matters is that nothing breaks.
    assert!(text.contains("outer\n"), "{text}");
    assert!(!entries.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_woken_at_once() {
    let (sinks, _) = sinks(true);
    let queue = Arc::new(Attachment::new(Some(&sinks.queues)));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let queue = Arc::clone(&queue);
        readers.spawn(async move { queue.next().await.message });
    }
    tokio::task::yield_now().await;
    let since = Instant::now();
    tracing::subscriber::with_default(Subscriber::new(Level::Info, sinks), || {
        tracing::info!("one");
        tracing::info!("two");
    });
    let mut heard = readers.join_all().await;
    heard.sort();
    assert_eq!(heard, ["one", "two"]);
    // This clock goes on only if somebody waits for it, as who looks again and again would.
    assert_eq!(since.elapsed(), Duration::ZERO);
}
