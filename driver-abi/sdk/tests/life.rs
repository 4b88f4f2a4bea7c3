//! From open to close: children that come along, panics, what happens to late calls.

#![allow(clippy::unwrap_used, missing_docs)]

use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jumpstarter_driver::test::Host;
use jumpstarter_driver::{
    Code, Context, Description, Driver, Error, NoConfig, Result, Schema, SubDriver, driver,
};
use serde::Deserialize;
use serde_json::json;
use tracing::Level;

/// What happened, in order.
static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn event(text: impl Into<String>) {
    EVENTS.lock().unwrap().push(text.into());
}

fn events(prefix: &str) -> Vec<String> {
    let all = EVENTS.lock().unwrap();
    let mine = all.iter().filter_map(|text| text.strip_prefix(prefix));
    mine.map(str::to_owned).collect()
}

#[derive(Deserialize, Schema)]
struct Config {
    id: String,
}

struct Machine {
    id: String,
    port: Arc<Port>,
}

struct Port {
    id: String,
}

impl Driver for Machine {
    type Config = Config;

    async fn open(config: Config, cx: Context) -> Result<Self> {
        let port = Port {
            id: format!("{}:{}", config.id, cx.named("serial").name()),
        };
        Ok(Self {
            id: config.id,
            port: Arc::new(port),
        })
    }

    async fn close(&self) {
        tokio::task::yield_now().await;
        event(format!("{} closed", self.id));
    }

    fn describe(&self) -> Description {
        Description {
            client: Some("test.client.Machine".to_owned()),
            description: Some("a machine".to_owned()),
            labels: [("board".to_owned(), "qemu".to_owned())].into(),
            methods_description: [("hang".to_owned(), "Waits for ever".to_owned())].into(),
            ..Description::default()
        }
    }

    fn children(&self) -> Vec<SubDriver> {
        vec![SubDriver::new("serial", Arc::clone(&self.port))]
    }
}

#[driver(type = "test.Machine")]
impl Machine {
    #[export]
    async fn hang(&self) -> Result<()> {
        std::future::pending().await
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        event(format!("{} dropped", self.id));
    }
}

impl Driver for Port {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Err(Error::unimplemented("only as a part"))
    }

    async fn close(&self) {
        event(format!("{} closed", self.id));
    }
}

#[driver(type = "test.Port", client = "test.client.Port", category = "serial")]
impl Port {
    /// Its name
    #[export]
    async fn url(&self) -> Result<String> {
        tracing::info!("asked");
        Ok(self.id.clone())
    }
}

#[test]
fn a_driver_brings_children_along() {
    let host = Host::new();
    let machine = host.open::<Machine>(json!({"id": "brings"})).unwrap();
    let handle = machine.added()["children"]["serial"]["handle"].clone();
    assert_eq!(
        *machine.added(),
        json!({
            "client": "test.client.Machine",
            "description": "a machine",
            "labels": {"board": "qemu"},
            "methods_description": {"hang": "Waits for ever"},
            "children": {"serial": {
                "type": "test.Port",
                "handle": handle,
                "client": "test.client.Port",
                "category": "serial",
                "methods": [{
                    "name": "url", "kind": "call", "doc": "Its name", "params": [],
                    "result": {"type": "string"},
                }],
            }},
        })
    );
    let port = machine.child("serial").unwrap();
    assert_eq!(port.call::<String>("url", ()).unwrap(), "brings:serial");
    assert_eq!(host.messages(), ["asked"]);

    machine.close().unwrap();
    assert_eq!(events("brings"), [":serial closed", " closed", " dropped"]);
    assert_eq!(
        port.call::<String>("url", ()).unwrap_err(),
        Error::unavailable("the driver is closed")
    );
}

#[test]
fn closing_answers_open_calls_and_refuses_late_ones() {
    let host = Host::new();
    let machine = host.open::<Machine>(json!({"id": "late"})).unwrap();
    let running = machine.start("hang", ()).unwrap();
    machine.close().unwrap();
    assert_eq!(running.wait::<()>().unwrap_err().code(), Code::Cancelled);
    let closed = Error::unavailable("the driver is closed");
    assert_eq!(machine.call::<()>("hang", ()).unwrap_err(), closed);
    assert_eq!(machine.connect("hang", ()).unwrap_err(), closed);
    assert_eq!(machine.stream::<()>("hang", ()).unwrap_err(), closed);
    machine.close().unwrap();
    drop(machine);
    assert_eq!(events("late"), [":serial closed", " closed", " dropped"]);
}

struct Rotten {
    on_close: bool,
}

/// What a panic carries, if it wants to panic once more.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb");
    }
}

