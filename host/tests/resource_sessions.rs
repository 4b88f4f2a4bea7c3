//! The data of clients, from a client's call to a driver in an exporter.

#![allow(clippy::unwrap_used)]

mod resource_support;
mod session_support;
mod stream_support;

use std::process::{Child, Stdio};
use std::time::Duration;

use bytes::Bytes;
use resource_support::porter;
use serde_json::{Value, json};
use session_support::{Exporter, Home, Lines, call, free_port, uuid_of};
use stream_support::{Router, Talk, noise, router};
use tokio::time::sleep;
use tonic::{Code, Status};

const CONFIG: &str = "
metadata: {namespace: lab, name: bench}
export:
  one: {type: porter.driver.Porter}
  two: {type: porter.driver.Porter}
";

/// An exporter with two porters.
struct Bench {
    exporter: Exporter,
    router: Router,
    one: String,
    two: String,
    _plugins: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let plugins = tempfile::tempdir().unwrap();
        porter::build(plugins.path());
        let folder = plugins.path().to_str().unwrap();
        let exporter = Exporter::run(CONFIG, &["--plugins", folder, "--insecure-plugins"]);
        let mut client = exporter.client().await;
        Self {
            router: router(&exporter).await,
            one: uuid_of(&mut client, "one").await,
            two: uuid_of(&mut client, "two").await,
            exporter,
            _plugins: plugins,
        }
    }

    async fn offer(&self, encoding: Option<&str>) -> (Talk, Value) {
        offer(&self.router, &self.one, encoding).await
    }

    async fn call(&self, uuid: &str, method: &str, args: &[Value]) -> Result<f64, Status> {
        let mut client = self.exporter.client().await;
        let args: Vec<Bytes> = args
            .iter()
            .map(|arg| jumpstarter_value::to_vec(arg).unwrap().into())
            .collect();
        let response = client.driver_call(call(uuid, method, args)).await?;
        Ok(jumpstarter_value::from_slice(&response.into_inner().result).unwrap())
    }
}

/// A resource stream, and its handle.
async fn offer(router: &Router, uuid: &str, encoding: Option<&str>) -> (Talk, Value) {
    let request = json!({"kind": "resource", "uuid": uuid, "x_jmp_content_encoding": encoding});
    let talk = Talk::open(router, &request.to_string()).await.unwrap();
    let handle = talk.metadata.get("resource").unwrap().to_str().unwrap();
    let handle = serde_json::from_str(handle).unwrap();
    (talk, handle)
}

fn sum(data: &[u8]) -> f64 {
    data.iter().map(|byte| f64::from(*byte)).sum()
}

#[tokio::test]
async fn a_client_sends_data_to_a_driver() {
    let bench = Bench::new().await;
    let (mut talk, handle) = bench.offer(None).await;
    assert_eq!(talk.metadata.get("x_jmp_accept_encoding").unwrap(), "");
    assert_eq!(handle["x_jmp_content_encoding"], json!(null));
    let data = noise(3 << 20);
    let args = [handle.clone()];
    let reading = bench.call(&bench.one, "read", &args);
    let send = async {
        for chunk in data.chunks(64 << 10) {
            talk.data(chunk.to_vec()).await;
        }
        talk.goaway().await;
        talk.half_close();
        talk.expect_goaway().await;
        assert!(talk.next().await.unwrap().is_none());
    };
    let (read, ()) = tokio::join!(reading, send);
    assert_eq!(read.unwrap(), sum(&data));
    let again = bench.call(&bench.one, "read", &args).await.unwrap_err();
    let expected = format!("UUID('{}')", handle["uuid"].as_str().unwrap());
    assert_eq!(
        (again.code(), again.message()),
        (Code::Unknown, expected.as_str())
    );
}

