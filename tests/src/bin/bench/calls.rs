//! Calls: throughput and latency, at one caller, at sixteen, at a crowd.

use jumpstarter_tests::Lab;
use prost::Message;

use crate::{
    Effort,
    load::{Clients, Work},
    process::weigh,
    served::{REPORT, Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

/// The crowd shares this many connections.
const CONNECTIONS: usize = 16;

/// A server with clients at it.
#[derive(Debug)]
struct Side {
    served: Served,
    single: Clients,
    several: Clients,
}

#[derive(Clone, Debug, Default)]
struct Figures {
    per_second: Series,
    p50: Series,
    p99: Series,
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let ours = Side::start(lab, Whose::Ours).await;
    // The limit answers with the very same report.
    let report = ours.single.first().get_report(()).await.unwrap();
    lab.file(REPORT, report.into_inner().encode_to_vec());
    let limit = Side::start(lab, Whose::Limit).await;
    let quiet = Side::start(lab, Whose::Quiet).await;
    let python = match effort.python {
        true => Some(Side::start(lab, Whose::Python).await),
        false => None,
    };
    for (work, name, callers) in [
        (Work::Call, "DriverCall `on`", 1),
        (Work::Call, "DriverCall `on`", 16),
        (Work::Call, "DriverCall `on`", 256),
        (Work::Stream, "StreamingDriverCall `read`", 1),
        (Work::Stream, "StreamingDriverCall `read`", 16),
        (Work::Stream, "StreamingDriverCall `read`", 256),
        (Work::Report, "GetReport", 1),
        (Work::Status, "GetStatus", 1),
    ] {
        let mut figures: [Figures; 4] = Default::default();
        for turn in 0..effort.turns {
            let [of_limit, of_ours, of_quiet, of_python] = &mut figures;
            limit.turn(work, callers, effort, of_limit).await;
            ours.turn(work, callers, effort, of_ours).await;
            if matches!(work, Work::Call) {
                quiet.turn(work, callers, effort, of_quiet).await;
            }
            // An order of magnitude away: two turns tell enough.
            if let Some(python) = python.as_ref().filter(|_| turn < 2) {
                python.turn(work, callers, effort, of_python).await;
            }
        }
        let [limit, ours, quiet, python] = figures;
        let callers = match callers {
            1 => "1 caller".to_owned(),
            several => format!("{several} callers"),
        };
        let title = format!("{name}, {callers}");
        if matches!(work, Work::Call) {
            let quiet_title = format!("{title}, log level WARNING");
            rows(table, &title, ours, limit.clone(), python.clone());
            rows(table, &quiet_title, quiet, limit, python);
        } else {
            rows(table, &title, ours, limit, python);
        }
    }
    let pss = |side: &Side| -> Series { [weigh(side.served.pid()).0].into_iter().collect() };
    table.add(Row {
        work: "memory, after load (PSS, two plugins)".to_owned(),
        unit: "KiB",
        better: Better::Less,
        ours: pss(&ours),
        limit: pss(&limit),
        python: python.as_ref().map(pss).unwrap_or_default(),
        goal: Goal::AtMost(14.0 * 1024.0),
    });
}

fn rows(table: &mut Table, title: &str, ours: Figures, limit: Figures, python: Figures) {
    let mut row = |unit, better, goal, ours, limit, python| {
        table.add(Row {
            work: title.to_owned(),
            unit,
            better,
            ours,
            limit,
            python,
            goal,
        });
    };
    let goal = Goal::OfLimit(0.9);
    row(
        "calls/s",
        Better::More,
        goal,
        ours.per_second,
        limit.per_second,
        python.per_second,
    );
    row(
        "p50 µs",
        Better::Less,
        goal,
        ours.p50,
        limit.p50,
        python.p50,
    );
    row(
        "p99 µs",
        Better::Less,
        Goal::None,
        ours.p99,
        limit.p99,
        python.p99,
    );
}

// === impl Side ===

impl Side {
    async fn start(lab: &Lab, whose: Whose) -> Self {
        let (served, _) = Served::start(lab, whose, 1).await;
        let single = Clients::connect(served.port(), 1).await;
        let several = Clients::connect(served.port(), CONNECTIONS).await;
        Self {
            served,
            single,
            several,
        }
    }

    async fn turn(&self, work: Work, callers: usize, effort: Effort, into: &mut Figures) {
        let clients = match callers {
            ..=16 => &self.single,
            _ => &self.several,
        };
        let sample = clients.drive(work, callers, effort.turn).await;
        into.per_second.push(sample.per_second);
        into.p50.push(sample.p50);
        into.p99.push(sample.p99);
    }
}
