//! The library against an exporter in this process: transports, sessions, calls, logs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;

use std::time::{Duration, Instant};

use fake::{Certificate, DriverReport, Fake, Serving, driver};
use jumpstarter_client::connect::{ConnectError, Options, Roots, Tls, connect};
use jumpstarter_client::device::{CallError, OpenError};
use jumpstarter_client::logs::{Follower, Severity, Source};
use jumpstarter_client::{Host, Secret, Session};
use jumpstarter_proto::v1::LogSource;
use serde::Deserialize;
use tonic::{Code, Status};

fn lab() -> Fake {
    let thing = driver("thing", "vendor.client.Thing");
    Fake::new([DriverReport::power("power"), thing])
}

fn options(tls: Tls) -> Options {
    Options {
        tls,
        passphrase: None,
    }
}

fn trusting(certificate: &Certificate) -> Options {
    options(Tls::Verified(Roots::Pem(
        certificate.authority.clone().into(),
    )))
}

async fn open(exporter: &Serving, options: &Options) -> Result<Session, OpenError> {
    Session::open(connect(&Host::parse(&exporter.address), options).await?).await
}

async fn refused(exporter: &Serving, options: &Options) -> ConnectError {
    match open(exporter, options).await.unwrap_err() {
        OpenError::Connection(error) => error,
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn calls_take_and_give_rust_values() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Reading {
        voltage: f64,
        current: f64,
    }

    let exporter = lab().serve().await;
    let session = open(&exporter, &options(Tls::Off)).await.unwrap();
    let thing = session.root().child("thing").unwrap();
    assert_eq!(thing.call::<u32>("echo", (7_u8,)).await.unwrap(), 7);
    let all: (i64, Option<bool>, String) =
        thing.call("all", (-1, None::<bool>, "x")).await.unwrap();
    assert_eq!(all, (-1, None, "x".to_owned()));
    thing.call::<()>("nothing", ()).await.unwrap();

    let power = session.root().child("power").unwrap();
    let mut readings = power.stream::<Reading>("read", ()).await.unwrap();
    let first = readings.next().await.unwrap().unwrap();
    assert_eq!((first.voltage, first.current), (0.0, 0.0));
    assert!(readings.next().await.unwrap().is_some());
    assert!(readings.next().await.unwrap().is_none());

    let names: Vec<String> = session
        .root()
        .children()
        .map(|d| d.name().to_owned())
        .collect();
    assert_eq!(names, ["power", "thing"]);
}

#[tokio::test]
async fn errors_can_be_told_apart() {
    let exporter = lab().serve().await;
    let session = open(&exporter, &options(Tls::Off)).await.unwrap();
    let thing = session.root().child("thing").unwrap();
    let error = thing.call::<()>("refuse", ()).await.unwrap_err();
    assert!(matches!(error, CallError::InvalidArgument(_)), "{error:?}");
    let error = thing.call::<()>("missing", ()).await.unwrap_err();
    assert!(matches!(error, CallError::NotImplemented(_)), "{error:?}");
    let error = thing.call::<u32>("text", ()).await.unwrap_err();
    assert!(matches!(error, CallError::Result { .. }), "{error:?}");
    let error = thing.call::<()>("echo", (u64::MAX,)).await.unwrap_err();
    assert!(
        matches!(error, CallError::Argument { position: 1, .. }),
        "{error:?}"
    );

    let mut items = thing.stream::<String>("breaks", ()).await.unwrap();
    assert_eq!(items.next().await.unwrap().as_deref(), Some("first"));
    let error = items.next().await.unwrap_err();
    assert_eq!(error.status().map(Status::code), Some(Code::Internal));
}

#[test]
fn an_exporter_that_went_away_is_unavailable() {
    let (theirs, ours) = (runtime(), runtime());
    let exporter = theirs.block_on(lab().serve());
    let session = ours.block_on(open(&exporter, &options(Tls::Off))).unwrap();
    let thing = session.root().child("thing").unwrap();
    ours.block_on(thing.call::<()>("nothing", ())).unwrap();
    // All its connections break with it.
    drop(exporter);
    drop(theirs);
    let error = ours.block_on(thing.call::<()>("nothing", ())).unwrap_err();
    let code = error.status().map(Status::code);
    assert_eq!(code, Some(Code::Unavailable), "{error}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_certificate_must_lead_to_the_authority() {
    let certificate = Certificate::issued("localhost");
    let exporter = lab().serve_tls(&certificate).await;
    open(&exporter, &trusting(&certificate)).await.unwrap();
    open(&exporter, &options(Tls::Unverified)).await.unwrap();
    let stranger = Certificate::issued("localhost");
    let error = refused(&exporter, &trusting(&stranger)).await;
    assert!(
        matches!(error, ConnectError::Certificate { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_certificate_that_is_its_own_authority_is_good_if_it_is_trusted() {
    let certificate = Certificate::self_signed("localhost");
    let exporter = lab().serve_tls(&certificate).await;
    open(&exporter, &trusting(&certificate)).await.unwrap();
    let other = Certificate::self_signed("localhost");
    let error = refused(&exporter, &trusting(&other)).await;
    assert!(
        matches!(error, ConnectError::Certificate { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn names_and_dates_count_for_it_all_the_same() {
    let named = Certificate::self_signed("another-host");
    let error = refused(&lab().serve_tls(&named).await, &trusting(&named)).await;
    let text = error.to_string();
    assert!(
        text.contains("none of its subject alternative names is `localhost`"),
        "{text}"
    );

    let old = Certificate::expired("localhost");
    let error = refused(&lab().serve_tls(&old).await, &trusting(&old)).await;
    assert!(error.to_string().contains("it has expired"), "{error}");
}

#[tokio::test]
async fn both_sides_must_agree_on_tls() {
    let plain = lab().serve().await;
    let error = refused(&plain, &options(Tls::Unverified)).await;
    assert!(matches!(error, ConnectError::NotTls { .. }), "{error:?}");
    let encrypted = lab().serve_tls(&Certificate::issued("localhost")).await;
    let error = refused(&encrypted, &options(Tls::Off)).await;
    let expected = matches!(
        error,
        ConnectError::SpeaksTls { .. } | ConnectError::HungUp { .. }
    );
    assert!(expected, "{error:?}");
}

#[tokio::test]
async fn passphrases_never_travel_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let with = Options {
        tls: Tls::Off,
        passphrase: Some(Secret::new("open".to_owned())),
    };
    let tcp = lab().passphrase("open").serve().await;
    open(&tcp, &with).await.unwrap();
    let unix = lab()
        .passphrase("open")
        .serve_unix(&folder.path().join("s"))
        .await;
    let error = open(&unix, &with).await.unwrap_err();
    assert!(matches!(error, OpenError::Unauthenticated(_)), "{error:?}");
    let unusable = Options {
        tls: Tls::Off,
        passphrase: Some(Secret::new("line\nbreak".to_owned())),
    };
    let error = refused(&tcp, &unusable).await;
    assert!(matches!(error, ConnectError::Passphrase(_)), "{error:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Host::parse(&listener.local_addr().unwrap().to_string());
    let mute = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
        drop(stream);
    });
    let connection = connect(&host, &options(Tls::Off)).await.unwrap();
    // The clock runs only while nothing else can happen.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let error = Session::open(connection).await.unwrap_err();
    assert!(matches!(error, OpenError::NoAnswer(_)), "{error:?}");
    assert_eq!(started.elapsed().as_secs(), 20);
    mute.abort();
}

#[tokio::test]
async fn the_log_is_followed_across_interruptions() {
    let gone = Status::unavailable("restarting");
    let exporter = lab()
        .log_fails_with([gone.clone(), gone])
        .logs(LogSource::Driver, "ERROR", "the wire came off")
        .serve()
        .await;
    let session = open(&exporter, &options(Tls::Off)).await.unwrap();
    let mut log = Follower::new(session.client());
    let started = Instant::now();
    let line = log.next().await.unwrap();
    assert_eq!(line.message, "the wire came off");
    assert_eq!(
        (line.source, line.severity),
        (Source::Driver, Severity::Error)
    );
    assert!(
        started.elapsed() >= Duration::from_millis(300),
        "0.1 s, then 0.2 s"
    );
    assert!(!log.has_ended());
}

#[tokio::test]
async fn an_exporter_without_a_log_has_none() {
    let exporter = lab()
        .log_fails_with([Status::unimplemented("")])
        .serve()
        .await;
    let session = open(&exporter, &options(Tls::Off)).await.unwrap();
    let mut log = Follower::new(session.client());
    log.attach().await;
    assert!(log.has_ended());
    assert_eq!(log.next().await, None);
}
