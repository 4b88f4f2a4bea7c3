//! Plugins that break the rules: whoever called is told, everybody else is served.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use jumpstarter_tests::{Exporter, Lab, PATIENCE, Peer, Setup, values};
use tonic::Code;

const RULES: &str = "jumpstarter_driver_test_rotten_abi.driver.Rotten";
const LIFE: &str = "jumpstarter_driver_test_rotten.driver.Rotten";

/// A good switch, a driver of the SDK that misbehaves, and one driver for each of these broken rules.
fn bench(lab: &Lab, faults: &[&str]) -> String {
    let mut export = format!(
        "power: {{type: jumpstarter_driver_power.driver.MockPower}}\n\
         rotten: {{type: {LIFE}}}\n"
    );
    for fault in faults {
        export += &format!("{fault}: {{type: {RULES}, config: {{fault: {fault}}}}}\n");
    }
    assert!(lab.programs().rotten().exists());
    export
}

fn setup<'lab>(lab: &'lab Lab, faults: &[&str]) -> Setup<'lab> {
    lab.exporter(&bench(lab, faults)).rotten()
}

async fn others_are_served(peer: &mut Peer, exporter: &Exporter<'_>) {
    peer.call("power", "on", vec![]).await.unwrap();
    exporter.j(["power", "read"]).succeeds();
}

#[tokio::test]
async fn answers_that_come_too_often_or_under_a_wrong_number_change_nothing() {
    let lab = Lab::new();
    let faults = [
        "none",
        "open_twice",
        "twice",
        "late",
        "wrong_ctx",
        "exit_thread",
    ];
    let exporter = setup(&lab, &faults).start();
    let mut peer = Peer::of(&exporter).await;
    for fault in faults {
        for _ in 0..3 {
            let answer = peer.call(fault, "go", vec![]).await.unwrap();
            assert_eq!(answer, values(["fine"])[0], "{fault}");
        }
    }
    others_are_served(&mut peer, &exporter).await;
}

#[tokio::test]
async fn answers_that_are_none_are_refused() {
    let lab = Lab::new();
    let faults = [
        (
            "garbage",
            Code::Internal,
            "answered `go` with a malformed value",
        ),
        ("invalid_utf8", Code::Internal, "text is not UTF-8"),
        ("deep", Code::Internal, "nested too deep"),
        ("null_reply", Code::Internal, "answered with a null reply"),
        ("code", Code::Unknown, "a code that does not exist"),
        ("message", Code::Internal, "not UTF-8"),
    ];
    let exporter = setup(&lab, &faults.map(|(fault, ..)| fault)).start();
    let mut peer = Peer::of(&exporter).await;
    for (fault, code, text) in faults {
        let status = peer.call(fault, "go", vec![]).await.unwrap_err();
        assert_eq!(status.code(), code, "{fault}: {status:?}");
        assert!(status.message().contains(text), "{fault}: {status:?}");
        others_are_served(&mut peer, &exporter).await;
    }
}

#[tokio::test]
async fn streams_that_break_rules_end_alone() {
    let lab = Lab::new();
    let faults = ["garbage_items", "empty_stream", "too_many_items"];
    let exporter = setup(&lab, &faults).start();
    let mut peer = Peer::of(&exporter).await;
    let (items, end) = peer.stream("garbage_items", "items", vec![]).await;
    assert!(items.is_empty());
    assert_eq!(end.unwrap_err().code(), Code::Internal);
    // More than was asked for, but in order and with an end.
    let (items, end) = peer.stream("too_many_items", "items", vec![]).await;
    assert_eq!(items[..3], values([1, 2, 3]));
    end.unwrap();
    // This one never ends: the client gives up, and the exporter has to notice.
    let reading = peer.stream("empty_stream", "items", vec![]);
    let left = tokio::time::timeout(Duration::from_millis(300), reading).await;
    left.expect_err("endless");
    others_are_served(&mut peer, &exporter).await;
}

#[tokio::test]
async fn a_panic_is_told_to_whoever_called() {
    let lab = Lab::new();
    let exporter = setup(&lab, &[]).start();
    let mut peer = Peer::of(&exporter).await;
    for (method, text) in [
        ("panic", "the driver panicked: index out of bounds"),
        (
            "panic_blocking",
            "the driver panicked: a blocking method went wrong",
        ),
        (
            "panic_quick",
            "the driver panicked: a quick method went wrong",
        ),
        ("panic_twice", "the driver panicked"),
    ] {
        let status = peer.call("rotten", method, vec![]).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{method}: {status:?}");
        assert!(status.message().contains(text), "{method}: {status:?}");
    }
    let (items, end) = peer.stream("rotten", "panic_after_one", vec![]).await;
    assert_eq!(items, values([0]));
    assert_eq!(
        end.unwrap_err().message(),
        "the driver panicked: a stream went wrong"
    );
    let (items, end) = peer.stream("rotten", "fail_after_two", vec![]).await;
    assert_eq!(items, values([1, 2]));
    assert_eq!(end.unwrap_err().message(), "the third went wrong");

    let answer = peer.call("rotten", "echo", values(["still there"])).await;
    assert_eq!(answer.unwrap(), values(["still there"])[0]);
    others_are_served(&mut peer, &exporter).await;
}

