//! Ten thousand leases for a thousand exporters.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{EXPORTERS, crowd::Crowd, kind, middle, past::OVER, rate};
use crate::{
    Effort,
    hub::{Dummy, Person, is_ready},
    table::{Goal, Row, Table},
};

const LEASES: usize = 10_000;
/// Requests that are under way at the same time.
const AT_ONCE: usize = 64;

pub(super) async fn measure(
    people: &[Person],
    spare: &Dummy,
    crowd: &mut Crowd,
    effort: Effort,
    table: &mut Table,
) {
    let person = &people[0];
    let turns = effort.turns * 10;
    // Nobody reads it; it only has to be there.
    let _statuses = spare.arrive().await.unwrap();
    let alone = to_ready(person, turns).await;
    let title = "lease: asked for to Ready, no other leases";
    table.add(Row::ours(
        title,
        "p50 ms",
        middle(alone),
        Goal::AtMost(10.0),
    ));

    person.lease(OVER, "board=spare").await;
    person.release(OVER).await;
    crowd.forget();
    let started = Instant::now();
    fill(people).await;
    let took = started.elapsed().as_secs_f64();
    rate(
        table,
        "10,000 leases for 1,000 exporters: decided",
        LEASES as f64 / took,
    );
    let mut leased = Vec::new();
    while leased.len() < EXPORTERS {
        let word = crowd.leased(|_| true).await;
        leased.push(word);
    }

    let mut next = Vec::new();
    for given in leased.iter().take(turns) {
        let owner = people
            .iter()
            .find(|person| Some(person.name()) == given.status.client_name.as_deref());
        let started = Instant::now();
        owner
            .expect("one of them")
            .release(given.status.lease_name())
            .await;
        let word = crowd.leased(|word| word.exporter == given.exporter).await;
        next.push(word.at - started);
    }
    let title = "a lease is released, 9,000 wait: to the exporter's word of the next";
    table.add(Row::ours(
        title,
        "p50 ms",
        middle(next),
        Goal::AtMost(100.0),
    ));
    let crowded = to_ready(person, turns).await;
    let title = "lease: asked for to Ready, 10,000 other leases";
    table.add(Row::ours(
        title,
        "p50 ms",
        middle(crowded),
        Goal::AtMost(100.0),
    ));
}

/// Times from the request to the answer that it is ready; the exporter is free.
async fn to_ready(person: &Person, turns: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for turn in 0..turns {
        let name = format!("quick-{turn}-{}", uuid::Uuid::new_v4().simple());
        let started = Instant::now();
        let lease = person.lease(&name, "board=spare").await;
        times.push(started.elapsed());
        assert!(is_ready(&lease));
        person.release(&name).await;
    }
    times
}

/// Asks for all of them.
async fn fill(people: &[Person]) {
    let mut running = JoinSet::new();
    for caller in 0..AT_ONCE {
        let person = people[caller % people.len()].clone();
        running.spawn(async move {
            for number in (caller..LEASES).step_by(AT_ONCE) {
                let selector = format!("board={}", kind(number));
                person.ask(&format!("l{number:05}"), &selector).await;
            }
        });
    }
    running.join_all().await;
}