#[derive(Default, Deserialize, Schema)]
#[serde(default)]
struct Rot {
    open: bool,
    describe: bool,
    close: bool,
}

static DESCRIBE: AtomicUsize = AtomicUsize::new(0);

impl Driver for Rotten {
    type Config = Rot;

    async fn open(rot: Rot, _: Context) -> Result<Self> {
        assert!(!rot.open, "in open");
        DESCRIBE.store(rot.describe.into(), Ordering::SeqCst);
        Ok(Self {
            on_close: rot.close,
        })
    }

    async fn close(&self) {
        assert!(!self.on_close, "in close");
    }

    fn describe(&self) -> Description {
        assert!(DESCRIBE.swap(0, Ordering::SeqCst) == 0, "in describe");
        Description::default()
    }
}

impl Drop for Rotten {
    fn drop(&mut self) {
        assert!(!self.on_close, "in drop");
    }
}

#[driver(type = "test.Rotten")]
impl Rotten {
    #[export]
    async fn index(&self, at: usize) -> Result<u8> {
        Ok([1, 2, 3][at])
    }

    #[export(quick)]
    async fn quick(&self) -> Result<u8> {
        panic!("in quick")
    }

    #[export]
    fn blocking(&self) -> Result<u8> {
        panic!("in blocking")
    }

    #[export]
    async fn bomb(&self) -> Result<u8> {
        panic_any(Bomb)
    }

    #[export(quick)]
    async fn bomb_quick(&self) -> Result<u8> {
        panic_any(Bomb)
    }

    #[export]
    async fn task(&self) -> Result<u8> {
        tokio::spawn(async { panic!("in a task") }).await?;
        Ok(1)
    }
}

#[test]
fn panics_go_to_the_caller_and_to_the_log() {
    let host = Host::new();
    let rotten = host.open::<Rotten>(json!({})).unwrap();
    for (method, text) in [
        ("quick", "the driver panicked: in quick"),
        ("blocking", "the driver panicked: in blocking"),
        ("bomb", "the driver panicked: (no message)"),
        ("bomb_quick", "the driver panicked: (no message)"),
    ] {
        let error = rotten.call::<u8>(method, ()).unwrap_err();
        assert_eq!(error, Error::internal(text));
        let line = host.lines().into_iter().find(|line| {
            line.level == Level::ERROR
                && line.driver == "Rotten"
                && line.message.starts_with(text)
                && line.message.contains("tests/life.rs:")
        });
        assert!(line.is_some(), "{text} is not in {:?}", host.lines());
    }
    let error = rotten.call::<u8>("index", (3,)).unwrap_err();
    let text = "the driver panicked: index out of bounds: the len is 3 but the index is 3";
    assert_eq!(error, Error::internal(text));
    let error = rotten.call::<u8>("task", ()).unwrap_err();
    assert!(error.message().contains("in a task"), "{error}");
    assert_eq!(rotten.call::<u8>("index", (1,)).unwrap(), 2, "it lives on");
}

#[test]
fn panics_around_the_calls_are_contained() {
    let host = Host::new();
    let error = host.open::<Rotten>(json!({"open": true})).unwrap_err();
    assert_eq!(error, Error::internal("the driver panicked: in open"));
    let error = host.open::<Rotten>(json!({"describe": true})).unwrap_err();
    assert_eq!(error, Error::internal("the driver panicked: in describe"));
    let rotten = host.open::<Rotten>(json!({"close": true})).unwrap();
    rotten.close().unwrap();
    let panics = host.messages();
    for place in ["in open", "in describe", "in close", "in drop"] {
        let is_there = |line: &String| line.starts_with(&format!("the driver panicked: {place}"));
        assert!(panics.iter().any(is_there), "{place}: {panics:?}");
    }
}

struct Background;

impl Driver for Background {
    type Config = NoConfig;

    async fn open(_: NoConfig, cx: Context) -> Result<Self> {
        cx.spawn(async {
            let _ends = Ends;
            loop {
                tracing::debug!(beat = 1, "still here");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Ok(Self)
    }
}

struct Ends;

impl Drop for Ends {
    fn drop(&mut self) {
        event("background ends");
    }
}

#[driver(type = "test.Background")]
impl Background {}

#[test]
fn background_tasks_end_with_their_driver() {
    let host = Host::new();
    let background = host.open::<Background>(json!({})).unwrap();
    while host.lines().len() < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    background.close().unwrap();
    assert_eq!(events("background"), [" ends"]);
    let line = &host.lines()[0];
    assert_eq!(
        (line.level, line.driver.as_str()),
        (Level::DEBUG, "Background")
    );
    assert_eq!(line.fields["beat"], 1);
    assert_eq!(line.target, "life");
}
