//! A lab under random commands in any order, with clocks that jump, a database that refuses, and
//! programs that stop. Its invariants hold after every step.
//!
//! `commands` has the commands, `truth` the invariants.
//!
//! A failure prints its seed; `SIMULATION_SEED=…` runs only that one, `SIMULATION_SEEDS=…` so many.

mod commands;
mod truth;

use std::collections::HashMap;

use super::chance::{Chance, Seed};
use super::clocks::Clocks;
use super::*;
use crate::model::Uid;

const SEEDS: u64 = 6;
const STEPS: usize = 250;
const BOARDS: [&str; 3] = ["board=x", "board=y", "board in (x,y)"];
const CLIENTS: [&str; 3] = ["alice", "bob", "carol"];
const EXPORTERS: [&str; 5] = ["a", "b", "c", "d", "e"];

struct World {
    bench: Bench,
    chance: Chance,
    clocks: Arc<Clocks>,
    present: HashMap<&'static str, Present>,
    /// Leases that have ended, as they were at their end.
    ended: HashMap<Key, Arc<Lease>>,
    /// The active leases that this run of the program has seen.
    begun: HashMap<Uid, Begun>,
}

/// An active lease.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// When it was first seen, by the monotonic clock.
    seen: Duration,
    /// How much time it had left then.
    left: Duration,
    /// Its end then, by the wall clock.
    end: Time,
}

#[tokio::test]
async fn whatever_happens_the_lab_is_in_order() {
    for seed in Seed::all("SIMULATION_SEED", SEEDS) {
        let mut world = World::new(seed.seed).await;
        for _ in 0..STEPS {
            world = world.step().await;
        }
        assert!(
            world.ended.len() > 20,
            "it was worth it: {}",
            world.ended.len()
        );
    }
}

// === impl World ===

impl World {
    async fn new(seed: u64) -> Self {
        let clocks = Clocks::at(1_700_000_000_000_000);
        let bench = Bench::at(tempfile::tempdir().unwrap(), &clocks).await;
        let mut world = Self {
            bench,
            chance: Chance::of(seed),
            clocks,
            present: HashMap::new(),
            ended: HashMap::new(),
            begun: HashMap::new(),
        };
        for name in &CLIENTS[..2] {
            world.bench.client(name).await;
        }
        for (at, name) in EXPORTERS.iter().enumerate().take(3) {
            let (_, present) = world.bench.exporter(name, BOARDS[at % 2]).await;
            world.present.insert(name, present);
        }
        world
    }

    fn below(&mut self, end: u64) -> u64 {
        self.chance.below(end)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        self.chance.one(of)
    }

    fn now(&self) -> Time {
        self.clocks.now().wall
    }

    async fn step(mut self) -> Self {
        match self.below(20) {
            0 => self.clocks.set(-3600),
            1 => self.clocks.set(3600),
            2 => self.clocks.set(100_000),
            3 => self.clocks.set(-100_000),
            _ => self.clocks.pass(self.chance.below(30) as i64),
        }
        match self.below(25) {
            0 => self = self.stop().await,
            1 => {
                let other = rusqlite::Connection::open(self.bench.lab.store().path()).unwrap();
                let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit \
                              BEGIN SELECT RAISE(ABORT, 'refused'); END";
                other.execute_batch(refuse).unwrap();
                self.commands().await;
                other.execute_batch("DROP TRIGGER refuse").unwrap();
            }
            _ => self.commands().await,
        }
        // What is due happens before this is answered; it changes nothing itself.
        let nobody = self.bench.lab.delete_client(key("nobody"), ADMIN).await;
        assert!(
            matches!(nobody, Err(LabError::NotFound { .. })),
            "{nobody:?}"
        );
        self.check().await;
        self
    }

    /// Stops the program without any warning, and starts it again.
    async fn stop(self) -> Self {
        let Self {
            bench:
                Bench {
                    lab,
                    running,
                    folder,
                },
            clocks,
            ..
        } = self;
        let journal = lab.store().path().with_extension("db-wal");
        running.0.abort();
        drop(lab);
        drop(running.0.await);
        // Until the thread that writes has gone, too.
        while journal.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let bench = Bench::at(folder, &clocks).await;
        let mut present = HashMap::new();
        for name in EXPORTERS {
            if let Some(exporter) = bench.lab.exporter(&key(name))
                && exporter.online
            {
                let is_there = bench.lab.arrive(exporter.uid).await.unwrap();
                present.insert(name, is_there);
            }
        }
        Self {
            bench,
            clocks,
            present,
            // Whoever starts knows only what the clock on the wall says.
            begun: HashMap::new(),
            ..self
        }
    }

    /// Runs several commands at once.
    async fn commands(&mut self) {
        let open = self.leases(false).await;
        let count = 1 + self.below(6);
        let commands: Vec<_> = (0..count).map(|_| self.command(&open)).collect();
        for done in futures_util::future::join_all(commands)
            .await
            .into_iter()
            .flatten()
        {
            let (name, present) = done;
            self.present.insert(name, present);
        }
    }

    async fn leases(&self, ended: bool) -> Vec<Arc<Lease>> {
        let query = LeaseQuery {
            namespace: "lab".to_owned(),
            ended,
            ..LeaseQuery::default()
        };
        self.bench.lab.leases(query).await.unwrap()
    }
}