#[tokio::test]
async fn a_client_receives_data_that_the_exporter_compresses() {
    let bench = Bench::new().await;
    for name in ["gzip", "xz", "bz2", "zstd"] {
        // The client has nothing to send, and says so before the driver has begun.
        let (mut talk, handle) = bench.offer(Some(name)).await;
        assert_eq!(talk.metadata.get("x_jmp_accept_encoding").unwrap(), name);
        assert_eq!(handle["x_jmp_content_encoding"], json!(name));
        talk.goaway().await;
        talk.half_close();
        let args = [handle, json!(1 << 20)];
        let writing = bench.call(&bench.one, "write", &args);
        let (written, rest) = tokio::join!(writing, talk.rest());
        assert_eq!(written.unwrap(), f64::from(1 << 20));
        assert!(rest.goaway && rest.status.is_ok());
        assert!(rest.bytes.len() < 4096);

        let (talk, handle) = bench.offer(Some(name)).await;
        let args = [handle];
        let reading = bench.call(&bench.one, "read", &args);
        let send = async {
            talk.data(rest.bytes).await;
            talk.goaway().await;
        };
        let (read, ()) = tokio::join!(reading, send);
        assert_eq!(read.unwrap(), f64::from(b'x') * f64::from(1 << 20));
    }
}

#[tokio::test]
async fn a_stream_that_goes_wrong_is_an_error_of_the_call() {
    let bench = Bench::new().await;
    // The client disappears.
    let (talk, handle) = bench.offer(None).await;
    talk.data("half").await;
    let args = [handle];
    let reading = bench.call(&bench.one, "read", &args);
    let leave = async {
        sleep(Duration::from_millis(100)).await;
        drop(talk);
    };
    let (read, ()) = tokio::join!(reading, leave);
    let error = read.unwrap_err();
    assert!(
        error.message().starts_with("the client went away"),
        "{error:?}"
    );

    // The data is broken.
    let (mut talk, handle) = bench.offer(Some("xz")).await;
    talk.data("no xz at all").await;
    talk.goaway().await;
    let error = bench.call(&bench.one, "read", &[handle]).await.unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(error.message().contains("xz-compressed"), "{error:?}");
    talk.expect_goaway().await;

    // Somebody else's.
    let (talk, handle) = bench.offer(None).await;
    let error = bench
        .call(&bench.two, "read", std::slice::from_ref(&handle))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(error.message().starts_with("UUID("), "{error:?}");
    // Never used, and then too late.
    drop(talk);
    sleep(Duration::from_millis(100)).await;
    let error = bench.call(&bench.one, "read", &[handle]).await.unwrap_err();
    assert!(error.message().starts_with("UUID("), "{error:?}");
}

#[tokio::test]
async fn a_driver_that_has_had_enough_ends_the_stream() {
    let bench = Bench::new().await;
    for encoding in [None, Some("gzip")] {
        let (mut talk, handle) = bench.offer(encoding).await;
        // "hello" by gzip, which is fine as plain data, too.
        let hello =
            &b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0"[..];
        talk.data(hello).await;
        bench
            .call(&bench.one, "drop", &[handle, json!(3)])
            .await
            .unwrap();
        talk.expect_goaway().await;
        // What the client still sends harms nobody.
        for _ in 0..64 {
            talk.data(vec![0; 64 << 10]).await;
        }
        talk.goaway().await;
        talk.half_close();
        assert!(talk.next().await.unwrap().is_none());
    }
}

/// An exporter that leaves compression to its clients.
struct Refusing {
    child: Child,
    address: String,
    _home: Home,
}

impl Refusing {
    fn run() -> Self {
        let home = Home::new();
        let config = home.write("exporter.yaml", session_support::POWER);
        let address = format!("127.0.0.1:{}", free_port());
        let mut child = home
            .jmp()
            .env("JMP_DISABLE_COMPRESSION", "1")
            .args([
                "run",
                "--tls-grpc-insecure",
                "--tls-grpc-listener",
                &address,
            ])
            .arg("--exporter-config")
            .arg(config)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Lines::read(child.stderr.take().unwrap()).wait_for("Session server started");
        Self {
            child,
            address,
            _home: home,
        }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn compression_can_be_left_to_the_clients() {
    let exporter = Refusing::run();
    let url = format!("http://{}", exporter.address);
    let channel = tonic::transport::Endpoint::from_shared(url)
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut client = session_support::Client::new(channel.clone());
    let uuid = uuid_of(&mut client, "power").await;
    let (talk, handle) = offer(&Router::new(channel), &uuid, Some("zstd")).await;
    assert!(talk.metadata.get("x_jmp_accept_encoding").is_none());
    assert_eq!(handle["x_jmp_content_encoding"], json!(null));
}
