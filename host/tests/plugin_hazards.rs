//! Plugins that break the rules. The caller gets a clean error that names the driver, and everybody
//! else goes on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::os::unix::net::UnixStream;
use std::time::Duration;

use common::build::{example_c, rust_plugin};
use common::socket::{self, SOCKET};
use common::values::decode;
use common::{C_POWER, ROTTEN, Shelf};
use jumpstarter_completion::{abandoned, strays};
use jumpstarter_host::plugin::{CallError, Code, Instance, Opened};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout};

const PLUGIN: &str = "jumpstarter_driver_test_rotten_abi 0.1.0";

/// The counters are those of the process, so tests that look at them, or leave something open, take
/// turns.
static COUNTERS: Mutex<()> = Mutex::const_new(());

async fn turn() -> MutexGuard<'static, ()> {
    COUNTERS.lock().await
}

async fn open(fault: &str) -> Result<Opened, CallError> {
    let shelf = Shelf::with(&rust_plugin("test-rotten-abi"));
    shelf
        .open(ROTTEN, &format!(r#"{{"fault":"{fault}"}}"#))
        .await
}

async fn rotten(fault: &str) -> Instance {
    open(fault).await.unwrap().driver
}

async fn go(driver: &Instance) -> Result<String, CallError> {
    let result = driver.call("go", &[], None).await?;
    Ok(decode(&result).as_str().unwrap().to_owned())
}

fn soon(ms: u64) -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(ms))
}

/// Waits for what comes on its own, unless something hangs.
async fn comes<T>(event: impl Future<Output = T>) -> T {
    let come = timeout(Duration::from_secs(60), event).await;
    come.expect("it hangs: nothing has happened for a minute")
}

fn internal(text: &str) -> CallError {
    CallError::new(Code::Internal, text.replace("PLUGIN", PLUGIN))
}

#[tokio::test]
async fn without_a_fault_it_works() {
    let driver = rotten("none").await;
    assert_eq!(go(&driver).await.unwrap(), "fine");
    let mut stream = driver.stream("items", &[], None).await.unwrap();
    let batch = stream.next_batch().await.unwrap().unwrap();
    assert_eq!(
        batch
            .iter()
            .map(|item| decode(item).as_f64().unwrap())
            .sum::<f64>(),
        6.0
    );
    assert!(stream.next_batch().await.is_none());
    drop(stream);
    driver.close().await.unwrap();
    driver.close().await.unwrap();
    assert_eq!(
        go(&driver).await.unwrap_err(),
        CallError::new(Code::Unavailable, "driver `x` is closed")
    );
}

