//! Hooks that print more than anybody can read.

#![allow(clippy::unwrap_used)]

mod hook_support;

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hook_support::{Bench, run};
use jumpstarter_host::lease::Ended;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const MIB: u64 = 1024 * 1024;

/// A log that only counts, and whose reader may be slow.
#[derive(Clone, Default)]
struct Count {
    lines: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
    longest: Arc<AtomicU64>,
    /// While this is true, whoever logs has to wait.
    stuck: Arc<(Mutex<bool>, Condvar)>,
}

// === impl Count ===

impl<S: tracing::Subscriber> Layer<S> for Count {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "hook" {
            return;
        }
        let mut said = hook_support::Said::default();
        event.record(&mut said);
        let length = said.message.len() as u64;
        self.lines.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.longest.fetch_max(length, Ordering::Relaxed);
        let stuck = self.stuck.0.lock().unwrap();
        drop(self.stuck.1.wait_while(stuck, |stuck| *stuck).unwrap());
    }
}

/// The most memory this process has ever had.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

/// Runs a script that prints a lot, in lines or without any end of a line.
async fn flood(script: &str) -> Count {
    let bench = Bench::new();
    let count = Count::default();
    let listener = tracing_subscriber::registry().with(count.clone());
    let _listening = tracing::subscriber::set_default(listener);
    let before = peak();
    let job = bench.job(script);
    let running = tokio::spawn(run(job));
    // This thread is all that the test has. Whoever holds it up, holds up an exporter's clients.
    let mut turns = 0_u64;
    while !running.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        turns += 1;
    }
    assert_eq!(running.await.unwrap().ended, Ended::Ok);
    assert!(turns > 10, "other tasks had {turns} turns");
    let grown = peak() - before;
    assert!(grown < 8 * MIB, "{grown} bytes more");
    count
}

#[tokio::test]
async fn a_hundred_mebibytes_of_lines_all_arrive() {
    let line = "x".repeat(99);
    let count = flood(&format!("yes {line} | head -c {}", 100 * MIB)).await;
    let lines = 100 * MIB / 100;
    assert!(count.lines.load(Ordering::Relaxed) >= lines);
    let left = 100 * MIB - lines * 100;
    assert_eq!(count.bytes.load(Ordering::Relaxed), lines * 99 + left);
    assert_eq!(count.longest.load(Ordering::Relaxed), 99);
}

#[tokio::test]
async fn a_hundred_mebibytes_without_the_end_of_a_line_all_arrive() {
    let count = flood(&format!("head -c {} /dev/zero | tr '\\0' x", 100 * MIB)).await;
    assert_eq!(count.bytes.load(Ordering::Relaxed), 100 * MIB);
    assert!(count.longest.load(Ordering::Relaxed) <= 16 * 1024);
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_the_hook_but_not_the_exporter() {
    let bench = Bench::new();
    let count = Count::default();
    let listener = tracing_subscriber::registry().with(count.clone());
    let _listening = tracing::subscriber::set_default(listener);
    *count.stuck.0.lock().unwrap() = true;
    let job = bench.job("seq 1 200000; touch FOLDER/printed");
    let running = tokio::spawn(run(job));
    let first = async {
        while count.lines.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(hook_support::PATIENCE, first)
        .await
        .unwrap();
    // Time for the whole output, had it a place to go.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!running.is_finished());
    assert!(!bench.path("printed").exists());
    assert_eq!(count.lines.load(Ordering::Relaxed), 1);
    *count.stuck.0.lock().unwrap() = false;
    count.stuck.1.notify_all();
    assert_eq!(running.await.unwrap().ended, Ended::Ok);
    assert_eq!(count.lines.load(Ordering::Relaxed), 200_000);
}
