//! Drivers that go wrong in the ways an honest driver may: they panic, hang, block their runtime,
//! and never stop talking. Their caller is told; everybody else goes on.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::build::{example_c, rust_plugin};
use common::values::{args, decode};
use common::{C_POWER, Shelf};
use jumpstarter_completion::{abandoned, strays};
use jumpstarter_host::plugin::{CallError, Code, Instance, Opened};
use serde_json::json;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout};

const ROTTEN: &str = "jumpstarter_driver_test_rotten.driver.Rotten";

/// The tests share the plugin's runtime and the process's counters.
static TURN: Mutex<()> = Mutex::const_new(());

async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

async fn open(fault: &str) -> Result<Opened, CallError> {
    let shelf = Shelf::with(&rust_plugin("test-rotten"));
    shelf
        .open(ROTTEN, &json!({"fault": fault}).to_string())
        .await
}

async fn rotten() -> Instance {
    open("none").await.unwrap().driver
}

async fn call(driver: &Instance, method: &str) -> CallError {
    driver.call(method, &[], None).await.unwrap_err()
}

fn soon(ms: u64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(ms))
}

fn panicked(text: &str) -> CallError {
    CallError::new(Code::Internal, format!("the driver panicked: {text}"))
}

async fn works(driver: &Instance) {
    let echo = driver
        .call("echo", &args(&[json!("still here")]), soon(5000))
        .await;
    assert_eq!(decode(&echo.unwrap()), "still here");
}

#[tokio::test]
async fn a_panic_in_a_method_reaches_its_caller_and_nobody_else() {
    let _turn = turn().await;
    let driver = rotten().await;
    let index = "index out of bounds: the len is 0 but the index is 3";
    assert_eq!(call(&driver, "panic").await, panicked(index));
    assert_eq!(
        call(&driver, "panic_blocking").await,
        panicked("a blocking method went wrong")
    );
    assert_eq!(
        call(&driver, "panic_quick").await,
        panicked("a quick method went wrong")
    );
    // The payload of this one panics again when it is dropped.
    assert_eq!(call(&driver, "panic_twice").await.code, Code::Internal);
    works(&driver).await;
    driver.close().await.unwrap();
}

#[tokio::test]
async fn a_panic_in_a_stream_ends_it_after_what_was_sent() {
    let _turn = turn().await;
    let driver = rotten().await;
    let mut stream = driver.stream("panic_after_one", &[], None).await.unwrap();
    let first = stream.next_batch().await.unwrap().unwrap();
    assert_eq!(
        first.iter().map(|item| decode(item)).collect::<Vec<_>>(),
        [json!(0)]
    );
    assert_eq!(
        stream.next_batch().await.unwrap().unwrap_err(),
        panicked("a stream went wrong")
    );
    assert!(stream.next_batch().await.is_none());
    let error = driver.connect("panic_bytes", &[], None).await.unwrap_err();
    assert_eq!(error, panicked("a byte stream went wrong"));
    works(&driver).await;
}

#[tokio::test]
async fn a_panic_at_either_end_of_a_life_does_no_harm() {
    let _turn = turn().await;
    assert_eq!(
        open("open_panic").await.unwrap_err(),
        panicked("open went wrong")
    );
    let unplugged = CallError::new(Code::Unavailable, "the device is not plugged in");
    assert_eq!(open("open_error").await.unwrap_err(), unplugged);
    for fault in ["close_panic", "drop_panic"] {
        let driver = open(fault).await.unwrap().driver;
        works(&driver).await;
        // Closed it is, whatever it answers.
        timeout(Duration::from_secs(5), driver.close())
            .await
            .unwrap()
            .ok();
        assert_eq!(call(&driver, "echo").await.code, Code::Unavailable);
    }
    works(&rotten().await).await;
}

#[tokio::test]
async fn a_wrong_configuration_names_the_mistake() {
    let _turn = turn().await;
    let shelf = Shelf::with(&rust_plugin("test-rotten"));
    let error = shelf
        .open(ROTTEN, r#"{"colour": "red"}"#)
        .await
        .unwrap_err();
    assert_eq!(error.code, Code::InvalidArgument);
    assert_eq!(error.message, "unknown field `colour`, expected `fault`");
}

#[tokio::test]
async fn a_driver_that_blocks_its_runtime_holds_up_its_own_calls_only() {
    let _turn = turn().await;
    let other = Shelf::with(&example_c())
        .open(C_POWER, "{}")
        .await
        .unwrap()
        .driver;
    let driver = rotten().await;
    let started = Instant::now();
    let block = args(&[json!(1500)]);
    // As many as the plugin has threads.
    let (first, second, third) = tokio::join!(
        driver.call("block", &block, soon(300)),
        driver.call("block", &block, soon(300)),
        driver.call("block", &block, soon(300)),
    );
    for blocked in [first, second, third] {
        assert_eq!(blocked.unwrap_err().code, Code::DeadlineExceeded);
    }
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    other.call("on", &[], soon(100)).await.unwrap();
    works(&driver).await;
}

#[tokio::test]
async fn results_that_no_client_could_read_are_errors() {
    let _turn = turn().await;
    let error = call(&rotten().await, "too_big").await;
    assert!(error.message.contains("2^53"), "{error}");
}

#[tokio::test]
async fn a_flood_waits_for_its_reader() {
    let _turn = turn().await;
    let driver = rotten().await;
    let mut stream = driver.stream("flood", &[], None).await.unwrap();
    let mut next = 0_u64;
    for _ in 0..1000 {
        for item in stream.next_batch().await.unwrap().unwrap() {
            assert_eq!(decode(&item), json!(next));
            next += 1;
        }
    }
    assert!((1000..=64_000).contains(&next), "{next}");
    drop(stream);
    works(&driver).await;
}

#[tokio::test]
async fn every_call_that_is_given_up_is_answered_all_the_same() {
    let _turn = turn().await;
    let before = (strays(), abandoned());
    let driver = rotten().await;
    let gone = |method: &'static str| {
        let driver = driver.clone();
        async move {
            let call = driver.call(method, &[], None);
            timeout(Duration::from_millis(1), call).await.unwrap_err();
        }
    };
    for _ in 0..100 {
        futures_util::future::join_all((0..100).map(|_| gone("hang"))).await;
    }
    // A stream that is dropped while the next item is on its way.
    let mut silent = driver.stream("silence", &[], None).await.unwrap();
    timeout(Duration::from_millis(20), silent.next_batch())
        .await
        .unwrap_err();
    drop(silent);

    works(&driver).await;
    driver.close().await.unwrap();
    let all_back = async {
        while (strays(), abandoned()) != before {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), all_back)
        .await
        .expect("each exactly once");
}

#[tokio::test]
async fn a_close_answers_the_calls_that_are_open() {
    let _turn = turn().await;
    let driver = rotten().await;
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let driver = driver.clone();
            tokio::spawn(async move { driver.call("hang", &[], None).await })
        })
        .collect();
    sleep(Duration::from_millis(100)).await;
    timeout(Duration::from_secs(5), driver.close())
        .await
        .unwrap()
        .unwrap();
    for call in calls {
        let answer = timeout(Duration::from_secs(5), call)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer.unwrap_err().code, Code::Cancelled);
    }
}

#[tokio::test]
async fn a_driver_that_is_forgotten_is_closed() {
    let _turn = turn().await;
    let driver = rotten().await;
    let call = tokio::spawn({
        let driver = driver.clone();
        async move { driver.call("hang", &[], None).await }
    });
    sleep(Duration::from_millis(50)).await;
    call.abort();
    drop(driver);
    works(&rotten().await).await;
}
