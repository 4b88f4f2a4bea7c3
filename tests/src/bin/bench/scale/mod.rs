//! A lab of a thousand exporters and ten thousand leases, and its past.
//!
//! Every exporter has a TLS connection of its own with an open Status stream, as in real life; there is
//! nothing behind it. The figures of one stage need the stage before.

mod crowd;
mod leases;
mod past;

use std::time::Duration;

use jumpstarter_tests::Lab;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::time::sleep;

use self::crowd::Crowd;
use crate::{
    Effort,
    hub::{Hub, Person},
    process::{busy, weigh},
    table::{Better, Goal, Row, Series, Table},
};

/// So many exporters.
const EXPORTERS: usize = 1000;
/// They are of so many kinds.
const KINDS: usize = 20;

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    more_files();
    let mut hub = Hub::start(lab, "scale");
    let mut people = Vec::new();
    for name in ["ann", "bob", "cat", "dan"] {
        people.push(hub.person(name).await);
    }
    let person = people[0].clone();
    let spare = hub.dummy("spare", &[("board", "spare")]).await;
    let dummies = hub.dummies(EXPORTERS, kind).await;
    // Without what it took to make them.
    hub.stop();
    hub.run();
    people.iter().for_each(Person::renew);
    person.ask("first", "board=none").await;
    let (empty, _) = weigh(hub.pid());
    let started = std::time::Instant::now();
    let mut crowd = Crowd::arrive(dummies).await;
    let took = started.elapsed().as_secs_f64();
    let mut add = |work: &str, unit, figure: f64, goal| {
        let series = [figure].into_iter().collect();
        table.add(Row::ours(work, unit, series, goal));
    };
    add("1,000 exporters come at once", "s", took, Goal::None);
    sleep(effort.turn).await;
    let (full, _) = weigh(hub.pid());
    add("controller alone (PSS)", "KiB", empty, Goal::None);
    add("with 1,000 exporters (PSS)", "KiB", full, Goal::None);
    let each = (full - empty) * 1024.0 / EXPORTERS as f64;
    add(
        "each exporter, its connection included",
        "bytes",
        each,
        Goal::None,
    );
    let watched = effort.turn * 14;
    let before = busy(hub.pid());
    sleep(watched).await;
    let idle = (busy(hub.pid()) - before) / watched.as_secs_f64() * 100.0;
    add(
        "with 1,000 exporters, all idle",
        "% of a core",
        idle,
        Goal::AtMost(2.0),
    );

    leases::measure(&people, &spare, &mut crowd, effort, table).await;

    let stop = hub.stop();
    let ready = hub.run();
    let back = ready + crowd.come_back().await;
    for (work, took, goal) in [
        (
            "stop, 1,000 exporters, 10,000 leases",
            stop,
            Goal::AtMost(1000.0),
        ),
        ("start to ready, 10,000 leases", ready, Goal::AtMost(1000.0)),
        ("start until 1,000 exporters are back", back, Goal::None),
        (
            "restart: SIGTERM to ready again",
            stop + ready,
            Goal::AtMost(2000.0),
        ),
    ] {
        let series: Series = [took.as_secs_f64() * 1e3].into_iter().collect();
        table.add(Row::ours(work, "ms", series, goal));
    }
    drop(crowd);
    past::measure(&mut hub, &person, effort, table).await;
}

/// Every exporter is a connection, and the usual limit is for programs with few.
fn more_files() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

fn kind(number: usize) -> String {
    format!("kind-{}", number % KINDS)
}

/// A row in which more is better.
fn rate(table: &mut Table, work: &str, figure: f64) {
    table.add(Row {
        better: Better::More,
        ..Row::ours(work, "/s", [figure].into_iter().collect(), Goal::None)
    });
}

/// The middle one, in milliseconds.
fn middle(times: impl IntoIterator<Item = Duration>) -> Series {
    let times = times.into_iter().map(|took| took.as_secs_f64() * 1e3);
    times.collect()
}
