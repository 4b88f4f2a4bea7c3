//! What an exporter holds for clients that send and do not read.

use std::time::Duration;

use bytes::Bytes;
use jumpstarter_tests::Lab;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Effort,
    echo::{drivers, serve_echo},
    frames::{Frames, Line},
    process::weigh,
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

const STREAMS: usize = 64;
const CHUNK: usize = 64 << 10;

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let export = drivers(serve_echo());
    for (driver, name) in [("echo", "EchoNetwork"), ("tcp", "TcpNetwork")] {
        let mut series = [Series::default(), Series::default()];
        for (series, whose) in series.iter_mut().zip([Whose::Limit, Whose::Ours]) {
            series.push(growth(lab, whose, &export, driver, effort).await);
        }
        let [limit, ours] = series;
        table.add(Row {
            work: format!("memory gained by {STREAMS} streams through {name}, half of them unread"),
            unit: "KiB",
            better: Better::Less,
            ours,
            limit,
            python: Series::default(),
            goal: Goal::AtMost(16.0 * 1024.0),
        });
    }
}

/// KiB more than after the first stream.
async fn growth(lab: &Lab, whose: Whose, export: &str, driver: &str, effort: Effort) -> f64 {
    let served = Served::with(lab, whose, export).await;
    // What is not read fills a connection, so those who read have their own.
    let (idle, busy) = (Line::to(served.port()).await, Line::to(served.port()).await);
    let mut first = busy.connect(driver).await;
    first.sender.send(Bytes::from_static(b"x")).await;
    first.receiver.take(1).await;
    let (before, _) = weigh(served.pid());
    // All of them first: a connection that is full of what nobody reads answers no more calls.
    let mut streams = Vec::new();
    for number in 0..STREAMS {
        let line = if number % 2 == 0 { &idle } else { &busy };
        streams.push(line.connect(driver).await);
    }
    let mut running = JoinSet::new();
    for (number, frames) in streams.into_iter().enumerate() {
        let Frames {
            sender,
            mut receiver,
            ..
        } = frames;
        running.spawn(async move { while sender.send(Bytes::from(vec![7; CHUNK])).await {} });
        running.spawn(async move {
            if number % 2 == 0 {
                std::future::pending::<()>().await;
            }
            while receiver.next().await.is_some() {}
        });
    }
    let mut most = before;
    let turns = 10;
    for _ in 0..turns {
        sleep((effort.turn * 5 / turns).max(Duration::from_millis(100))).await;
        most = most.max(weigh(served.pid()).0);
    }
    running.shutdown().await;
    served.cut();
    most - before
}
