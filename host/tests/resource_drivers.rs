//! Drivers of a real tree take the data of clients, across the plugin boundary.

#![allow(clippy::unwrap_used)]

mod resource_support;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use jumpstarter_host::config::{Env, Source, parse};
use jumpstarter_host::plugin::{CallError, Code, LoadOptions, Registry, Search};
use jumpstarter_host::tree::{Driver, Tree};
use resource_support::server::{Answer, Server};
use resource_support::{Client, porter, presigned, soon};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

const CONFIG: &str = "metadata: {namespace: lab, name: bench}
export:
  one: {type: porter.driver.Porter}
  two: {type: porter.driver.Porter}
";

/// An exporter's tree, without an exporter.
struct Lab {
    tree: Tree,
    _folder: tempfile::TempDir,
}

impl Lab {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        porter::build(folder.path());
        let options = LoadOptions {
            insecure_plugins: true,
            worker_threads: 1,
            state_dir: folder.path().join("state"),
        };
        let search = Search::only(&[folder.path().to_owned()], None, &[]);
        let registry = Registry::new(search, options);
        let config = parse(&Source::new(Path::new("lab.yaml"), CONFIG), &Env::default()).unwrap();
        let session = folder.path().join("session");
        Self {
            tree: Tree::open(&config, &registry, &session).await.unwrap(),
            _folder: folder,
        }
    }

    fn driver(&self, name: &str) -> &Driver {
        let reports = self.tree.reports().iter();
        let drivers: HashMap<_, _> = reports
            .map(|report| self.tree.driver(&report.uuid.parse().unwrap()).unwrap())
            .map(|driver| (driver.name.clone(), driver))
            .collect();
        drivers[name]
    }

    fn offer(&self, name: &str, encoding: Option<&str>) -> Client {
        let uuid = self.driver(name).uuid;
        let mut offer = self.tree.resources().offer(uuid, encoding).unwrap();
        let socket = UnixStream::from_std(offer.socket().into()).unwrap();
        Client { offer, socket }
    }

    async fn call(&self, name: &str, method: &str, args: &[Value]) -> Result<f64, CallError> {
        let args: Vec<Bytes> = args
            .iter()
            .map(|arg| jumpstarter_value::to_vec(arg).unwrap().into())
            .collect();
        let result = soon(self.driver(name).call(method, &args, None)).await?;
        Ok(jumpstarter_value::from_slice(&result).unwrap())
    }
}

