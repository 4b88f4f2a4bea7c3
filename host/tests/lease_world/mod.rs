//! A little world around the machine: a controller, a device, hooks, a disk, signals, and crashes.
//!
//! ```text
//!              moves.rs: one of all things that could happen now
//!                 │ event
//!                 ▼
//!   Life ──► actions ──► perform.rs: sessions, hooks and the journal change; every action is
//!    ▲                   checked. rules.rs: what has to be true between events
//!    └── a crash throws it away between any two actions
//! ```
//!
//! Nothing takes time here: everything that was begun may end at any later step, in any order,
//! and every timer may fire at any later step.

#![allow(unreachable_pub)]

mod answers;
mod chance;
mod moves;
mod note;
mod perform;
mod record;
mod rules;

use std::collections::HashSet;

use jumpstarter_host::lease::{Event, LeaseId, Life, Phase, Setup, Stopping, Timer, When};
use jumpstarter_proto::v1::ExporterStatus;

pub use chance::Chance;
pub use record::{Before, Fate, Record};

/// Something the machine did that it must not do.
pub type Violation = String;

/// The open session.
#[derive(Debug)]
pub struct Session {
    pub id: LeaseId,
    /// Whether it is going to open: it may fail, or hang.
    pub fate: Fate,
    pub serves: bool,
    pub closing: bool,
}

/// The running hook.
#[derive(Debug)]
pub struct Hook {
    pub id: LeaseId,
    pub when: When,
    pub fate: Fate,
    pub killed: bool,
}

/// A release under way.
#[derive(Debug)]
pub struct Release {
    pub id: LeaseId,
    pub lease: String,
    /// The controller has done it, and has yet to say so.
    pub done: bool,
}

/// The lease as the world follows it, while one process is busy with it.
#[derive(Debug)]
pub struct Current {
    pub id: LeaseId,
    pub record: usize,
    pub name: String,
    /// Whose the machine takes it for.
    pub client: String,
    /// It is from the journal.
    pub recovered: bool,
    /// The machine was told that the controller does not show it any more.
    pub gone: bool,
    /// The machine was told that the client ended it.
    pub ended: bool,
}

#[derive(Clone, Debug)]
pub struct Held {
    pub lease: String,
    pub client: String,
}

/// The controller, as far as an exporter sees it.
#[derive(Debug)]
pub struct Controller {
    pub held: Option<Held>,
    pub status: ExporterStatus,
    pub away: bool,
    pub leases: usize,
}

/// What the journal holds.
#[derive(Clone, Debug)]
pub struct Entry {
    pub lease: String,
    pub client: String,
    pub after_started: bool,
    pub record: usize,
}

/// What one process was told and has said.
#[derive(Debug, Default)]
pub struct Process {
    pub stop: Option<(Stopping, u8)>,
    pub forced: bool,
    /// A hook that failed wants the exporter to stop.
    pub hook_exit: bool,
    pub said_offline: bool,
    pub leaving: bool,
    pub exited: Option<u8>,
    pub last: Option<ExporterStatus>,
    /// The last lease that is over was from the journal.
    pub recovered: bool,
    /// The lease that the controller showed last.
    pub told: Option<String>,
    /// That lease, if the machine is done with it.
    pub over_here: Option<String>,
}

#[derive(Debug)]
pub struct World {
    pub chance: Chance,
    pub setup: Setup,
    pub life: Life,
    pub process: Process,
    pub controller: Controller,
    /// The one status on its way to the controller.
    pub slot: Option<ExporterStatus>,
    pub session: Option<Session>,
    pub hook: Option<Hook>,
    pub current: Option<Current>,
    /// The entry that a new process takes up, until it opens or releases it.
    pub taken_up: Option<Entry>,
    pub releasing: Option<Release>,
    /// The controller is told of a release by a status, as old ones are.
    pub old_controller: bool,
    pub timers: Vec<(LeaseId, Timer)>,
    /// Events of leases and hooks that are over, which may still arrive.
    pub late: Vec<Event>,
    pub journal: Option<Entry>,
    pub disk_full: bool,
    pub records: Vec<Record>,
    /// Nothing goes wrong any more.
    pub calm: bool,
    pub trace: Vec<String>,
    /// Which kinds of trouble came in which phase.
    pub seen: HashSet<(Phase, &'static str)>,
}

// === impl World ===

impl World {
    pub fn new(setup: Setup, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let disk_full = chance.percent(5);
        let old_controller = chance.percent(30);
        Self {
            chance,
            setup,
            life: Life::new(setup),
            process: Process::default(),
            controller: Controller {
                held: None,
                status: ExporterStatus::Offline,
                away: false,
                leases: 0,
            },
            slot: None,
            session: None,
            hook: None,
            current: None,
            taken_up: None,
            releasing: None,
            old_controller,
            timers: Vec::new(),
            late: Vec::new(),
            journal: None,
            disk_full,
            records: Vec::new(),
            calm: false,
            trace: vec![format!("{setup:?}")],
            seen: HashSet::new(),
        }
    }

    /// Tells the machine and does what it says.
    pub fn feed(&mut self, event: Event) -> Result<(), Violation> {
        let before = self.life.phase();
        self.note(&event);
        let text = format!("{event:?}");
        let actions = self.life.on(event);
        let phase = self.life.phase();
        self.trace
            .push(format!("{before:?} -- {text} --> {phase:?} {actions:?}"));
        for action in actions {
            if !self.calm && self.chance.percent(1) {
                return self.crash();
            }
            self.perform(action)?;
        }
        self.settle_up()
    }

    /// Throws the process away, and everything that lived in it, and starts a new one.
    pub fn crash(&mut self) -> Result<(), Violation> {
        self.seen.insert((self.life.phase(), "crash"));
        self.trace.push("crash".into());
        if let Some(current) = &self.current {
            self.records[current.record].crashed = true;
        }
        self.restart()
    }

    /// A new process with the journal of the old one.
    pub fn restart(&mut self) -> Result<(), Violation> {
        self.trace.push(format!("new process, {:?}", self.journal));
        self.life = Life::new(self.setup);
        self.process = Process::default();
        self.slot = None;
        self.session = None;
        self.hook = None;
        self.current = None;
        self.releasing = None;
        self.timers.clear();
        self.late.clear();
        self.taken_up = self.journal.clone();
        if let Some(entry) = self.journal.clone() {
            self.records[entry.record].releases = 0;
            self.records[entry.record].settles = 0;
            self.feed(Event::Recovered {
                lease: entry.lease,
                client: entry.client,
                after_started: entry.after_started,
            })?;
        }
        Ok(())
    }

    /// Whether no further lease may come, so that the controller must not be invited to give one.
    pub fn departs(&self) -> bool {
        self.process.stop.is_some() || self.process.hook_exit || self.setup.exit_on_lease_end
    }

    pub fn stops_now(&self) -> bool {
        matches!(self.process.stop, Some((Stopping::Now, _)))
    }

    pub fn record(&mut self, id: LeaseId) -> Result<&mut Record, Violation> {
        match &self.current {
            Some(current) if current.id == id => Ok(&mut self.records[current.record]),
            _ => Err(format!("{id} is not the current lease")),
        }
    }
}
