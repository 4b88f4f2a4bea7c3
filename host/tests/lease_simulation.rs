//! Ten thousands of short lives of an exporter, with everything that can happen in every order.
//!
//! Each run has its own seed. To see one run again, or to try others:
//!
//! ```text
//! LEASE_SIMULATION_SEED=0x1234 LEASE_SIMULATION_RUNS=1 cargo test --test lease_simulation
//! ```

#![allow(clippy::unwrap_used, clippy::panic)]

mod lease_world;

use std::collections::HashSet;
use std::time::Duration;

use jumpstarter_host::config::OnFailure;
use jumpstarter_host::lease::{Mode, Phase, Rule, Setup, Stopping};
use jumpstarter_proto::v1::ExporterStatus;
use lease_world::{Chance, Fate, Violation, World};

const SEED: u64 = 0x6a6d_7065;
const RUNS: u64 = 20_000;

#[test]
fn whatever_happens_in_whatever_order_every_lease_ends_well() {
    let seed = number("LEASE_SIMULATION_SEED").unwrap_or(SEED);
    let runs = number("LEASE_SIMULATION_RUNS").unwrap_or(RUNS);
    let mut seen = HashSet::new();
    for run in 0..runs {
        let seed = seed.wrapping_add(run);
        let mut world = World::new(setup(&mut Chance::new(!seed)), seed);
        if let Err(violation) = live(&mut world) {
            panic!(
                "{violation}\nrun it again with LEASE_SIMULATION_SEED={seed:#x} \
                 LEASE_SIMULATION_RUNS=1\n{}\n{:#?}",
                world.trace.join("\n"),
                world.records
            );
        }
        seen.extend(world.seen);
    }
    if runs >= RUNS {
        everything_was_tried(&seen);
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    Some(number.unwrap_or_else(|error| panic!("{variable}: {error}")))
}

fn setup(chance: &mut Chance) -> Setup {
    let mut hook = || {
        chance.percent(75).then(|| Rule {
            on_failure: chance.pick(&[OnFailure::Warn, OnFailure::EndLease, OnFailure::Exit]),
            timeout: Duration::from_secs(120),
        })
    };
    let (before, after) = (hook(), hook());
    Setup {
        mode: if chance.percent(15) {
            Mode::Direct
        } else {
            Mode::Controller
        },
        before,
        after,
        exit_on_lease_end: chance.percent(10),
    }
}

/// Trouble, then calm: whatever was begun ends, the next lease works, and the exporter stops.
fn live(world: &mut World) -> Result<(), Violation> {
    for _ in 0..10 + world.chance.below(60) {
        world.step()?;
    }
    world.calm = true;
    world.trace.push("calm".into());
    world.controller.away = false;
    world.drain()?;
    match world.setup.mode {
        Mode::Controller => serve_another(world)?,
        Mode::Direct => serve_once(world)?,
    }
    // What a process in a hurry left is done by the next one.
    if world.journal.is_some() {
        world.restart()?;
        world.drain()?;
        if world.journal.is_some() {
            return Err("the journal is never worked off".into());
        }
    }
    let direct = world.setup.mode == Mode::Direct;
    for record in world.records.iter().filter(|_| world.setup.after.is_some()) {
        record
            .verdict(direct)
            .map_err(|violation| format!("{}: {violation}", record.name))?;
    }
    Ok(())
}

fn serve_another(world: &mut World) -> Result<(), Violation> {
    if world.stops_now() {
        return gone(world);
    }
    world.controller.held = None;
    if world.process.exited.is_none() {
        world.say()?;
        world.drain()?;
    }
    if world.process.exited.is_some() {
        return Ok(());
    }
    if (world.life.phase(), world.controller.status) != (Phase::Idle, ExporterStatus::Available) {
        return Err("the lease is over and the exporter cannot be leased".into());
    }
    world.assign();
    world.say()?;
    // Timers are not waited for: nothing hangs any more.
    while world.step()? {}
    if (world.life.phase(), world.controller.status) != (Phase::Ready, ExporterStatus::LeaseReady) {
        return Err("the next lease does not become ready".into());
    }
    let how = world.chance.pick(&[Stopping::Now, Stopping::AfterLease]);
    world.signal(how, 143)?;
    world.drain()?;
    if how == Stopping::AfterLease {
        if world.process.exited.is_some() {
            return Err("the lease was not waited for".into());
        }
        world.controller.held = None;
        world.say()?;
        world.drain()?;
    }
    gone(world)
}

fn serve_once(world: &mut World) -> Result<(), Violation> {
    if world.process.exited.is_some() {
        return Ok(());
    }
    let rests = match world.life.phase() {
        Phase::Ready | Phase::Broken | Phase::Waiting => true,
        // Nobody else waits for these drivers, so they may take for ever.
        Phase::Opening => world
            .session
            .as_ref()
            .is_some_and(|it| it.fate == Fate::Hang),
        _ => false,
    };
    if !rests {
        return Err("without a controller it neither serves nor shows why not".into());
    }
    world.signal(Stopping::AfterLease, 129)?;
    world.drain()?;
    gone(world)
}

fn gone(world: &World) -> Result<(), Violation> {
    match world.process.exited {
        Some(_) if world.life.phase() == Phase::Over => Ok(()),
        _ => Err("it was told to stop and is still there".into()),
    }
}

/// A simulation that tries nothing finds nothing.
fn everything_was_tried(seen: &HashSet<(Phase, &'static str)>) {
    let phases = [
        Phase::Fresh,
        Phase::Idle,
        Phase::Opening,
        Phase::Before,
        Phase::Ready,
        Phase::Broken,
        Phase::After,
        Phase::Settling,
        Phase::Releasing,
        Phase::Waiting,
        Phase::Closing,
        Phase::Leaving,
    ];
    for phase in phases {
        for trouble in ["crash", "hup", "term", "status"] {
            assert!(
                seen.contains(&(phase, trouble)),
                "no {trouble} in {phase:?}"
            );
        }
    }
}
