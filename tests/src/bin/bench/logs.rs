//! How soon a line that a driver logs is at the client.

use std::time::Instant;

use jumpstarter_tests::Lab;

use crate::{
    Effort,
    load::{Clients, Work},
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let ours = latency(lab, Whose::Ours, 200).await;
    let python = match effort.python {
        true => latency(lab, Whose::Python, 20).await,
        false => Series::default(),
    };
    table.add(Row {
        work: "log line, driver to client".to_owned(),
        unit: "p50 µs",
        better: Better::Less,
        ours,
        limit: Series::default(),
        python,
        goal: Goal::AtMost(1000.0),
    });
}

/// From the call that makes the driver speak to the line, minus nothing: the call is part of it.
async fn latency(lab: &Lab, whose: Whose, times: usize) -> Series {
    let (served, _) = Served::start(lab, whose, 1).await;
    let clients = Clients::connect(served.port(), 1).await;
    let mut lines = clients.first().log_stream(()).await.unwrap().into_inner();
    let mut client = clients.first();
    let mut series = Series::default();
    for _ in 0..times {
        let started = Instant::now();
        let call = Clients::once(&mut client, clients.uuid(), Work::Call);
        let line = async {
            loop {
                let line = lines.message().await.unwrap().unwrap();
                if line.message.contains("power on") {
                    return started.elapsed();
                }
            }
        };
        let (called, took) = tokio::join!(call, line);
        called.unwrap();
        series.push(took.as_secs_f64() * 1e6);
    }
    series
}
