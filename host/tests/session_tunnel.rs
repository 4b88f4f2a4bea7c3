//! A session in this process: a port that the system chose, and a stream that arrives connected, as
//! a tunnel does.

#![allow(clippy::unwrap_used)]

mod session_support;

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use jumpstarter_host::config::{self, ExporterConfig};
use jumpstarter_host::life::Hosted;
use jumpstarter_host::listen::{Address, Folder, bind};
use jumpstarter_host::plugin::{LoadOptions, Registry, Search};
use jumpstarter_host::session::{Kind, Session};
use jumpstarter_proto::v1::{EndSessionRequest, ExporterStatus, GetStatusRequest};
use session_support::{Client, PATIENCE, call, unix_client};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use ExporterStatus::{
    AfterLeaseHook, Available, BeforeLeaseHook, BeforeLeaseHookFailed, LeaseReady,
};

const NOBODY: &str = "a1b2c3d4-0000-4000-8000-0123456789ab";

/// A session without drivers.
async fn open(kind: Kind) -> Hosted {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exporter.yaml");
    std::fs::write(&path, "metadata: {namespace: lab, name: bench}\n").unwrap();
    let config: ExporterConfig = config::load(&path).unwrap();
    let options = LoadOptions {
        insecure_plugins: false,
        worker_threads: 1,
        state_dir: folder.path().to_owned(),
    };
    let registry = Registry::new(Search::new(&[], None, &[]), options);
    let folder = Arc::new(Folder::create().unwrap());
    Hosted::open(&config, &registry, kind, folder)
        .await
        .unwrap()
}

/// It takes a while to tell somebody far away that there is room again.
#[tokio::test]
async fn more_may_be_on_its_way_through_a_tunnel_than_on_this_machine() {
    let hosted = open(Kind::Local).await;
    let (near, far) = tokio::io::duplex(1 << 16);
    hosted
        .server
        .serve_stream(near, hosted.rpc.for_clients(None));
    assert_eq!(window(far).await, 2 << 20);
    let here = UnixStream::connect(hosted.socket()).await.unwrap();
    assert_eq!(window(here).await, 128 << 10);
    hosted.close().await;
}

/// A client at the other end of a stream that the session serves.
async fn tunnel(hosted: &Hosted) -> Client {
    let (near, far) = tokio::io::duplex(1 << 16);
    hosted
        .server
        .serve_stream(near, hosted.rpc.for_clients(None));
    let mut far = Some(far);
    let connector = tower::service_fn(move |_: tonic::transport::Uri| {
        let stream = far.take().map(TokioIo::new);
        async move { stream.ok_or_else(|| std::io::Error::other("there is only one")) }
    });
    let channel = Endpoint::from_static("http://tunnel")
        .connect_with_connector(connector)
        .await
        .unwrap();
    Client::new(channel)
}

/// How much of one call the server lets a peer send ahead, which is in its first words.
async fn window(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> u32 {
    let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(greeting).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    let [a, b, c, 4, ..] = head else {
        panic!("the first frame has no settings: {head:?}");
    };
    let mut settings = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
    stream.read_exact(&mut settings).await.unwrap();
    let window = settings.chunks(6).find(|setting| setting[..2] == [0, 4]);
    u32::from_be_bytes(window.unwrap()[2..].try_into().unwrap())
}

async fn status(client: &mut Client) -> ExporterStatus {
    let answer = client.get_status(GetStatusRequest {}).await.unwrap();
    answer.into_inner().status()
}

/// A call that finds no driver, if it is let in.
async fn knock(client: &mut Client) -> Status {
    client
        .driver_call(call(NOBODY, "on", vec![]))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_report_over_plaintext_names_the_session() {
    let hosted = open(Kind::Direct).await;
    let address = Address {
        host: "127.0.0.1".into(),
        port: 0,
    };
    let listener = bind(&address).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_ne!(port, 0);
    hosted
        .server
        .serve_tcp(listener, None, hosted.rpc.for_clients(None));
    let channel = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let report = Client::new(channel).get_report(()).await.unwrap();
    assert_eq!(report.into_inner().uuid, hosted.session.report().uuid);
}

#[tokio::test]
async fn hooks_are_let_in_before_and_after_the_clients() {
    let hosted = open(Kind::Leased).await;
    let mut client = tunnel(&hosted).await;
    let mut hook = unix_client(&hosted.socket()).await;
    for (status, hooks, clients) in [
        (Available, false, false),
        (BeforeLeaseHook, true, false),
        (LeaseReady, true, true),
        (AfterLeaseHook, true, false),
        (BeforeLeaseHookFailed, false, false),
    ] {
        hosted.session.board().post(status, "");
        for (visitor, admitted) in [(&mut hook, hooks), (&mut client, clients)] {
            let answer = knock(visitor).await;
            let name = status.as_str_name().trim_start_matches("EXPORTER_STATUS_");
            let expected = if admitted {
                (Code::Unknown, "UUID(")
            } else {
                (Code::FailedPrecondition, name)
            };
            assert_eq!(answer.code(), expected.0, "{status:?}: {answer}");
            assert!(answer.message().contains(expected.1), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_end_of_the_session_reaches_the_other_end_of_a_tunnel() {
    let hosted = open(Kind::Leased).await;
    let mut client = tunnel(&hosted).await;
    let mut lines = client.log_stream(()).await.unwrap().into_inner();
    let closing = tokio::spawn(hosted.close());
    let end = timeout(PATIENCE, async {
        loop {
            if let Err(status) = lines.message().await {
                break status;
            }
        }
    });
    let end = end.await.unwrap();
    assert_eq!(
        (end.code(), end.message()),
        (Code::Unavailable, "Cancelling all calls")
    );
    drop((lines, client));
    timeout(PATIENCE, closing).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_has_read_the_last_notice_is_known() {
    let hosted = open(Kind::Leased).await;
    let read = |session: &Arc<Session>| {
        let session = Arc::clone(session);
        tokio::spawn(async move { session.have_read().await })
    };
    let board = hosted.session.board();
    board.post(LeaseReady, "");
    // Hooks do not count: they are over.
    let mut hook = unix_client(&hosted.socket()).await;
    assert_eq!(status(&mut hook).await, LeaseReady);
    read(&hosted.session).await.unwrap();

    let (mut one, mut other) = (tunnel(&hosted).await, tunnel(&hosted).await);
    assert_eq!(status(&mut one).await, LeaseReady);
    assert_eq!(status(&mut other).await, LeaseReady);
    board.post(Available, "");
    let reading = read(&hosted.session);
    assert_eq!(status(&mut one).await, Available);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!reading.is_finished());
    drop(other);
    timeout(PATIENCE, reading).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_ends_its_session_is_heard_once_and_answered_always() {
    let hosted = open(Kind::Leased).await;
    let mut client = tunnel(&hosted).await;
    for _ in 0..2 {
        let answer = client.end_session(EndSessionRequest {}).await.unwrap();
        let answer = answer.into_inner();
        assert!(answer.success);
        assert_eq!(
            answer.message(),
            "Session end triggered, afterLease hook running asynchronously"
        );
        timeout(PATIENCE, hosted.session.ended()).await.unwrap();
    }
}
