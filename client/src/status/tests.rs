#![allow(clippy::unwrap_used)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{Instant, sleep};

use super::*;

type Answer = Result<GetStatusResponse, Status>;

fn says(status: ExporterStatus, version: u64) -> Answer {
    Ok(GetStatusResponse {
        status: status.into(),
        message: Some(format!("m{version}")),
        status_version: version,
        previous_status: None,
    })
}

fn silent() -> Answer {
    Err(Status::deadline_exceeded(""))
}

/// A monitor of an exporter that gives these answers, the last one for ever; and how often it was
/// asked.
fn exporter(answers: Vec<Answer>) -> (Monitor, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let answers = Mutex::new(answers);
    let monitor = Monitor::start_with(move || {
        let index = counter.fetch_add(1, Ordering::SeqCst);
        let answers = answers.lock().unwrap();
        let answer = answers[index.min(answers.len() - 1)].clone();
        async move { answer }
    });
    (monitor, asked)
}

const MINUTES: Duration = Duration::from_secs(300);
use ExporterStatus::{Available, BeforeLeaseHook, BeforeLeaseHookFailed, LeaseReady};

#[tokio::test(start_paused = true)]
async fn a_waiter_gets_the_status_it_waits_for() {
    let (monitor, _) = exporter(vec![
        says(BeforeLeaseHook, 1),
        says(BeforeLeaseHook, 1),
        says(LeaseReady, 2),
    ]);
    let waited = monitor.wait_for(&[LeaseReady, BeforeLeaseHookFailed], MINUTES);
    assert_eq!(waited.await, Waited::Reached(LeaseReady));
    assert_eq!(monitor.snapshot().message, "m2");
    // Already there: no further question.
    let again = monitor.wait_for(&[LeaseReady], Duration::ZERO).await;
    assert_eq!(again, Waited::Reached(LeaseReady));
}

#[tokio::test(start_paused = true)]
async fn skipped_versions_are_counted() {
    let (monitor, _) = exporter(vec![says(BeforeLeaseHook, 1), says(LeaseReady, 5)]);
    monitor.wait_for(&[LeaseReady], MINUTES).await;
    assert_eq!(monitor.snapshot().missed, 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_waiting_means_few_questions() {
    let (monitor, asked) = exporter(vec![says(LeaseReady, 1)]);
    sleep(Duration::from_secs(1)).await;
    assert!(asked.load(Ordering::SeqCst) <= 2);
    monitor.wait_for(&[Available], Duration::from_secs(1)).await;
    assert!(asked.load(Ordering::SeqCst) >= 4);
}

#[tokio::test(start_paused = true)]
async fn an_exporter_without_status_counts_as_ready() {
    let (monitor, asked) = exporter(vec![Err(Status::unimplemented(""))]);
    let ready = monitor.wait_for(&[BeforeLeaseHookFailed, LeaseReady], MINUTES);
    assert_eq!(ready.await, Waited::Reached(LeaseReady));
    let started = Instant::now();
    let other = monitor.wait_for(&[Available], MINUTES).await;
    assert_eq!(other, Waited::Unsupported);
    assert!(started.elapsed() < Duration::from_secs(1));
    sleep(MINUTES).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn being_unavailable_is_never_fatal() {
    let mut answers = vec![Err(Status::unavailable("")); 200];
    answers.push(says(LeaseReady, 1));
    let (monitor, _) = exporter(answers);
    let waited = monitor.wait_for(&[LeaseReady], MINUTES).await;
    assert_eq!(waited, Waited::Reached(LeaseReady));
}

#[tokio::test(start_paused = true)]
async fn nineteen_unanswered_questions_are_not_lost() {
    let mut answers = vec![silent(); 19];
    answers.push(says(LeaseReady, 1));
    let (monitor, _) = exporter(answers);
    let waited = monitor.wait_for(&[LeaseReady], MINUTES).await;
    assert_eq!(waited, Waited::Reached(LeaseReady));
}

#[tokio::test(start_paused = true)]
async fn twenty_unanswered_questions_are_lost_but_get_another_chance() {
    let mut answers = vec![silent(); 20];
    answers.push(says(LeaseReady, 7));
    let (monitor, _) = exporter(answers);
    let waited = monitor.wait_for(&[LeaseReady], MINUTES).await;
    assert_eq!(waited, Waited::Lost);
    assert!(monitor.snapshot().lost);
    let verified = monitor.wait_for(&[LeaseReady], MINUTES).await;
    assert_eq!(verified, Waited::Reached(LeaseReady));
    let now = monitor.snapshot();
    assert_eq!((now.lost, now.message.as_str()), (false, "m7"));
}

#[tokio::test(start_paused = true)]
async fn trouble_is_told_once_until_it_is_over() {
    let (monitor, _) = exporter(vec![
        says(LeaseReady, 1),
        Err(Status::unavailable("")),
        Err(Status::unavailable("")),
        says(LeaseReady, 1),
        says(Available, 2),
    ]);
    let mut troubles = monitor.troubles();
    troubles.next().await;
    assert!(monitor.snapshot().away);
    troubles.next().await;
    assert_eq!(monitor.snapshot().status, Some(Available));
    let more = tokio::time::timeout(MINUTES, troubles.next()).await;
    assert!(more.is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_its_limit() {
    let (monitor, _) = exporter(vec![says(BeforeLeaseHook, 1)]);
    let started = Instant::now();
    let waited = monitor.wait_for(&[LeaseReady], MINUTES).await;
    assert_eq!(waited, Waited::TimedOut);
    assert_eq!(started.elapsed(), MINUTES);
}

#[test]
fn names_have_no_prefix() {
    assert_eq!(status_name(LeaseReady), "LEASE_READY");
    assert_eq!(status_name(ExporterStatus::Unspecified), "UNSPECIFIED");
}
