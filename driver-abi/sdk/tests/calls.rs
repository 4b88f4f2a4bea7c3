//! Unary calls: where they run, what goes in and out, how they end.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jumpstarter_driver::test::Host;
use jumpstarter_driver::{Code, Context, Driver, Error, Result, Schema, driver};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

struct Supply {
    volts: Mutex<BTreeMap<String, f64>>,
    dropped: Arc<AtomicUsize>,
}

#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
struct Config {
    label: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Schema)]
struct Reading {
    label: String,
    volts: f64,
    previous: Option<f64>,
}

/// Counts when a future is dropped before its end.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Driver for Supply {
    type Config = Config;

    async fn open(config: Config, cx: Context) -> Result<Self> {
        tracing::info!(
            node = cx.node() > 0,
            "{} opens as {}",
            config.label,
            cx.name()
        );
        if config.label.is_empty() {
            return Err(Error::invalid_argument("label: must not be empty"));
        }
        Ok(Self {
            volts: Mutex::default(),
            dropped: Arc::default(),
        })
    }
}

/// A supply for tests.
#[driver(type = "test.Supply", type = "test.Alias")]
impl Supply {
    /// Sets the voltage of a channel.
    #[export]
    async fn set_voltage(&self, channel: String, volts: f64) -> Result<Reading> {
        tokio::task::yield_now().await;
        Ok(self.set(channel, volts))
    }

    #[export(quick)]
    async fn set_quick(&self, channel: String, volts: f64) -> Result<Reading> {
        Ok(self.set(channel, volts))
    }

    #[export]
    fn set_blocking(&self, channel: String, volts: f64) -> Result<Reading> {
        Ok(self.set(channel, volts))
    }

    fn set(&self, label: String, volts: f64) -> Reading {
        let mut all = self.volts.lock().unwrap();
        let previous = all.insert(label.clone(), volts);
        Reading {
            label,
            volts,
            previous,
        }
    }

    #[export]
    async fn echo(&self, value: Value, again: Option<Value>) -> Result<Value> {
        Ok(json!([value, again]))
    }

    #[export(name = "type")]
    async fn r#type(&self, r#in: Option<u8>) -> Result<Option<u8>> {
        Ok(r#in)
    }

    #[export]
    async fn nothing(&self) {}

    #[export]
    async fn fails_with_io(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::ConnectionRefused, "no board"))
    }

    #[export]
    async fn fails_otherwise(&self) -> Result<()> {
        "x".parse::<u8>()?;
        Ok(())
    }

    #[export]
    async fn too_large(&self) -> Result<u64> {
        Ok(u64::MAX)
    }

    #[export]
    async fn thread(&self) -> Result<String> {
        Ok(here())
    }

    #[export]
    fn thread_blocking(&self) -> Result<String> {
        thread::sleep(Duration::from_millis(1));
        Ok(here())
    }

    #[export(quick)]
    fn thread_quick(&self) -> Result<String> {
        Ok(here())
    }

    /// Ready with the first poll, or not.
    #[export(quick)]
    async fn quick_sleep(&self, millis: u64) -> Result<String> {
        let before = here();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        tracing::info!("woke up");
        Ok(format!("{before} {}", here()))
    }

    #[export]
    async fn hang(&self) -> Result<()> {
        let _dropped = Dropped(Arc::clone(&self.dropped));
        tracing::info!("hanging");
        std::future::pending().await
    }

    #[export]
    fn block(&self, millis: u64) -> Result<()> {
        tracing::info!("blocking");
        thread::sleep(Duration::from_millis(millis));
        self.dropped.fetch_add(1, Ordering::SeqCst);
        tracing::info!("done");
        Ok(())
    }

    #[export(quick)]
    async fn dropped(&self) -> Result<usize> {
        Ok(self.dropped.load(Ordering::SeqCst))
    }
}

fn eventually(mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < patience, "it never happened");
        thread::sleep(Duration::from_millis(1));
    }
}

fn here() -> String {
    format!("{:?}", thread::current().id())
}

fn config() -> Value {
    json!({"label": "bench"})
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (Code, String) {
    let error = result.unwrap_err();
    (error.code(), error.message().to_owned())
}

#[test]
fn values_go_in_and_out_wherever_a_method_runs() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    for method in ["set_voltage", "set_quick", "set_blocking"] {
        let reading: Reading = supply.call(method, (method, 1)).unwrap();
        assert_eq!(reading.previous, None);
        let reading: Reading = supply.call(method, (method, 2.5)).unwrap();
        assert_eq!(
            reading,
            Reading {
                label: method.to_owned(),
                volts: 2.5,
                previous: Some(1.0)
            }
        );
    }
    let deep = json!({"a": [1.5, "x", null, {"b": true}]});
    assert_eq!(
        supply.call::<Value>("echo", (&deep,)).unwrap(),
        json!([deep, null])
    );
    assert_eq!(supply.call::<Option<u8>>("type", (7,)).unwrap(), Some(7));
    assert_eq!(supply.call::<Option<u8>>("type", ()).unwrap(), None);
    assert_eq!(supply.call::<Value>("nothing", ()).unwrap(), Value::Null);
}