#[tokio::test]
async fn answers_that_come_twice_or_under_a_wrong_number_are_counted_and_dropped() {
    let _turn = turn().await;
    let before = strays();
    for (fault, too_many) in [("twice", 2), ("wrong_ctx", 4), ("open_twice", 5)] {
        assert_eq!(go(&rotten(fault).await).await.unwrap(), "fine");
        // The others come from the thread that gave the first answer, a moment later.
        let counted = async {
            while strays() - before < too_many {
                sleep(Duration::from_millis(1)).await;
            }
        };
        comes(counted).await;
        assert_eq!(strays() - before, too_many);
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_is_dropped() {
    let _turn = turn().await;
    let before = abandoned();
    let driver = rotten("late").await;
    let error = driver.call("go", &[], soon(50)).await.unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
    assert_eq!(error.message, "driver `x` did not answer `go` in time");
    assert_eq!(
        go(&driver).await.unwrap(),
        "fine",
        "it answers after a second"
    );
    comes(async {
        while abandoned() > before {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn replies_that_are_no_values_are_the_drivers_fault() {
    for (fault, reason) in [
        ("garbage", "the value ends in the middle of a field"),
        ("invalid_utf8", "text is not UTF-8"),
        (
            "deep",
            "values are nested too deep: at most 100 messages fit into one another",
        ),
    ] {
        assert_eq!(
            go(&rotten(fault).await).await.unwrap_err(),
            internal(&format!(
                "driver `x` of plugin PLUGIN answered `go` with a malformed value: {reason}"
            ))
        );
    }
    assert_eq!(
        go(&rotten("null_reply").await).await.unwrap_err(),
        internal("the driver answered with a null reply")
    );
}

#[tokio::test]
async fn errors_are_passed_on_as_far_as_they_make_sense() {
    assert_eq!(
        go(&rotten("code").await).await.unwrap_err(),
        CallError::new(Code::Unknown, "a code that does not exist")
    );
    assert_eq!(
        go(&rotten("message").await).await.unwrap_err(),
        internal("not UTF-8: \u{fffd}\u{fffd}")
    );
}

#[tokio::test]
async fn drivers_that_do_not_open_properly() {
    assert_eq!(
        open("open_zero").await.unwrap_err(),
        internal("plugin PLUGIN opened `x` with no handle")
    );
    let error = open("open_garbage").await.unwrap_err();
    assert!(
        error.message.starts_with(&format!(
            "driver `x` of plugin {PLUGIN} describes itself wrongly: "
        )),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_never_opens_is_given_up() {
    let _turn = turn().await;
    let error = open("open_hang").await.unwrap_err();
    assert_eq!(
        error,
        CallError::new(
            Code::DeadlineExceeded,
            "driver `x` did not open within 30 s"
        )
    );
}

#[tokio::test]
async fn streams_that_break_the_rules() {
    let _turn = turn().await;
    let stream = rotten("garbage_items")
        .await
        .stream("items", &[], None)
        .await;
    let mut stream = stream.unwrap();
    let error = stream.next_batch().await.unwrap().unwrap_err();
    let start = format!("driver `x` of plugin {PLUGIN} sent a malformed item of `items`: ");
    assert!(error.message.starts_with(&start), "{error}");
    assert!(stream.next_batch().await.is_none(), "an error ends it");

    let mut many = rotten("too_many_items")
        .await
        .stream("items", &[], None)
        .await
        .unwrap();
    assert_eq!(many.next_batch().await.unwrap().unwrap().len(), 600);
    assert!(many.next_batch().await.is_none());

    // Nothing, again and again: a caller that waits can still be stopped, and so can the stream.
    let mut empty = rotten("empty_stream")
        .await
        .stream("items", &[], None)
        .await
        .unwrap();
    assert!(
        timeout(Duration::from_millis(100), empty.next_batch())
            .await
            .is_err()
    );
    let driver = rotten("empty_stream").await;
    let mut late = driver.stream("items", &[], soon(100)).await.unwrap();
    let error = late.next_batch().await.unwrap().unwrap_err();
    assert_eq!(error.code, Code::DeadlineExceeded);
}

#[tokio::test]
async fn a_byte_stream_without_a_descriptor() {
    let error = rotten("no_descriptor")
        .await
        .connect("bytes", &[], None)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        internal("driver `x` of plugin PLUGIN answered `bytes` with success, but no descriptor")
    );
}

#[tokio::test]
async fn descriptors_that_cannot_be_pumped() {
    let shelf = Shelf::new();
    socket::build(&shelf.path("x.so"));
    let driver = shelf.open(SOCKET, "{}").await.unwrap().driver;
    for (method, reason) in [
        ("nothing", "the descriptor 1234567, which is not open"),
        ("pipe", "a descriptor that is no socket"),
        ("datagram", "a datagram socket that is not connected"),
    ] {
        let error = driver.connect(method, &[], None).await.unwrap_err();
        let expected = format!("driver `x` of plugin socket 1.0 answered `{method}` with {reason}");
        assert_eq!(error, CallError::new(Code::Internal, expected));
    }
    // What the plugin forgot is made good: reading does not block.
    let fd = driver.connect("hello", &[], None).await.unwrap();
    let stream = UnixStream::from(fd);
    let flags = fcntl(&stream, FcntlArg::F_GETFL).unwrap();
    assert_ne!(flags & OFlag::O_NONBLOCK.bits(), 0);
}

#[tokio::test]
async fn a_thread_that_ends_after_its_answer() {
    assert_eq!(go(&rotten("exit_thread").await).await.unwrap(), "fine");
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_never_answers_is_fenced_off() {
    let _turn = turn().await;
    let driver = rotten("hang").await;
    for _ in 0..5 {
        let error = driver.call("go", &[], soon(1000)).await.unwrap_err();
        assert_eq!(error.code, Code::DeadlineExceeded);
        // It has five seconds to answer after all.
        sleep(Duration::from_secs(6)).await;
    }
    let started = Instant::now();
    let error = driver.call("go", &[], soon(1000)).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable);
    assert_eq!(
        error.message,
        format!("driver `x` has not answered 5 calls in a row; its plugin {PLUGIN} seems stuck")
    );
    assert_eq!(started.elapsed(), Duration::ZERO, "it fails at once");

    // Its neighbour in the same plugin goes on.
    assert_eq!(go(&rotten("none").await).await.unwrap(), "fine");
}

#[tokio::test(start_paused = true)]
async fn an_answer_starts_the_count_over() {
    let _turn = turn().await;
    let driver = rotten("late").await;
    for _ in 0..12 {
        // Given up after 50 ms; the answer comes from a real thread, after a real second.
        driver.call("go", &[], soon(50)).await.unwrap_err();
    }
    assert_eq!(go(&driver).await.unwrap(), "fine");
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(go(&driver).await.unwrap(), "fine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_driver_that_blocks_inside_a_call_holds_up_nobody_else() {
    let _turn = turn().await;
    let other = Shelf::with(&example_c());
    let other = other.open(C_POWER, "{}").await.unwrap().driver;
    let driver = rotten("block").await;
    // It comes back after three seconds.
    let blocked = tokio::spawn(async move {
        let given_up = driver.call("go", &[], soon(300));
        let (given_up, answered) = tokio::join!(given_up, go(&driver));
        (given_up, answered)
    });
    for _ in 0..100 {
        other.call("on", &[], None).await.unwrap();
    }
    assert!(!blocked.is_finished(), "the others had to wait for it");
    let (given_up, answered) = blocked.await.unwrap();
    assert_eq!(given_up.unwrap_err().code, Code::DeadlineExceeded);
    assert_eq!(answered.unwrap(), "fine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn many_calls_of_a_blocking_driver_do_not_take_all_threads() {
    let _turn = turn().await;
    let driver = rotten("block").await;
    let neighbour = rotten("none").await;
    // It comes back after three seconds.
    let first = tokio::spawn({
        let driver = driver.clone();
        async move { go(&driver).await }
    });
    let calls: Vec<_> = (0..600)
        .map(|_| {
            let driver = driver.clone();
            tokio::spawn(async move { driver.call("go", &[], soon(500)).await })
        })
        .collect();
    sleep(Duration::from_millis(100)).await;
    assert_eq!(go(&neighbour).await.unwrap(), "fine");
    assert!(!first.is_finished(), "the neighbour had to wait for it");
    for call in calls {
        assert_eq!(
            call.await.unwrap().unwrap_err().code,
            Code::DeadlineExceeded
        );
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_that_go_away() {
    let _turn = turn().await;
    let driver = rotten("hang").await;
    for _ in 0..100 {
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let driver = driver.clone();
                tokio::spawn(async move { driver.call("go", &[], None).await })
            })
            .collect();
        // Time passes only when nothing is left to do: by then all of them are in the plugin.
        sleep(Duration::from_millis(1)).await;
        for call in calls {
            call.abort();
            assert!(call.await.unwrap_err().is_cancelled());
        }
    }
    sleep(Duration::from_secs(6)).await;
    let error = driver.call("go", &[], None).await.unwrap_err();
    assert_eq!(error.code, Code::Unavailable, "{error}");
    driver.close().await.unwrap();
    assert_eq!(go(&rotten("none").await).await.unwrap(), "fine");
}

#[tokio::test]
async fn a_close_with_calls_in_flight() {
    let driver = rotten("late").await;
    let call = tokio::spawn({
        let driver = driver.clone();
        async move { go(&driver).await }
    });
    sleep(Duration::from_millis(100)).await;
    driver.close().await.unwrap();
    assert_eq!(go(&driver).await.unwrap_err().code, Code::Unavailable);
    assert_eq!(
        call.await.unwrap().unwrap(),
        "fine",
        "the answer is still on its way"
    );
}

#[tokio::test]
async fn a_close_that_is_never_answered_can_be_given_up() {
    let _turn = turn().await;
    let driver = rotten("close_hang").await;
    timeout(Duration::from_millis(100), driver.close())
        .await
        .unwrap_err();
    driver.close().await.unwrap();
    drop(driver);
    assert_eq!(go(&rotten("none").await).await.unwrap(), "fine");
}
