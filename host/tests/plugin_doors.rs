//! Nobody can tell from what a driver does which door it came through: the Rust door, the C door of
//! a Rust plugin, and a plugin in C leave the same transcript.

#![allow(clippy::unwrap_used)]

mod common;

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::build::{example_c, rust_plugin};
use common::file::Bytes;
use common::values::{args, decode};
use common::{C_PDU, C_POWER, POWER, Shelf};
use jumpstarter_host::plugin::{
    CallError, Child, Code, Instance, Library, Node, Record, Services, ValueStream,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

const RUST_DOOR: &str = "_1as_0lib_1header_0root_bmodule_bloader";
const HIDDEN: &str = "_1as_0lib_1header_0root_bmodule_XXXXXXX";

/// Remembers what drivers log.
#[derive(Default)]
struct Listener {
    lines: Mutex<Vec<(u64, String)>>,
}

impl Services for Listener {
    fn children(&self, _node: u64) -> Result<Vec<Child>, CallError> {
        Ok(Vec::new())
    }

    fn child(&self, _node: u64, path: &str) -> Result<Instance, CallError> {
        Err(CallError::new(Code::NotFound, path))
    }

    fn folder(&self, _node: u64) -> Result<PathBuf, CallError> {
        Ok(PathBuf::from("/nowhere"))
    }

    fn log(&self, record: Record) {
        let line = (
            record.node.unwrap(),
            format!("{} {}", record.level, record.message),
        );
        self.lines.lock().unwrap().push(line);
    }
}

impl Listener {
    /// The lines of a driver, once there are so many: they may come from another thread.
    async fn lines(&self, node: u64, count: usize) -> Vec<String> {
        let collect = || -> Vec<String> {
            let lines = self.lines.lock().unwrap();
            let own = lines.iter().filter(|(of, _)| *of == node);
            own.map(|(_, line)| line.clone()).collect()
        };
        let until = Instant::now() + Duration::from_secs(5);
        while collect().len() < count && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        collect()
    }
}

/// The power plugin with its Rust door painted over.
fn without_rust_door() -> Shelf {
    let shelf = Shelf::new();
    let plugin = rust_plugin("power");
    let bytes = Bytes::of(&plugin).replace(RUST_DOOR, HIDDEN);
    shelf.put_as(plugin.file_name().unwrap().to_str().unwrap(), &bytes.0);
    shelf
}

/// Plugins ask the host which lines it keeps; without a subscriber it keeps none.
fn keep_lines() {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::sink)
        .finish();
    tracing::subscriber::set_global_default(subscriber).ok();
}

fn load(shelf: &Shelf, type_name: &str) -> Arc<Library> {
    let registry = shelf.registry();
    registry.load(&registry.find(type_name).unwrap()).unwrap()
}

async fn items(stream: &mut ValueStream) -> Vec<Value> {
    let mut items = Vec::new();
    while let Some(batch) = stream.next_batch().await {
        items.extend(batch.unwrap().iter().map(|item| decode(item)));
    }
    items
}

/// What a power switch does when everything is tried that a client can try.
async fn transcript(library: &Arc<Library>, type_name: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut step = |name: &str, outcome: &dyn Debug| steps.push(format!("{name}: {outcome:?}"));
    let listener = Arc::new(Listener::default());
    let services: Arc<dyn Services> = listener.clone();
    let node = Node::new(Arc::downgrade(&services), &Handle::current());
    let other = Node::new(Arc::downgrade(&services), &Handle::current());
    let open = |node: &Node| {
        let (library, id) = (Arc::clone(library), node.id());
        async move { library.open(id, type_name, "power", "{}").await }
    };

    let unknown = library.open(node.id(), "no.such.Driver", "x", "{}").await;
    step("open an unknown class", &unknown.unwrap_err().code);
    let driver = open(&node).await.unwrap().driver;
    let second = open(&other).await.unwrap().driver;

    for method in ["on", "off", "nope", "read", ""] {
        let result = driver.call(method, &[], None).await;
        step(
            &format!("call {method}"),
            &result.map(|value| decode(&value)),
        );
    }
    let late = Some(Instant::now() - Duration::from_millis(1));
    step(
        "call too late",
        &driver.call("on", &[], late).await.unwrap_err(),
    );
    let soon = Some(Instant::now() + Duration::from_secs(5));
    step("call in time", &driver.call("on", &[], soon).await);

    for method in ["read", "on", "nope"] {
        let stream = driver.stream(method, &[], None).await;
        let outcome = match stream {
            Ok(mut stream) => Ok(items(&mut stream).await),
            Err(error) => Err(error),
        };
        step(&format!("stream {method}"), &outcome);
    }
    // Two at once, one of them left in the middle.
    let mut first = driver.stream("read", &[], None).await.unwrap();
    let unread = driver.stream("read", &[], None).await.unwrap();
    drop(unread);
    step("one of two streams", &items(&mut first).await);
    drop(first);

    for method in ["read", "nope"] {
        step(
            &format!("connect {method}"),
            &driver.connect(method, &[], None).await.err(),
        );
    }
    second.call("off", &[], None).await.unwrap();
    step("log", &listener.lines(node.id(), 3).await);
    step("log of the other", &listener.lines(other.id(), 1).await);

    step("close", &driver.close().await);
    step("close again", &driver.close().await);
    step("call after close", &driver.call("on", &[], None).await);
    step("the other lives", &second.call("on", &[], None).await);
    step("close the other", &second.close().await);
    steps
}

