//! How byte streams end: well, badly, and because somebody went away.

#![allow(clippy::unwrap_used)]

mod session_support;
mod stream_support;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use stream_support::{Bench, Rest, noise};
use tonic::Code;

fn aborted(rest: Rest, why: &str) {
    let status = rest.status.unwrap_err();
    assert!(rest.goaway, "{status:?}");
    assert_eq!(status.code(), Code::Aborted);
    let expected = format!("RouterStream: aclose: {why}");
    assert!(status.message().starts_with(&expected), "{status:?}");
}

#[tokio::test]
async fn a_driver_that_fails() {
    let bench = Bench::new().await;
    // In whatever order it closes the socket and says so, and even if it forgets the former.
    for method in ["fails", "confesses", "leaks"] {
        let mut talk = bench.abi(method).await;
        talk.data("last words").await;
        let rest = talk.rest().await;
        assert_eq!(rest.bytes, b"last words", "{method}");
        aborted(rest, "the device caught fire");
    }
}

#[tokio::test]
async fn a_driver_that_fails_late() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("sips").await;
    talk.data(noise(3000)).await;
    talk.quiet().await;
    talk.goaway().await;
    aborted(talk.rest().await, "received 3000 bytes");
}

#[tokio::test]
async fn a_connection_that_is_reset() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("resets").await;
    talk.data("x").await;
    let rest = talk.rest().await;
    aborted(rest, "Connection reset by peer");

    // A driver that does not say how it ended, and has not read everything.
    let mut talk = bench.abi("drops").await;
    talk.data("never read").await;
    aborted(talk.rest().await, "Connection reset by peer");
}

#[tokio::test]
async fn a_driver_that_closes_at_once_and_is_fine() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("quits").await;
    talk.expect_goaway().await;
    // It says that it is fine, so it is no failure that nobody reads this.
    for _ in 0..20 {
        talk.data(noise(100_000)).await;
    }
    talk.quiet().await;
    talk.half_close();
    let rest = talk.rest().await;
    assert!(rest.status.is_ok(), "{rest:?}");
}

#[tokio::test]
async fn a_client_that_goes_away() {
    let bench = Bench::new().await;
    for method in ["echo", "packets", "sips", "ignores", "floods", "counts"] {
        let talk = bench.abi(method).await;
        talk.data("x").await;
        bench.wait_for("open", 1.0).await;
        drop(talk);
        bench.wait_for("open", 0.0).await;
    }
    assert_eq!(bench.ask("closed").await, 0.0, "all noticed by themselves");
}

#[tokio::test]
async fn a_driver_that_does_not_notice() {
    let bench = Bench::new().await;
    let mut talk = bench.abi("deaf").await;
    talk.goaway().await;
    talk.quiet().await;
    bench.wait_for("open", 1.0).await;
    drop(talk);
    let since = Instant::now();
    bench.wait_for("open", 0.0).await;
    let waited = since.elapsed();
    assert!(waited > Duration::from_millis(1500), "{waited:?}");
    assert!(waited < Duration::from_secs(10), "{waited:?}");
    assert_eq!(bench.ask("closed").await, 1.0);
}

#[tokio::test]
async fn a_connection_that_breaks() {
    let bench = Bench::new().await;
    let router = stream_support::router(&bench.exporter).await;
    let request = stream_support::driver(&bench.abi, "echo");
    let mut talks = Vec::new();
    for _ in 0..5 {
        let talk = stream_support::Talk::open(&router, &request).await.unwrap();
        talks.push(talk);
    }
    bench.wait_for("open", 5.0).await;
    drop((talks, router));
    bench.wait_for("open", 0.0).await;
}

#[tokio::test]
async fn a_session_that_ends() {
    let mut bench = Bench::new().await;
    let mut echo = bench.abi("echo").await;
    echo.data("hello").await;
    assert_eq!(echo.chunk().await, "hello");
    let mut deaf = bench.abi("deaf").await;
    let mut flood = bench.abi("floods").await;
    let since = Instant::now();
    bench.exporter.signal(Signal::SIGTERM);
    // A second is granted.
    echo.data("still").await;
    assert_eq!(echo.chunk().await, "still");
    for talk in [&mut echo, &mut deaf, &mut flood] {
        let status = talk.rest().await.status.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        assert_eq!(status.message(), "Cancelling all calls");
    }
    bench.exporter.ended();
    assert!(since.elapsed() < Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_in_the_middle_of_much_data() {
    let bench = Bench::new().await;
    for length in [1, 100_000, 3_000_000] {
        let mut talks = Vec::new();
        for _ in 0..4 {
            talks.push(bench.abi("floods").await);
        }
        let reading = talks.into_iter().map(|mut talk| async move {
            let mut read = 0;
            while read < length {
                read += talk.chunk().await.len();
            }
        });
        futures_util::future::join_all(reading).await;
        bench.wait_for("open", 0.0).await;
    }
}
