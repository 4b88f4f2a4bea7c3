//! A lab in a hurry: everything that can be asked for, in any order, with clocks that jump, a database
//! that refuses and programs that stop. After every step, what is true is true.
//!
//! A failure prints its seed; `SIMULATION_SEED=…` runs only that one, `SIMULATION_SEEDS=…` so many.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::chance::{Chance, Seed};
use super::clocks::Clocks;
use super::*;
use crate::lab::state::State;
use crate::model::{Credential, CredentialKind, Rule, Uid};
use crate::schedule::plain::{Verdict, verdicts};
use crate::store::Loaded;

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
    /// Those that have ended, as they were then.
    ended: HashMap<Key, Arc<Lease>>,
    /// Leases as this program knows them.
    begun: HashMap<Uid, Begun>,
}

/// A lease that has its exporter.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// When this was first seen, by the steady clock.
    seen: Duration,
    /// What was left of it then.
    left: Duration,
    /// Its end then, by the clock on the wall.
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

    /// Stops without a word to anybody, and starts again.
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

    /// Some at once.
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

    /// Something that is asked for; whether it is granted is not for us to say.
    fn command(
        &mut self,
        open: &[Arc<Lease>],
    ) -> BoxFuture<'static, Option<(&'static str, Present)>> {
        let lab = self.bench.lab.clone();
        let name = self.one(&EXPORTERS);
        let client = self.one(&CLIENTS);
        let exporter = lab.exporter(&key(name));
        let lease = match open.len() {
            0 => None,
            _ => Some(open[self.below(open.len() as u64) as usize].key.clone()),
        };
        match self.below(20) {
            0..=6 => {
                let new = self.wish(client);
                async move { quiet(lab.create_lease(new).await) }.boxed()
            }
            7..=9 => {
                let Some(lease) = lease else {
                    return async { None }.boxed();
                };
                let by = match self.below(3) {
                    0 => By::Admin(ADMIN.to_owned()),
                    _ => By::Client(client.to_owned()),
                };
                let delete = self.below(2) == 0;
                async move {
                    quiet(match delete {
                        true => lab.delete_lease(lease, by).await,
                        false => lab.release_lease(lease, by).await,
                    })
                }
                .boxed()
            }
            10 | 11 => {
                let Some(lease) = lease else {
                    return async { None }.boxed();
                };
                let update = self.update();
                async move { quiet(lab.update_lease(lease, None, update).await) }.boxed()
            }
            12 => {
                let labels = labels(self.one(&BOARDS[..2]));
                let new = NewExporter {
                    key: key(name),
                    labels,
                    username: None,
                    migrated: None,
                };
                async move { quiet(lab.create_exporter(new, ADMIN).await) }.boxed()
            }
            13 => {
                let enabled = Some(self.below(2) == 0);
                let gone = self.below(3) == 0;
                async move {
                    if gone {
                        return quiet(lab.delete_exporter(key(name), ADMIN).await);
                    }
                    let change = ExporterChange {
                        enabled,
                        ..ExporterChange::default()
                    };
                    quiet(lab.alter_exporter(key(name), change, ADMIN).await)
                }
                .boxed()
            }
            14 | 15 => {
                let Some(exporter) = exporter else {
                    return async { None }.boxed();
                };
                async move {
                    let device = Device {
                        uuid: name.to_owned(),
                        parent: None,
                        labels: Labels::new(),
                    };
                    drop(
                        lab.register(exporter.uid, Labels::new(), vec![device])
                            .await,
                    );
                    Some((name, lab.arrive(exporter.uid).await.ok()?))
                }
                .boxed()
            }
            16 | 17 => {
                let Some(exporter) = exporter else {
                    return async { None }.boxed();
                };
                let status = self.one(&[
                    ExporterStatus::Available,
                    ExporterStatus::Available,
                    ExporterStatus::LeaseReady,
                    ExporterStatus::Offline,
                ]);
                let release = self.below(4) == 0;
                let goodbye = self.below(6) == 0;
                async move {
                    if goodbye {
                        return quiet(lab.unregister(exporter.uid, String::new()).await);
                    }
                    quiet(lab.report(exporter.uid, reported(status), release).await)
                }
                .boxed()
            }
            18 => {
                let new = NewClient {
                    key: key(client),
                    labels: labels("team=apps"),
                    username: None,
                    migrated: None,
                    provisioned: false,
                };
                let gone = self.below(3) == 0;
                let credential = Credential {
                    jti: self.below(30).to_string(),
                    kind: CredentialKind::Client,
                    owner: lab
                        .client(&key(client))
                        .map_or(crate::model::Uid::random(), |client| client.uid),
                    label: String::new(),
                    key_id: "k".to_owned(),
                    issued: self.now(),
                    expires: self.now().after(Duration::from_secs(3600)),
                    revoked: None,
                };
                async move {
                    let grace = Some(Duration::from_secs(60));
                    let kept = lab.keep_credential(credential, key(client), grace, ADMIN);
                    drop(kept.await);
                    quiet(match gone {
                        true => lab.delete_client(key(client), ADMIN).await,
                        false => lab.create_client(new, ADMIN).await.map(drop),
                    })
                }
                .boxed()
            }
            _ => {
                let apply = self.below(3) == 0;
                let new = NewPolicy {
                    key: key("p"),
                    exporters: self.one(&BOARDS).parse().unwrap(),
                    rules: vec![Rule {
                        priority: self.below(3) as i64,
                        from: vec!["team=apps".parse().unwrap()],
                        ..Rule::default()
                    }],
                };
                async move {
                    quiet(match apply {
                        true => lab.apply_policy(new, ADMIN).await.map(drop),
                        false => lab.delete_policy(key("p"), ADMIN).await,
                    })
                }
                .boxed()
            }
        }
    }

    fn wish(&mut self, client: &str) -> NewLease {
        let mut new = wanted(client, self.one(&BOARDS));
        new.wish = self.times();
        if self.below(4) == 0 {
            new.name = Some(format!("n{}", self.below(40)));
        }
        if self.below(8) == 0 {
            new.pinned = Some(self.one(&EXPORTERS).to_owned());
            new.selector = "".parse().unwrap();
            new.allow_disabled = self.below(2) == 0;
        }
        new
    }

    fn times(&mut self) -> Wish {
        let duration = Some(Length {
            micros: (1 + self.below(600) as i64) * 1_000_000,
        });
        let begin = (self.below(5) == 0)
            .then(|| Time(self.now().0 + (self.below(400) as i64 - 100) * 1_000_000));
        Wish {
            begin,
            end: None,
            duration,
        }
    }

    fn update(&mut self) -> LeaseUpdate {
        let times = self.times();
        match self.below(4) {
            0 => LeaseUpdate {
                owner: Some(self.one(&CLIENTS).to_owned()),
                ..LeaseUpdate::default()
            },
            1 => LeaseUpdate {
                begin: times.begin,
                ..LeaseUpdate::default()
            },
            2 => LeaseUpdate {
                end: times.begin,
                ..LeaseUpdate::default()
            },
            _ => LeaseUpdate {
                duration: times.duration,
                ..LeaseUpdate::default()
            },
        }
    }

    /// What is always true.
    async fn check(&mut self) {
        let loaded = self.loaded().await;
        settled(&self.bench.lab.read());
        let all = self.leases(true).await;
        let mut held = HashMap::new();
        for lease in &all {
            in_order(lease);
            if lease.state == LeaseState::Active {
                let exporter = lease.exporter.as_ref().unwrap().uid;
                assert_eq!(held.insert(exporter, lease), None, "one lease per exporter");
            }
            if let Some(before) = self.ended.get(&lease.key) {
                assert_eq!(lease, before, "what has ended stays as it was");
                continue;
            }
            self.in_time(lease);
            if lease.has_ended() {
                self.ended.insert(lease.key.clone(), Arc::clone(lease));
            }
        }
        assert_eq!(
            all.len(),
            loaded.leases.len() + self.ended.len(),
            "none is lost"
        );
    }

    /// What the database has, which is what the world sees.
    ///
    /// The lab writes down signs of life by itself, at any time; then one is ahead of the other for a
    /// moment.
    async fn loaded(&self) -> Loaded {
        let mut tries = 0;
        loop {
            let loaded = self.bench.lab.store().load().await.unwrap();
            let stored = texts(&State::of(&loaded));
            let seen = texts(&self.bench.lab.read());
            if seen == stored {
                return loaded;
            }
            tries += 1;
            assert!(tries < 100, "memory {seen:#?}\nand database {stored:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whatever people do to the clock, a lease has its time and no more.
    fn in_time(&mut self, lease: &Lease) {
        let now = self.clocks.now();
        let Some(length) = lease.duration.filter(|_| {
            let fixed = lease.not_before.is_some() || lease.not_after.is_some();
            lease.began.is_some() && !fixed
        }) else {
            return;
        };
        let end = lease.end().unwrap();
        let begun = *self.begun.entry(lease.uid).or_insert(Begun {
            seen: now.steady,
            left: end.since(now.wall).min(length),
            end,
        });
        let had = now.steady - begun.seen;
        let allowed = (begun.left + end.since(begun.end)).saturating_sub(begun.end.since(end));
        let over = end <= now.wall || had >= allowed;
        match lease.end_reason {
            None => assert!(!over, "{lease:?} is over, {now:?}, {begun:?}"),
            Some(EndReason::Expired) => assert!(over, "{lease:?} is not over, {now:?}, {begun:?}"),
            Some(_) => {}
        }
    }
}

fn quiet<T>(_: Result<T, LabError>) -> Option<(&'static str, Present)> {
    None
}

/// Everything that is true, in order.
fn texts(state: &State) -> Vec<String> {
    let mut texts = Vec::new();
    texts.extend(state.exporters.iter().map(|object| format!("{object:?}")));
    texts.extend(state.clients.iter().map(|object| format!("{object:?}")));
    texts.extend(state.policies.iter().map(|object| format!("{object:?}")));
    texts.extend(state.leases.iter().map(|object| format!("{object:?}")));
    let credentials = state.credentials.values();
    texts.extend(credentials.map(|object| format!("{object:?}")));
    texts.extend(state.held.iter().map(|pair| format!("held {pair:?}")));
    texts.extend(state.used.iter().map(|pair| format!("used {pair:?}")));
    texts.sort();
    texts
}

/// Nobody waits for what he could have, and everybody knows what for.
fn settled(state: &State) {
    let pending = |lease: &&Arc<Lease>| lease.state == LeaseState::Pending;
    let waiting: Vec<_> = state.leases.iter().filter(pending).cloned().collect();
    for (uid, verdict) in verdicts(&state.snapshot(), "lab", &waiting) {
        let Verdict::Wait { why, place } = verdict else {
            panic!("this was to be done before: {verdict:?}");
        };
        let lease = state.leases.get(uid).unwrap();
        assert_eq!(state.place(lease), Some((why, place)));
        assert!(condition(lease, ConditionType::Pending).is_some_and(|(holds, _)| holds));
    }
}

fn in_order(lease: &Lease) {
    let kinds: Vec<_> = lease
        .conditions
        .iter()
        .map(|condition| condition.kind)
        .collect();
    if let Some(ready) = kinds.iter().position(|kind| *kind == ConditionType::Ready) {
        assert_eq!(ready, kinds.len() - 1, "Ready is the last: {lease:?}");
    }
    if let Some(pending) = kinds
        .iter()
        .position(|kind| *kind == ConditionType::Pending)
    {
        assert_eq!(pending, 0, "Pending is the first: {lease:?}");
    }
    let holds = condition(lease, ConditionType::Ready).is_some_and(|(holds, _)| holds);
    assert_eq!(holds, lease.state == LeaseState::Active, "{lease:?}");
    assert_eq!(
        lease.has_ended(),
        lease.ended.is_some() && lease.end_reason.is_some(),
        "{lease:?}"
    );
    assert_eq!(lease.began.is_some(), lease.exporter.is_some(), "{lease:?}");
    if lease.state == LeaseState::Pending {
        assert!(
            lease.eligible_since.is_some() && !kinds.is_empty(),
            "{lease:?}"
        );
    }
    if let (Some(began), Some(ended)) = (lease.began, lease.ended) {
        assert!(began <= ended, "{lease:?}");
    }
}
