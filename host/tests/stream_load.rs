//! Many streams, much data, and readers that stop reading.

#![allow(clippy::unwrap_used)]

mod session_support;
mod stream_support;

use std::time::Duration;

use futures_util::future::join_all;
use stream_support::{Bench, Talk, driver, frame, noise, router};
use tokio::time::timeout;

/// What the process has in memory.
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_streams_on_one_connection() {
    let bench = Bench::new().await;
    let request = driver(&bench.abi, "echo");
    let talks = join_all((0..200).map(|_| Talk::open(&bench.router, &request))).await;
    let echoes = talks.into_iter().enumerate().map(|(at, talk)| async move {
        let mut talk = talk.unwrap();
        let sent = noise(10_000 + at);
        talk.data(sent.clone()).await;
        assert!(talk.bytes(sent.len()).await == sent);
        talk.goaway().await;
        let rest = talk.rest().await;
        assert!(rest.goaway && rest.status.is_ok(), "{rest:?}");
    });
    join_all(echoes).await;
    bench.wait_for("open", 0.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_cost_little_and_keep_nobody_waiting() {
    let bench = Bench::new().await;
    let router = router(&bench.exporter).await;
    let request = driver(&bench.abi, "echo");
    let block = noise(64 << 10);
    let talks = join_all((0..64).map(|_| Talk::open(&router, &request))).await;
    let mut reading = Vec::new();
    let mut stuck = Vec::new();
    for (at, talk) in talks.into_iter().enumerate() {
        let mut talk = talk.unwrap();
        // Everything is warm before it is measured.
        talk.data(block.clone()).await;
        talk.bytes(block.len()).await;
        if at % 2 == 0 {
            reading.push(talk);
        } else {
            stuck.push(talk);
        }
    }
    let before = resident(bench.exporter.pid());

    // Half of them write as long as anybody takes it, and do not read.
    let full = stuck.iter().map(|talk| async {
        let to = talk.to.as_ref().unwrap();
        let patience = Duration::from_secs(1);
        let mut taken = 0;
        while let Ok(sent) = timeout(patience, to.send(frame(0, block.clone()))).await {
            sent.unwrap();
            taken += block.len();
        }
        taken
    });
    let taken = join_all(full).await;
    assert!(taken.iter().all(|taken| *taken > 100_000), "{taken:?}");
    assert!(taken.iter().all(|taken| *taken < 8 << 20), "{taken:?}");

    // The other half does not notice.
    let echoes = reading.iter_mut().map(|talk| async {
        for _ in 0..30 {
            talk.data(block.clone()).await;
            assert!(talk.bytes(block.len()).await == block);
        }
    });
    join_all(echoes).await;

    let after = resident(bench.exporter.pid());
    let grown = after.saturating_sub(before);
    println!(
        "{} KiB before, {} KiB more after",
        before >> 10,
        grown >> 10
    );
    assert!(grown < 16 << 20, "grown by {} KiB", grown >> 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drivers_that_do_not_read_cost_little() {
    let bench = Bench::new().await;
    let router = router(&bench.exporter).await;
    let request = driver(&bench.abi, "ignores");
    let block = noise(64 << 10);
    let talks = join_all((0..64).map(|_| Talk::open(&router, &request))).await;
    let talks: Vec<_> = talks.into_iter().map(Result::unwrap).collect();
    let before = resident(bench.exporter.pid());
    let full = talks.iter().map(|talk| async {
        let to = talk.to.as_ref().unwrap();
        let patience = Duration::from_secs(1);
        while timeout(patience, to.send(frame(0, block.clone())))
            .await
            .is_ok()
        {}
    });
    join_all(full).await;
    let grown = resident(bench.exporter.pid()).saturating_sub(before);
    println!("{} KiB more", grown >> 10);
    assert!(grown < 16 << 20, "grown by {} KiB", grown >> 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_do_not_read_cost_little() {
    let bench = Bench::new().await;
    let router = router(&bench.exporter).await;
    let request = driver(&bench.abi, "floods");
    let before = resident(bench.exporter.pid());
    let talks = join_all((0..64).map(|_| Talk::open(&router, &request))).await;
    assert!(talks.iter().all(Result::is_ok));
    // Each is sent what there is room for, and then no more.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let grown = resident(bench.exporter.pid()).saturating_sub(before);
    println!("{} KiB more", grown >> 10);
    assert!(grown < 16 << 20, "grown by {} KiB", grown >> 10);
}
