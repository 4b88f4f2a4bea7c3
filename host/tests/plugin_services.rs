//! What drivers may ask of the host: their children, the session's folder, the log.

#![allow(clippy::unwrap_used)]

mod common;

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use common::build::{example_c, rust_plugin};
use common::relay::{self, RELAY};
use common::socket::{self, SOCKET};
use common::values::{args, decode};
use common::{C_PDU, Shelf};
use jumpstarter_completion::{abandoned, strays};
use jumpstarter_host::plugin::{
    CallError, Child, Code, Instance, Node, Opened, Record, Services, ValueStream,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

const SDK_ROTTEN: &str = "jumpstarter_driver_test_rotten.driver.Rotten";

/// A session with one driver in it, which has one child.
#[derive(Default)]
struct Session {
    child: OnceLock<Instance>,
    lines: Mutex<Vec<Record>>,
}

impl Services for Session {
    fn children(&self, _node: u64) -> Result<Vec<Child>, CallError> {
        Ok(vec![Child {
            name: "child".to_owned(),
            type_name: "a.b.C".to_owned(),
        }])
    }

    fn child(&self, _node: u64, path: &str) -> Result<Instance, CallError> {
        let none = || CallError::new(Code::NotFound, format!("no child `{path}`"));
        (path == "child")
            .then(|| self.child.get().cloned())
            .flatten()
            .ok_or_else(none)
    }

    fn folder(&self, _node: u64) -> Result<PathBuf, CallError> {
        Ok(PathBuf::from("/run/session"))
    }

    fn log(&self, record: Record) {
        self.lines.lock().unwrap().push(record);
    }
}

/// A relay and what it relays to.
struct Pair {
    session: Arc<Session>,
    node: Node,
    relay: Instance,
}

impl Pair {
    async fn of(child: Option<Opened>) -> Self {
        let session = Arc::new(Session::default());
        if let Some(child) = child {
            session.child.set(child.driver).unwrap();
        }
        let services: Arc<dyn Services> = session.clone();
        let node = Node::new(Arc::downgrade(&services), &Handle::current());
        let shelf = Shelf::new();
        relay::build(&shelf.path("x.so"));
        let registry = shelf.registry();
        let library = registry.load(&registry.find(RELAY).unwrap()).unwrap();
        let relay = library
            .open(node.id(), RELAY, "relay", "{}")
            .await
            .unwrap()
            .driver;
        Self {
            session,
            node,
            relay,
        }
    }

    async fn with_pdu() -> Self {
        let child = Shelf::with(&example_c()).open(C_PDU, "{}").await;
        Self::of(Some(child.unwrap())).await
    }

    async fn with_rotten() -> Self {
        let child = Shelf::with(&rust_plugin("test-rotten"))
            .open(SDK_ROTTEN, "{}")
            .await;
        Self::of(Some(child.unwrap())).await
    }

    async fn call(&self, method: &str, values: &[Value]) -> Result<Value, CallError> {
        let result = self.relay.call(method, &args(values), None).await?;
        Ok(decode(&result))
    }
}

async fn all(stream: &mut ValueStream) -> Result<Vec<Value>, CallError> {
    let mut items = Vec::new();
    while let Some(batch) = stream.next_batch().await {
        items.extend(batch?.iter().map(|item| decode(item)));
    }
    Ok(items)
}

#[tokio::test]
async fn a_driver_calls_its_child_in_another_plugin() {
    let pair = Pair::with_pdu().await;
    assert_eq!(
        pair.call("set_outlet", &[json!(2), json!(true)]).await,
        Ok(json!({"number": 2, "on": true}))
    );
    let error = pair
        .call("set_outlet", &[json!(7), json!(true)])
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert_eq!(
        pair.call("nope", &[]).await,
        Err(CallError::new(
            Code::NotFound,
            "method nope not found on driver"
        ))
    );
    assert_eq!(
        pair.call("children", &[]).await,
        Ok(json!([{"name": "child", "type": "a.b.C"}]))
    );
    assert_eq!(pair.call("folder", &[]).await, Ok(json!("/run/session")));
}

#[tokio::test]
async fn a_driver_streams_from_its_child() {
    let pair = Pair::with_pdu().await;
    let mut stream = pair
        .relay
        .stream("temperatures", &args(&[json!(200)]), None)
        .await
        .unwrap();
    assert_eq!(stream.next_batch().await.unwrap().unwrap().len(), 64);
    assert_eq!(all(&mut stream).await.unwrap().len(), 200 - 64);
    let error = pair.relay.stream("outlets", &[], None).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);

    let rotten = Pair::with_rotten().await;
    let mut stream = rotten
        .relay
        .stream("fail_after_two", &[], None)
        .await
        .unwrap();
    let mut seen = Vec::new();
    let error = loop {
        match stream.next_batch().await.unwrap() {
            Ok(items) => seen.extend(items.iter().map(|item| decode(item))),
            Err(error) => break error,
        }
    };
    assert_eq!(seen, [json!(1), json!(2)]);
    assert_eq!(
        error,
        CallError::new(Code::Internal, "the third went wrong")
    );
}