#[tokio::test]
async fn the_three_doors_leave_the_same_transcript() {
    keep_lines();
    let rust = load(&Shelf::with(&rust_plugin("power")), POWER);
    let through_rust_door = transcript(&rust, POWER).await;
    for line in [
        "open an unknown class: NotFound",
        "call on: Ok(Null)",
        "call nope: Err(CallError { code: NotFound, message: \"method nope not found on driver\" })",
        "call read: Err(CallError { code: NotFound, message: \"method read missing marker \
         marker_drivercall\" })",
        "stream read: Ok([Object {\"voltage\": Number(0), \"current\": Number(0)}, Object \
         {\"voltage\": Number(5), \"current\": Number(2)}])",
        "log: [\"INFO power on\", \"INFO power off\", \"INFO power on\"]",
        "log of the other: [\"INFO power off\"]",
        "call after close: Err(CallError { code: Unavailable, message: \"driver `power` is \
         closed\" })",
        "close the other: Ok(())",
    ] {
        assert!(
            through_rust_door.iter().any(|own| own == line),
            "{line}\nin {through_rust_door:#?}"
        );
    }

    let c_door = load(&without_rust_door(), POWER);
    assert_ne!(rust.sha256(), c_door.sha256());
    assert_eq!(transcript(&c_door, POWER).await, through_rust_door);

    let in_c = load(&Shelf::with(&example_c()), C_POWER);
    assert_eq!(transcript(&in_c, C_POWER).await, through_rust_door);
}

#[tokio::test]
async fn the_driver_in_c_checks_its_arguments() {
    let library = load(&Shelf::with(&example_c()), C_PDU);
    let pdu = library.open(0, C_PDU, "pdu", "{}").await.unwrap().driver;
    let set = async |values: &[Value]| {
        let result = pdu.call("set_outlet", &args(values), None).await;
        result
            .map(|value| decode(&value))
            .map_err(|error| (error.code, error.message))
    };
    assert_eq!(
        set(&[json!(3), json!(true)]).await,
        Ok(json!({"number": 3, "on": true}))
    );
    let outlets = decode(&pdu.call("outlets", &[], None).await.unwrap());
    let on: Vec<_> = outlets
        .as_array()
        .unwrap()
        .iter()
        .map(|outlet| outlet["on"] == true)
        .collect();
    assert_eq!(on, [false, false, true, false]);

    let wrong = Code::InvalidArgument;
    let number = "set_outlet(): argument 1 (number): expected a whole number from 1 to 4";
    for value in [
        json!(0),
        json!(5),
        json!(1.5),
        json!("3"),
        json!(null),
        json!([1]),
    ] {
        assert_eq!(
            set(&[value, json!(true)]).await,
            Err((wrong, number.to_owned()))
        );
    }
    assert_eq!(
        set(&[json!(3), json!(1)]).await,
        Err((
            wrong,
            "set_outlet(): argument 2 (on): expected true or false".to_owned()
        ))
    );
    assert_eq!(
        set(&[]).await,
        Err((
            Code::Unknown,
            "set_outlet(): argument 1 (number): missing".to_owned()
        ))
    );

    // More than one batch.
    let mut stream = pdu
        .stream("temperatures", &args(&[json!(1000)]), None)
        .await
        .unwrap();
    let first = stream.next_batch().await.unwrap().unwrap();
    assert_eq!(first.len(), 64);
    assert_eq!(items(&mut stream).await.len(), 1000 - 64);
    assert!(
        timeout(Duration::from_secs(1), stream.next_batch())
            .await
            .unwrap()
            .is_none()
    );
}