#[tokio::test]
async fn a_driver_that_never_answers_is_fenced_off_by_name() {
    let lab = Lab::new();
    let exporter = setup(&lab, &["hang"]).start();
    let mut peer = Peer::of(&exporter).await;
    let limit = Duration::from_millis(50);
    let begun = Instant::now();
    let stuck = loop {
        let status = peer.call_within(limit, "hang", "go").await.unwrap_err();
        if status.code() == Code::Unavailable {
            break status;
        }
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
        assert!(begun.elapsed() < PATIENCE, "never fenced off");
    };
    assert!(stuck.message().contains("`hang`"), "{stuck:?}");
    assert!(stuck.message().contains("seems stuck"), "{stuck:?}");
    others_are_served(&mut peer, &exporter).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_in_the_middle_disturbs_nobody() {
    let lab = Lab::new();
    let exporter = setup(&lab, &["hang", "late"]).start();
    let mut peer = Peer::of(&exporter).await;
    for fault in ["hang", "late"] {
        let mut leaving = peer.clone();
        let call = tokio::spawn(async move { leaving.call(fault, "go", vec![]).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        call.abort();
    }
    let mut shell = exporter.j_command();
    let mut child = shell
        .args(["power", "read", "-n", "0", "-i", "0.01"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    others_are_served(&mut peer, &exporter).await;
}

#[test]
fn a_driver_that_cannot_be_opened_is_said_at_the_start() {
    let lab = Lab::new();
    for (kind, fault, text) in [
        (RULES, "open_zero", "no handle"),
        (RULES, "open_garbage", "describes itself wrongly"),
        (LIFE, "open_error", "the device is not plugged in"),
        (LIFE, "open_panic", "open went wrong"),
    ] {
        let export = format!("broken: {{type: {kind}, config: {{fault: {fault}}}}}");
        lab.exporter(&export)
            .rotten()
            .refused()
            .fails(1)
            .complains("broken")
            .complains(text);
    }
}

#[test]
fn all_drivers_that_cannot_be_opened_are_said_at_once() {
    let lab = Lab::new();
    let export = format!(
        "one: {{type: {LIFE}, config: {{fault: open_error}}}}\n\
         two: {{type: {LIFE}, config: {{fault: open_panic}}}}"
    );
    let outcome = lab.exporter(&export).rotten().refused();
    outcome.fails(1).complains("one").complains("two");
}

#[test]
fn a_driver_that_does_not_close_holds_nobody_up() {
    let lab = Lab::new();
    let export = format!(
        "a: {{type: {RULES}, config: {{fault: close_hang}}}}\n\
         b: {{type: {LIFE}, config: {{fault: close_hang}}}}\n\
         c: {{type: {LIFE}, config: {{fault: close_panic}}}}\n\
         d: {{type: {LIFE}, config: {{fault: drop_panic}}}}"
    );
    let exporter = lab.exporter(&export).rotten().start();
    let (code, log) = exporter.stop();
    assert_eq!(code, 143, "{log}");
    assert!(log.contains("Error closing driver a"), "{log}");
    assert!(log.contains("Error closing driver b"), "{log}");
}

#[test]
fn what_would_kill_the_exporter_is_found_by_driver_check() {
    let lab = Lab::new();
    let plugin = lab
        .programs()
        .test_plugins()
        .join("libjumpstarter_driver_test_rotten_abi.so");
    for (fault, text) in [
        ("abort", "killed by signal SIGABRT"),
        ("unwind", "killed by signal SIGABRT"),
        ("segv", "killed by signal SIGSEGV"),
        ("exit", "the process exited with 42"),
        ("open_zero", "no handle"),
        ("twice", "too often"),
    ] {
        let config = format!("{{fault: {fault}}}");
        lab.jmp_exporter([
            "driver".as_ref(),
            "check".as_ref(),
            plugin.as_os_str(),
            "--config".as_ref(),
            config.as_ref(),
        ])
        .fails(1)
        .complains("jumpstarter_driver_test_rotten_abi 0.1.0")
        .complains(text);
    }
}

#[test]
fn honest_plugins_pass_driver_check() {
    let lab = Lab::new();
    for family in ["power", "example_c"] {
        let plugin = lab.programs().plugin(family);
        lab.jmp_exporter([
            "driver".as_ref(),
            "check".as_ref(),
            plugin.as_os_str(),
            "--stress".as_ref(),
        ])
        .succeeds();
    }
}