#[tokio::test]
async fn a_driver_takes_a_byte_stream_of_its_child() {
    let shelf = Shelf::new();
    socket::build(&shelf.path("x.so"));
    let child = shelf.open(SOCKET, "{}").await.unwrap();
    let pair = Pair::of(Some(child)).await;
    for method in ["hello", "packets"] {
        let fd = pair.relay.connect(method, &[], None).await.unwrap();
        let mut socket = UnixStream::from(fd);
        let mut buffer = [0; 8];
        assert_eq!(socket.read(&mut buffer).unwrap(), 5);
        assert_eq!(&buffer[..5], b"hello");
        assert_eq!(socket.read(&mut buffer).unwrap(), 0);
    }
    let error = pair.relay.connect("pipe", &[], None).await.unwrap_err();
    assert_eq!(
        error.message,
        "driver `x` of plugin socket 1.0 answered `pipe` with a descriptor that is no socket"
    );
}

#[tokio::test]
async fn strange_requests_get_clean_errors() {
    let pair = Pair::of(None).await;
    assert_eq!(
        pair.call("anything", &[]).await,
        Err(CallError::new(Code::NotFound, "no child `child`"))
    );
    assert_eq!(
        pair.call("stray", &[]).await,
        Err(CallError::new(
            Code::FailedPrecondition,
            format!(
                "there is no driver with the node number {} in this session",
                pair.node.id() + 1_000_000
            )
        ))
    );
    assert_eq!(
        pair.call("null", &[]).await,
        Err(CallError::new(Code::InvalidArgument, "the call is null"))
    );
}

#[tokio::test]
async fn log_lines_come_with_their_driver_and_fields() {
    let pair = Pair::of(None).await;
    pair.call("log", &[]).await.unwrap();
    let lines = pair.session.lines.lock().unwrap();
    // The line without a driver went to the host's own log.
    assert_eq!(
        *lines,
        [Record {
            node: Some(pair.node.id()),
            plugin: "relay 1.0".to_owned(),
            level: tracing::Level::WARN,
            target: "here".to_owned(),
            message: "watch out".to_owned(),
            fields: vec![
                ("count".to_owned(), "3".to_owned()),
                ("who".to_owned(), "relay".to_owned())
            ],
        }]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_given_up_is_given_up_all_the_way_down() {
    let pair = Pair::with_rotten().await;
    let call = pair.call("hang", &[]);
    timeout(Duration::from_millis(100), call).await.unwrap_err();
    let soon = Some(Instant::now() + Duration::from_millis(100));
    let error = pair.relay.call("hang", &[], soon).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert_eq!(
        pair.call("echo", &[json!("hello")]).await,
        Ok(json!("hello"))
    );

    // The driver ends, and with it what it had asked for.
    let pending = tokio::spawn({
        let relay = pair.relay.clone();
        async move { relay.call("hang", &[], None).await }
    });
    let mut silent = pair.relay.stream("silence", &[], None).await.unwrap();
    let next = tokio::spawn(async move { silent.next_batch().await });
    sleep(Duration::from_millis(100)).await;
    drop(pair.node);
    let given_up = CallError::new(Code::Cancelled, "the call was given up");
    let until = Duration::from_secs(5);
    assert_eq!(
        timeout(until, pending).await.unwrap().unwrap(),
        Err(given_up.clone())
    );
    assert_eq!(
        timeout(until, next).await.unwrap().unwrap(),
        Some(Err(given_up))
    );
    pair.relay.close().await.unwrap();
    drop(pair.session);
    let nothing_left = async {
        while abandoned() > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(until, nothing_left)
        .await
        .expect("every call was answered");
    assert_eq!(strays(), 0);
}
