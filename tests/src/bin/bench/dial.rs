//! From Dial to the first byte: controller, Listen, router, and whoever is at the other end.
//!
//! ```text
//! one at a time   Dial ─► jmp-controller ─► Listen ─► jmp-exporter
//!                   └══════ router ══════════════════════┘ its first byte is HTTP/2's greeting
//! many a second   the same with exporters that send one byte and have nothing else to do
//! ```
//!
//! Everybody makes a new TLS connection to the router for every stream, as clients and exporters do;
//! with many dials a second those handshakes are most of the work of all three processes.

use std::{
    fs::{self, File},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use jumpstarter_client::ByteStream;
use jumpstarter_proto::v1::{ExporterStatus, ListenResponse, StatusResponse};
use jumpstarter_tests::Lab;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tonic::Streaming;

use crate::{
    Effort,
    hub::{Dummy, Hub, Person},
    process::busy,
    table::{Better, Goal, Row, Series, Table},
};

/// So many dials a second are offered.
const RATE: u32 = 500;
/// Leases, each with its exporter.
const LEASES: usize = 16;
/// Callers that dial again as soon as they are answered.
const CALLERS: usize = 32;

/// A real exporter.
#[derive(Debug)]
struct Exporter(Child);

/// What became of dials that were made at a steady rate.
#[derive(Debug, Default)]
struct Steady {
    took: Vec<Duration>,
    errors: Vec<String>,
    elapsed: Duration,
    /// Of the controller, seconds.
    busy: f64,
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let hub = Hub::start(lab, "dial");
    let person = hub.person("me").await;
    let exporter = Exporter::start(lab, &hub);
    person.lease("real", "name=real").await;
    let mut took = Vec::new();
    for _ in 0..effort.turns * 25 {
        took.push(first_byte(&person, "real").await.unwrap());
    }
    drop(exporter);
    let title = "Dial to first byte, jmp-exporter, one at a time";
    latencies(table, title, took, [Goal::None, Goal::None]);

    let mut exporters = JoinSet::new();
    for number in 0..LEASES {
        let name = format!("light-{number}");
        let dummy = hub.dummy(&name, &[("name", &name)]).await;
        let statuses = dummy.arrive().await.unwrap();
        person.lease(&name, &format!("name={name}")).await;
        let listening = dummy.listen(&name).await;
        dummy.say(ExporterStatus::LeaseReady).await.unwrap();
        exporters.spawn(serve(dummy, statuses, listening));
    }
    let Steady {
        took,
        errors,
        elapsed,
        busy,
    } = steadily(&hub, &person, effort.turn * 14).await;
    if let Some(error) = errors.first() {
        eprintln!("{} dials failed, the first: {error}", errors.len());
    }
    let seconds = elapsed.as_secs_f64();
    let one = |figure: f64| -> Series { [figure].into_iter().collect() };
    let title = format!("{RATE} dials/s offered");
    let rate = took.len() as f64 / seconds;
    // What was offered, less what the first and the last are late.
    let goal = Goal::AtLeast(f64::from(RATE) * 0.99);
    table.add(Row {
        better: Better::More,
        ..Row::ours(format!("{title}: reached"), "/s", one(rate), goal)
    });
    let failed = one(errors.len() as f64);
    table.add(Row::ours(
        format!("{title}: failed"),
        "",
        failed,
        Goal::AtMost(0.0),
    ));
    latencies(
        table,
        &format!("{title}: Dial to first byte"),
        took,
        [Goal::None; 2],
    );
    let share = one(busy / seconds * 100.0);
    let unit = "% of a core";
    table.add(Row::ours(
        format!("{title}: controller and router"),
        unit,
        share,
        Goal::None,
    ));

    let mut most = Series::default();
    for _ in 0..effort.turns.min(3) {
        most.push(answered(&person, effort.turn).await);
    }
    let title = format!("Dial alone, {CALLERS} callers, nobody met");
    table.add(Row {
        better: Better::More,
        ..Row::ours(title, "/s", most, Goal::AtLeast(f64::from(RATE)))
    });
    exporters.shutdown().await;
}

/// Dials and waits for the other end to say something.
async fn first_byte(person: &Person, lease: &str) -> Result<Duration, String> {
    let started = Instant::now();
    let reached = person.reach(lease).await;
    let mut stream: ByteStream = reached.map_err(|status| status.to_string())?;
    stream.read_u8().await.map_err(|error| error.to_string())?;
    Ok(started.elapsed())
}

/// Dials at the rate, whatever becomes of the earlier ones.
async fn steadily(hub: &Hub<'_>, person: &Person, lasts: Duration) -> Steady {
    let mut steady = Steady::default();
    let mut running = JoinSet::new();
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let count = (f64::from(RATE) * lasts.as_secs_f64()) as usize;
    let before = busy(hub.pid());
    let started = Instant::now();
    for number in 0..count {
        ticks.tick().await;
        let person = person.clone();
        let lease = format!("light-{}", number % LEASES);
        running.spawn(async move { first_byte(&person, &lease).await });
    }
    for dialled in running.join_all().await {
        match dialled {
            Ok(took) => steady.took.push(took),
            Err(error) => steady.errors.push(error),
        }
    }
    steady.elapsed = started.elapsed();
    steady.busy = busy(hub.pid()) - before;
    steady
}

/// Answers of Dial in a second, when nobody goes to the router.
async fn answered(person: &Person, turn: Duration) -> f64 {
    let mut running = JoinSet::new();
    let started = Instant::now();
    for caller in 0..CALLERS {
        let person = person.clone();
        running.spawn(async move {
            let lease = format!("light-{}", caller % LEASES);
            let mut count = 0;
            while started.elapsed() < turn {
                person.dial(&lease).await.unwrap();
                count += 1;
            }
            count
        });
    }
    let counts: Vec<usize> = running.join_all().await;
    counts.into_iter().sum::<usize>() as f64 / started.elapsed().as_secs_f64()
}

/// An exporter that greets whoever dials.
async fn serve(
    dummy: Dummy,
    mut statuses: Streaming<StatusResponse>,
    mut listening: Streaming<ListenResponse>,
) {
    let mut meetings = JoinSet::new();
    loop {
        tokio::select! {
            invited = listening.message() => {
                let Ok(Some(invited)) = invited else { return };
                let dummy = dummy.clone();
                meetings.spawn(async move { greet(&dummy, invited).await });
            }
            Some(met) = meetings.join_next() => drop(met),
            _ = statuses.message() => {}
        }
    }
}

/// Whether anybody came is the other side's story.
async fn greet(dummy: &Dummy, invited: ListenResponse) -> Option<()> {
    let mut stream = dummy.meet(invited).await.ok()?;
    stream.write_all(b"x").await.ok()?;
    // Until the other side leaves.
    while stream.read_u8().await.is_ok() {}
    Some(())
}

fn latencies(table: &mut Table, title: &str, mut took: Vec<Duration>, goals: [Goal; 2]) {
    took.sort_unstable();
    for ((part, unit), goal) in [(0.5, "p50 ms"), (0.99, "p99 ms")].into_iter().zip(goals) {
        let at = took.get((took.len() as f64 * part) as usize);
        let figure = at.map_or(f64::NAN, |took| took.as_secs_f64() * 1e3);
        let series = [figure].into_iter().collect();
        table.add(Row::ours(title, unit, series, goal));
    }
}

// === impl Exporter ===

impl Exporter {
    fn start(lab: &Lab, hub: &Hub<'_>) -> Self {
        let config = hub.exporter_file("real");
        let yaml = fs::read_to_string(&config).unwrap();
        let power = "export:\n  power: {type: jumpstarter_driver_power.driver.MockPower}\n";
        fs::write(&config, yaml.replace("export: {}\n", power)).unwrap();
        let log = File::create(lab.folder("dialled.log")).unwrap();
        let mut command = lab.command("jmp-exporter");
        command.args(["run", "--exporter-config"]).arg(config);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.stderr(log).spawn().unwrap())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM).is_ok() {
            self.0.wait().ok();
        }
    }
}
