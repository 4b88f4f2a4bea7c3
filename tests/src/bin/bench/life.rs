//! Start, idle weight, stop.

use std::time::Duration;

use jumpstarter_tests::Lab;

use crate::{
    Effort,
    process::weigh,
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

#[derive(Debug, Default)]
struct Life {
    start: Series,
    stop: Series,
    pss: Series,
    threads: Series,
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    for drivers in [1, 1000] {
        let (mut limit, mut ours, mut python) = (Life::default(), Life::default(), Life::default());
        for turn in 0..effort.turns {
            live(lab, Whose::Limit, drivers, &mut limit).await;
            live(lab, Whose::Ours, drivers, &mut ours).await;
            // Seconds each: two turns tell enough.
            if effort.python && turn < 2 {
                live(lab, Whose::Python, drivers, &mut python).await;
            }
        }
        let mut row = |work: &str, unit, most, series: [Series; 3]| {
            let [limit, ours, python] = series;
            table.add(Row {
                work: work.to_owned(),
                unit,
                better: Better::Less,
                ours,
                limit,
                python,
                goal: Goal::AtMost(most),
            });
        };
        let start = [limit.start, ours.start, python.start];
        if drivers == 1 {
            row("start to first GetReport, 1 driver", "ms", 20.0, start);
            row(
                "SIGTERM to exit",
                "ms",
                20.0,
                [limit.stop, ours.stop, python.stop],
            );
            row(
                "memory, idle (PSS, two plugins)",
                "KiB",
                8192.0,
                [limit.pss, ours.pss, python.pss],
            );
            row(
                "threads, idle",
                "",
                16.0,
                [limit.threads, ours.threads, python.threads],
            );
        } else {
            row("start to first GetReport, 1000 drivers", "ms", 60.0, start);
        }
    }
}

async fn live(lab: &Lab, whose: Whose, drivers: usize, life: &mut Life) {
    let (served, start) = Served::start(lab, whose, drivers).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (pss, threads) = weigh(served.pid());
    life.pss.push(pss);
    life.threads.push(threads);
    life.start.push(start.as_secs_f64() * 1e3);
    life.stop.push(served.stop().as_secs_f64() * 1e3);
}
