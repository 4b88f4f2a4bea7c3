//! A lab that is killed again and again in the middle of its work has kept everything it confirmed.
//!
//! `LAB_KILLS=200` kills it more often than usual.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Program, Stdio};

use super::*;

const FOLDER: &str = "LAB_TO_BE_KILLED";
const ROUNDS: u64 = 60;

/// What it confirmed about a lease.
#[derive(Debug, Default)]
struct Confirmed {
    minutes: i64,
    ended: bool,
}

/// Works as fast as it can, and prints what was confirmed. The test below starts it, and kills it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs in a process of its own, until it is killed"]
async fn works_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = Store::open(Path::new(&folder).join("lab.db")).unwrap();
    let (lab, running) = Lab::open(store).await.unwrap();
    let bench = Bench {
        lab,
        running,
        folder: tempfile::tempdir().unwrap(),
    };
    let mut present = Vec::new();
    if bench.lab.client(&key("alice")).is_none() {
        for at in 0..4 {
            present.push(bench.exporter(&format!("e{at}"), "board=x").await);
        }
        bench.client("alice").await;
    }
    let one = |_| async {
        loop {
            let lease = bench.lease("alice", "board=x").await;
            println!("\nsaid {} 1 open", lease.key.name);
            let update = LeaseUpdate {
                duration: Some(minutes(2)),
                ..LeaseUpdate::default()
            };
            let update = bench.lab.update_lease(lease.key.clone(), None, update);
            update.await.unwrap();
            println!("\nsaid {} 2 open", lease.key.name);
            bench.release(&lease).await;
            println!("\nsaid {} 2 ended", lease.key.name);
        }
    };
    let workers: Vec<()> = futures_util::future::join_all((0..6).map(one)).await;
    drop(workers);
}

/// Starts it, kills it after this time, and returns what it confirmed.
fn killed(folder: &Path, after: Duration) -> HashMap<String, Confirmed> {
    let test = "lab::tests::killed::works_until_it_is_killed";
    let mut child = Program::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut confirmed: HashMap<String, Confirmed> = HashMap::new();
    let mut killer = None;
    // The pipe keeps what was written before the end; the last line may be half of one.
    for line in lines.map_while(Result::ok) {
        let words: Vec<_> = line.split(' ').collect();
        let ["said", lease, minutes, end @ ("open" | "ended")] = words[..] else {
            continue;
        };
        let known = confirmed.entry(lease.to_owned()).or_default();
        known.minutes = minutes.parse().unwrap();
        known.ended |= end == "ended";
        if killer.is_none() {
            let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
            killer = Some(std::thread::spawn(move || {
                std::thread::sleep(after);
                nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
            }));
        }
    }
    killer.expect("it worked before it ended").join().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success());
    confirmed
}

#[tokio::test]
async fn nothing_that_was_said_to_be_done_is_lost() {
    let rounds = std::env::var("LAB_KILLS").map_or(ROUNDS, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut all = HashMap::new();
    // Different for every run; which moments are hit is chance in any case.
    let mut chance = Time::now().0.cast_unsigned();
    for _ in 0..rounds {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let said = killed(
            folder.path(),
            Duration::from_micros((chance >> 33) % 100_000),
        );
        // The database opens, and has what was said this time.
        let store = Store::open(folder.path().join("lab.db")).unwrap();
        check(&store, &said).await;
        all.extend(said);
    }
    let store = Store::open(folder.path().join("lab.db")).unwrap();
    check(&store, &all).await;
    println!("{} leases in {rounds} lives", all.len());
    store.backup(folder.path().join("copy")).await.unwrap();
    let whole = crate::store::restore(&folder.path().join("copy"), &folder.path().join("again"));
    whole.unwrap();
}

async fn check(store: &Store, confirmed: &HashMap<String, Confirmed>) {
    for (name, said) in confirmed {
        let lease = store.lease(key(name)).await.unwrap();
        let lease = lease.unwrap_or_else(|| panic!("{name} is lost: {said:?}"));
        let least = Duration::from_secs(60 * said.minutes.unsigned_abs());
        assert!(lease.duration >= Some(least), "{lease:?} but {said:?}");
        assert!(lease.has_ended() || !said.ended, "{lease:?} but {said:?}");
    }
}