/// What the driver makes of `data`.
fn sum(data: &[u8]) -> f64 {
    data.iter().map(|byte| f64::from(*byte)).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_reads_and_writes() {
    let lab = Lab::open().await;
    let size = 1 << 20;
    for (read, write) in [("read", "write"), ("read_simply", "write_simply")] {
        // The child that a driver brings along takes what is its own.
        for name in ["one", "two.lid"] {
            for encoding in [None, Some("zstd")] {
                let mut client = lab.offer(name, encoding);
                let args = [client.handle(), json!(size)];
                client.finish().await;
                let call = lab.call(name, write, &args);
                let (written, received) = tokio::join!(call, client.receive());
                assert_eq!(written, Ok(f64::from(size)));
                drop(client);

                let mut client = lab.offer(name, encoding);
                let args = [client.handle()];
                let call = lab.call(name, read, &args);
                let send = async {
                    client.send(&received, 64 << 10).await;
                    client.finish().await;
                    assert_eq!(soon(client.receive()).await, b"");
                };
                let (read, ()) = tokio::join!(call, send);
                assert_eq!(read, Ok(f64::from(b'x') * f64::from(size)));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_takes_only_what_is_its_own() {
    let lab = Lab::open().await;
    let client = lab.offer("one", None);
    let handle = [client.handle()];
    let unknown = |handle: &Value| {
        let uuid = handle["uuid"].as_str().unwrap();
        Err(CallError::new(Code::Unknown, format!("UUID('{uuid}')")))
    };
    assert_eq!(lab.call("two", "hold", &handle).await, unknown(&handle[0]));
    assert!(lab.call("one", "hold", &handle).await.is_ok());
    assert_eq!(lab.call("one", "hold", &handle).await, unknown(&handle[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_wrong_comes_back_from_the_driver() {
    let lab = Lab::open().await;
    let mut client = lab.offer("one", None);
    client.send(b"half", 4).await;
    let handle = [client.handle()];
    let call = lab.call("one", "read", &handle);
    let leave = async {
        sleep(Duration::from_millis(50)).await;
        drop(client);
    };
    let (result, ()) = tokio::join!(call, leave);
    assert_eq!(result.unwrap_err().code, Code::Cancelled);

    let mut client = lab.offer("one", Some("gzip"));
    client.send(b"no gzip", 64).await;
    client.finish().await;
    let error = lab
        .call("one", "read", &[client.handle()])
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::Unknown);
    assert!(error.message.contains("gzip-compressed"), "{error}");

    for value in [json!(null), json!(7), json!({"kind": "pigeon"})] {
        for method in ["read", "write", "read_simply"] {
            let error = lab.call("one", method, std::slice::from_ref(&value)).await;
            assert_eq!(error.unwrap_err().code, Code::InvalidArgument);
        }
    }
    let error = lab.call("one", "read", &[]).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread")]
async fn presigned_requests_reach_drivers() {
    let lab = Lab::open().await;
    let server = Server::start(|seen| match (seen.method.as_str(), seen.target.as_str()) {
        ("GET", "/image?secret") => Answer::ok(b"image"),
        ("GET", _) => Answer::status("404 Not Found", ""),
        _ => Answer::status("200 OK", "").after_body(),
    })
    .await;
    let get = |target| presigned("GET", &server.url(target));
    for method in ["read", "read_simply"] {
        let read = lab.call("one", method, &[get("/image?secret")]).await;
        assert_eq!(read, Ok(sum(b"image")));
        let error = lab
            .call("one", method, &[get("/no?secret")])
            .await
            .unwrap_err();
        let expected = format!(
            "Presigned HTTP GET request failed: status=404, reason='Not Found', url={}",
            server.url("/no?[REDACTED]")
        );
        assert_eq!(error, CallError::new(Code::Unknown, expected));
    }
    for method in ["write", "write_simply"] {
        let put = presigned("PUT", &server.url("/dump"));
        let written = lab.call("one", method, &[put, json!(1000)]).await;
        assert_eq!(written, Ok(1000.0));
    }
    sleep(Duration::from_millis(50)).await;
    let dumps: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|seen| seen.method == "PUT")
        .collect();
    assert_eq!(dumps.len(), 2);
    assert!(
        dumps
            .iter()
            .all(|dump| dump.whole && dump.body == [b'x'; 1000])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_have_no_answer_get_an_error() {
    let lab = Lab::open().await;
    let client = lab.offer("one", None);
    let error = lab
        .call("one", "sideways", &[client.handle()])
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert!(error.message.contains("no direction 7"), "{error}");

    let number = lab.call("one", "hold", &[client.handle()]).await.unwrap();
    drop(client);
    for (name, number) in [("one", 1e9), ("two", number)] {
        let error = lab
            .call(name, "finished", &[json!(number)])
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::FailedPrecondition);
    }
    let first = lab
        .call("one", "finished", &[json!(number)])
        .await
        .unwrap_err();
    assert_eq!(first.code, Code::Cancelled);
    let second = lab
        .call("one", "finished", &[json!(number)])
        .await
        .unwrap_err();
    assert_eq!(second.code, Code::FailedPrecondition);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_never_asks_is_forgiven_and_one_that_hoards_is_not() {
    let lab = Lab::open().await;
    for _ in 0..300 {
        let mut client = lab.offer("one", None);
        client.send(b"ten bytes.", 10).await;
        lab.call("one", "drop", &[client.handle(), json!(3)])
            .await
            .unwrap();
    }
    let mut clients = Vec::new();
    let error = loop {
        let client = lab.offer("one", None);
        match lab.call("one", "hold", &[client.handle()]).await {
            Ok(_) => clients.push(client),
            Err(error) => break error,
        }
    };
    assert_eq!(clients.len(), 256);
    assert_eq!(error.code, Code::Unavailable);
    // Others are not concerned, and neither is this one when its clients have left.
    let client = lab.offer("two", None);
    lab.call("two", "hold", &[client.handle()]).await.unwrap();
    clients.pop();
    let client = lab.offer("one", None);
    lab.call("one", "hold", &[client.handle()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_session_ends_its_transfers() {
    let lab = Lab::open().await;
    let (mut plain, mut coded) = (lab.offer("one", None), lab.offer("two", Some("xz")));
    let handles = [[plain.handle()], [coded.handle()]];
    let end = async {
        sleep(Duration::from_millis(100)).await;
        lab.tree.close(Duration::from_millis(100)).await;
        // What was between the client and the driver is gone, and what waited is answered.
        assert_eq!(soon(coded.receive()).await, b"");
        plain.finish().await;
    };
    let (one, two, ()) = tokio::join!(
        lab.call("one", "read", &handles[0]),
        lab.call("two", "read", &handles[1]),
        end
    );
    assert!(two.is_err(), "{two:?}");
    // Its node is gone, so there is nobody left to say that the data was whole.
    assert!(one.is_err(), "{one:?}");
    let late = timeout(Duration::from_secs(1), plain.receive()).await;
    assert!(late.is_ok());
}
