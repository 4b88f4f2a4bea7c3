//! What the world remembers of every lease, to judge the machine by.

use jumpstarter_host::lease::When;

/// How a hook is going to end once it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Ok,
    Fail,
    Break,
    /// Not before it is killed.
    Hang,
    /// Not even then.
    Stuck,
}

/// How the beforeLease hook of a lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    NotRun,
    Running,
    /// It ended so that the lease could go on, or so that nobody knows what it did.
    Ran,
    /// It failed, and its failure ends the lease.
    Failed,
}

/// One lease, over all processes that had to do with it.
#[derive(Debug)]
pub struct Record {
    pub name: String,
    pub before: Before,
    /// How often LEASE_READY was said.
    pub ready: usize,
    /// How often the afterLease hook was started.
    pub after: usize,
    /// How often it was given back, by one process.
    pub releases: usize,
    /// How often its final status was waited for, by one process.
    pub settles: usize,
    /// It had no client for some time.
    pub clientless: bool,
    /// The journal could not be written for it.
    pub unwritten: bool,
    /// The journal said that the afterLease hook was about to start.
    pub marked: bool,
    /// A process was killed while it was open.
    pub crashed: bool,
    /// It was to be wound up in a hurry.
    pub forced: bool,
    /// After a crash its session could not be opened again.
    pub lost: bool,
}

impl Record {
    pub fn new(name: &str, client: &str) -> Self {
        Self {
            name: name.to_owned(),
            before: Before::NotRun,
            ready: 0,
            after: 0,
            releases: 0,
            settles: 0,
            clientless: client.is_empty(),
            unwritten: false,
            marked: false,
            crashed: false,
            forced: false,
            lost: false,
        }
    }

    /// What is wrong with how the lease was treated, after everything is over.
    pub fn verdict(&self, direct: bool) -> Result<(), String> {
        if self.after > 1 {
            return Err(format!("{} runs of {}", self.after, When::After.name()));
        }
        let used = matches!(self.before, Before::Ran | Before::Running) || self.ready > 0;
        let excused = self.clientless && !direct
            || self.crashed && (self.marked || self.unwritten || direct)
            || self.forced && (self.unwritten || direct)
            || self.before == Before::Failed
            || self.lost;
        if used && !excused && self.after == 0 {
            return Err("the afterLease hook never ran".into());
        }
        Ok(())
    }
}
