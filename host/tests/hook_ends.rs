//! Hooks that have to be ended.

#![allow(clippy::unwrap_used)]

mod hook_support;

use std::time::Duration;

use hook_support::{Bench, PATIENCE, failed, lives, run, wait_for};
use jumpstarter_host::config::OnFailure;
use jumpstarter_host::hook::Ran;
use jumpstarter_host::lease::Ended;
use tokio_util::sync::CancellationToken;

/// Starts a script and cancels it once it has printed `ready`.
async fn cancel(bench: &Bench, script: &str) -> Ran {
    let token = CancellationToken::new();
    let running = tokio::spawn(bench.job(script).run(token.clone()));
    bench.hears("ready").await;
    token.cancel();
    tokio::time::timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn a_hook_that_takes_too_long_is_ended_with_all_it_has_started() {
    for (on_failure, level, rest) in [
        (OnFailure::Warn, "WARN", "warn, continuing"),
        (OnFailure::EndLease, "ERROR", "endLease, raising exception"),
    ] {
        let bench = Bench::new();
        let mut job = bench.job(
            "echo $$ > FOLDER/shell; sleep 3600 & echo $! > FOLDER/sleep
             timeout 3600 sh -c 'echo $$ > FOLDER/guarded; sleep 3600; :' & wait",
        );
        job.hook.timeout = 1;
        job.hook.on_failure = on_failure;
        let text = "Hook timed out after 1 seconds";
        assert_eq!(run(job).await.ended, failed(text));
        for name in ["shell", "sleep", "guarded"] {
            assert!(!lives(bench.process(name)), "{name}");
        }
        let first = format!("ERROR hook.beforeLease: {text}");
        let second = format!("{level} hook.beforeLease: {text} (on_failure={rest})");
        assert_eq!(bench.complaints(), [first, second]);
    }
}

#[tokio::test]
async fn a_hook_that_waits_for_input_waits_for_its_end() {
    let bench = Bench::new();
    let mut job = bench.job("echo 'name?'; read name; echo \"got $name\"");
    job.hook.timeout = 1;
    assert_eq!(
        run(job).await.ended,
        failed("Hook timed out after 1 seconds")
    );
    assert_eq!(bench.printed(), ["name?"]);
}

#[tokio::test]
async fn no_time_at_all_is_too_short() {
    for timeout in [0, -5, i64::MIN] {
        let bench = Bench::new();
        let mut job = bench.job("sleep 3600");
        job.hook.timeout = timeout;
        let text = format!("Hook timed out after {timeout} seconds");
        assert_eq!(run(job).await.ended, failed(&text));
    }
}

#[tokio::test]
async fn all_the_time_in_the_world_is_no_mistake() {
    let bench = Bench::new();
    let mut job = bench.job("echo hello");
    job.hook.timeout = i64::MAX;
    assert_eq!(run(job).await.ended, Ended::Ok);
    assert_eq!(bench.printed(), ["hello"]);
}

#[tokio::test]
async fn a_hook_that_does_not_want_to_end_is_killed() {
    let bench = Bench::new();
    // The child ignores the signal as well, and its parent's end.
    let mut job = bench.job(
        "trap '' TERM HUP INT; echo $$ > FOLDER/shell
         sh -c 'echo $$ > FOLDER/child; while :; do sleep 1; done' & 
         while :; do sleep 1; done",
    );
    job.hook.timeout = 1;
    assert_eq!(
        run(job).await.ended,
        failed("Hook timed out after 1 seconds")
    );
    for name in ["shell", "child"] {
        assert!(!lives(bench.process(name)), "{name}");
    }
}

#[tokio::test]
async fn a_stopped_hook_is_woken_to_end() {
    let bench = Bench::new();
    let mut job =
        bench.job("trap 'echo woken; exit 3' TERM; echo $$ > FOLDER/shell; kill -STOP $$");
    job.hook.timeout = 1;
    assert_eq!(
        run(job).await.ended,
        failed("Hook timed out after 1 seconds")
    );
    assert_eq!(bench.printed(), ["woken"]);
    assert!(!lives(bench.process("shell")));
}

#[tokio::test]
async fn a_cancelled_hook_may_clean_up_and_its_last_words_are_heard() {
    let bench = Bench::new();
    let script = "trap 'sleep 0.2; echo cleaned; printf bye; exit 0' TERM
        echo $$ > FOLDER/shell; sleep 3600 & echo $! > FOLDER/sleep
        echo greeting > $JMP_MOTD_FILE; echo ready; wait";
    let ran = cancel(&bench, script).await;
    assert_eq!((ran.ended, ran.motd), (Ended::Killed, None));
    assert_eq!(bench.printed(), ["ready", "cleaned", "bye"]);
    assert!(!lives(bench.process("shell")) && !lives(bench.process("sleep")));
    assert_eq!(bench.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_cancelled_hook_that_does_not_care_is_killed() {
    let bench = Bench::new();
    let script = "trap '' TERM; echo $$ > FOLDER/shell; echo ready; while :; do sleep 1; done";
    assert_eq!(cancel(&bench, script).await.ended, Ended::Killed);
    assert!(!lives(bench.process("shell")));
}

#[tokio::test]
async fn a_cancelled_hook_that_prints_without_end_is_killed_as_well() {
    let bench = Bench::new();
    let script = "echo ready; echo $$ > FOLDER/shell; trap '' TERM PIPE; while :; do echo y; done";
    assert_eq!(cancel(&bench, script).await.ended, Ended::Killed);
    assert!(!lives(bench.process("shell")));
}

#[tokio::test]
async fn what_is_cancelled_before_it_starts_never_starts() {
    let bench = Bench::new();
    let token = CancellationToken::new();
    token.cancel();
    let ran = bench.job("touch FOLDER/started").run(token).await;
    assert_eq!(ran.ended, Ended::Killed);
    assert!(!bench.path("started").exists());
}

#[tokio::test]
async fn a_hook_that_nobody_waits_for_any_more_is_killed() {
    let bench = Bench::new();
    let pause = wait_for("never");
    let script = format!("trap '' TERM; echo $$ > FOLDER/shell; echo ready; {pause}");
    let running = tokio::spawn(run(bench.job(&script)));
    bench.hears("ready").await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let shell = bench.process("shell");
    let dies = async {
        while lives(shell) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, dies).await.unwrap();
}
