//! Hooks that can be held, and that write down what they did.
//!
//! ```text
//!   exporter ── sh ──► diary: `before LEASE CLIENT` ──► waits for a file ──► diary: `before done`
//!                                                         ▲
//!   story ── hold_before() / let_before_go() ─────────────┘
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{Lab, PATIENCE};

/// Both hooks of an exporter.
#[derive(Clone, Debug)]
pub struct Hooks {
    diary: PathBuf,
    before: PathBuf,
    after: PathBuf,
}

// === impl Hooks ===

impl Hooks {
    /// Hooks that nothing holds.
    pub fn new(lab: &Lab) -> Self {
        let hooks = Self {
            diary: lab.file("diary", ""),
            before: lab.folder("before-may-go"),
            after: lab.folder("after-may-go"),
        };
        hooks.let_before_go();
        hooks.let_after_go();
        hooks
    }

    /// The beforeLease hook will not end.
    pub fn hold_before(&self) {
        fs::remove_file(&self.before).expect("it was not held");
    }

    /// It may end.
    pub fn let_before_go(&self) {
        fs::write(&self.before, "").expect("a file");
    }

    /// The afterLease hook will not end.
    pub fn hold_after(&self) {
        fs::remove_file(&self.after).expect("it was not held");
    }

    /// It may end.
    pub fn let_after_go(&self) {
        fs::write(&self.after, "").expect("a file");
    }

    /// The part of a configuration that names both.
    pub fn yaml(&self) -> String {
        let script = |hook: &str, gate: &Path| {
            format!(
                "  {hook}Lease:\n    timeout: 100\n    script: |\n      \
                 echo {hook} $LEASE_NAME $CLIENT_NAME >>{diary}\n      \
                 until [ -e {gate} ]; do sleep 0.02; done\n      \
                 echo {hook} done >>{diary}\n      \
                 echo {hook} hook: executed\n",
                diary = self.diary.display(),
                gate = gate.display(),
            )
        };
        let (before, after) = (script("before", &self.before), script("after", &self.after));
        format!("hooks:\n{before}{after}")
    }

    /// What they have done so far.
    pub fn diary(&self) -> Vec<String> {
        let diary = fs::read_to_string(&self.diary).expect("a file");
        diary.lines().map(ToOwned::to_owned).collect()
    }

    /// How often a line of the diary starts like this.
    pub fn count(&self, start: &str) -> usize {
        let diary = self.diary();
        diary.iter().filter(|line| line.starts_with(start)).count()
    }

    /// Waits until the diary has `count` lines that start like this.
    #[track_caller]
    pub fn wait_for(&self, start: &str, count: usize) {
        let until = Instant::now() + PATIENCE;
        while self.count(start) < count {
            let diary = self.diary();
            assert!(
                Instant::now() < until,
                "not {count} of `{start}`: {diary:#?}"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}