#[test]
fn every_kind_of_method_has_its_thread() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    let mine = here();
    assert_ne!(supply.call::<String>("thread", ()).unwrap(), mine);
    assert_ne!(supply.call::<String>("thread_blocking", ()).unwrap(), mine);
    assert_eq!(supply.call::<String>("thread_quick", ()).unwrap(), mine);
    let threads: String = supply.call("quick_sleep", (5,)).unwrap();
    let (before, after) = threads.split_once(' ').unwrap();
    assert_eq!(before, mine, "polled here first");
    assert_ne!(after, mine, "then on the plugin's runtime");
}

#[test]
fn a_slow_quick_call_still_logs_as_its_driver() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    supply.call::<Value>("quick_sleep", (1,)).unwrap();
    let line = host.lines().pop().unwrap();
    assert_eq!(line.message, "woke up");
    assert_eq!(line.driver, "Supply");
}

#[test]
fn errors_keep_their_codes() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    assert_eq!(
        refusal(supply.call::<()>("fails_with_io", ())),
        (Code::Unavailable, "no board".to_owned())
    );
    assert_eq!(
        refusal(supply.call::<()>("fails_otherwise", ())),
        (Code::Unknown, "invalid digit found in string".to_owned())
    );
    assert_eq!(
        refusal(supply.call::<()>("too_large", ())).0,
        Code::InvalidArgument
    );
    assert_eq!(
        refusal(supply.call::<()>("set_voltage", ("a", "x"))),
        (
            Code::InvalidArgument,
            "set_voltage(): argument 2 (volts): invalid type: string \"x\", expected f64"
                .to_owned()
        )
    );
    assert_eq!(
        refusal(supply.call::<()>("set_voltage", ())),
        (
            Code::Unknown,
            "set_voltage(): argument 1 (channel): missing".to_owned()
        )
    );
    assert_eq!(
        refusal(supply.call::<()>("type", (1, 2, 3))),
        (Code::Unknown, "type() takes 1 argument, got 3".to_owned())
    );
    assert_eq!(
        refusal(supply.call::<()>("set", ("a", 1))),
        (Code::NotFound, "method set not found on driver".to_owned())
    );
}

#[test]
fn a_wrong_configuration_does_not_open() {
    let host = Host::new();
    for (config, text) in [
        (
            json!({"colour": 1}),
            "unknown field `colour`, expected `label`",
        ),
        (json!({}), "missing field `label`"),
        (
            json!({"label": 3}),
            "label: invalid type: integer `3`, expected a string",
        ),
        (json!({"label": ""}), "label: must not be empty"),
    ] {
        let opened = host.open::<Supply>(config);
        assert_eq!(refusal(opened), (Code::InvalidArgument, text.to_owned()));
    }
}

#[test]
fn deadlines_end_async_calls() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    let limit = Duration::from_millis(30);
    for (method, args) in [("hang", None), ("quick_sleep", Some(5_000))] {
        let begun = Instant::now();
        let result = match args {
            None => supply.call_within::<Value>(limit, method, ()),
            Some(arg) => supply.call_within::<Value>(limit, method, (arg,)),
        };
        assert_eq!(
            refusal(result),
            (Code::DeadlineExceeded, "deadline exceeded".to_owned())
        );
        assert!(begun.elapsed() >= limit);
    }
    assert_eq!(supply.call::<usize>("dropped", ()).unwrap(), 1);
}

#[test]
fn a_cancelled_call_is_answered_and_its_future_dropped() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    let running = supply.start("hang", ()).unwrap();
    eventually(|| host.messages().iter().any(|line| line == "hanging"));
    running.cancel();
    running.cancel();
    assert_eq!(refusal(running.wait::<()>()).0, Code::Cancelled);
    eventually(|| supply.call::<usize>("dropped", ()).unwrap() == 1);
}

#[test]
fn a_cancelled_blocking_call_is_answered_at_once() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    let running = supply.start("block", (500,)).unwrap();
    // It must have begun, or else it never would.
    eventually(|| host.messages().iter().any(|line| line == "blocking"));
    running.cancel();
    assert_eq!(refusal(running.wait::<()>()).0, Code::Cancelled);
    assert_eq!(supply.call::<usize>("dropped", ()).unwrap(), 0);
    supply.close().unwrap();
    let lines = host.messages();
    assert_eq!(
        lines.last().unwrap(),
        "done",
        "closing waits for the thread"
    );
}

#[test]
fn many_calls_run_at_once() {
    let host = Host::new();
    let supply = host.open::<Supply>(config()).unwrap();
    let begun = Instant::now();
    let running: Vec<_> = (0..200)
        .map(|_| supply.start("quick_sleep", (50,)).unwrap())
        .collect();
    for call in running {
        call.wait::<Value>().unwrap();
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}
