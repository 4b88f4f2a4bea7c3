//! Hooks as real processes, and a log that remembers what it was told.

#![allow(dead_code, clippy::unwrap_used, unreachable_pub)]

use std::fmt::{self, Write};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jumpstarter_host::config::{Hook, OnFailure};
use jumpstarter_host::hook::{Job, Ran};
use jumpstarter_host::lease::{Ended, When};
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Long enough for a slow machine; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A folder for scripts, and what was logged on this thread since.
pub struct Bench {
    log: Arc<Mutex<Vec<Said>>>,
    folder: tempfile::TempDir,
    _listening: DefaultGuard,
}

/// A line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub level: String,
    /// `hook.beforeLease`, or nothing for the exporter's own lines.
    pub logger: String,
    pub message: String,
}

struct Ear(Arc<Mutex<Vec<Said>>>);

// === impl Bench ===

impl Bench {
    pub fn new() -> Self {
        let log = Arc::default();
        let listener = tracing_subscriber::registry().with(Ear(Arc::clone(&log)));
        Self {
            log,
            folder: tempfile::tempdir().unwrap(),
            _listening: tracing::subscriber::set_default(listener),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; its path as a hook's script.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    }

    /// A hook before the lease, which goes on if it fails. `FOLDER` in the script is this folder.
    pub fn job(&self, script: &str) -> Job {
        Job {
            hook: Hook {
                script: script.replace("FOLDER", self.folder.path().to_str().unwrap()),
                exec: None,
                timeout: 60,
                on_failure: OnFailure::Warn,
            },
            when: When::Before,
            lease: "lease-1".into(),
            client: "alice".into(),
            socket: "/run/none.sock".into(),
        }
    }

    /// Runs a script before a lease.
    pub async fn run(&self, script: &str) -> Ran {
        run(self.job(script)).await
    }

    pub fn said(&self) -> Vec<Said> {
        self.log.lock().unwrap().clone()
    }

    /// What the hook has printed so far.
    pub fn printed(&self) -> Vec<String> {
        let said = self.said().into_iter();
        let lines = said.filter(|said| said.logger.starts_with("hook.") && said.level == "INFO");
        lines.map(|said| said.message).collect()
    }

    /// Everything above INFO: `WARN hook.beforeLease: ...`.
    pub fn complaints(&self) -> Vec<String> {
        let said = self.said().into_iter();
        let loud = said.filter(|said| ["WARN", "ERROR"].contains(&&*said.level));
        loud.map(|said| said.to_string()).collect()
    }

    /// Waits until the hook has printed such a line.
    pub async fn hears(&self, line: &str) {
        let heard = async {
            while !self.printed().iter().any(|printed| printed == line) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, heard).await.is_err() {
            panic!("`{line}` was not printed: {:?}", self.said());
        }
    }

    /// Lets a hook go on that waits for this file.
    pub fn touch(&self, name: &str) {
        fs::write(self.path(name), "").unwrap();
    }

    /// The process whose number a hook has written into this file.
    pub fn process(&self, name: &str) -> i32 {
        fs::read_to_string(self.path(name))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }
}

// === impl Said ===

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            level,
            logger,
            message,
        } = self;
        write!(f, "{level} {logger}: {message}")
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.message, "{value:?}").unwrap(),
            "logger" => self.logger = format!("{value:?}"),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

// === impl Ear ===

impl<S: tracing::Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let level: Level = *event.metadata().level();
        if !event.metadata().target().starts_with("hook") && !ours(event.metadata().target()) {
            return;
        }
        let mut said = Said {
            level: level.to_string(),
            ..Said::default()
        };
        event.record(&mut said);
        self.0.lock().unwrap().push(said);
    }
}

fn ours(target: &str) -> bool {
    target.starts_with("jumpstarter")
}

pub async fn run(job: Job) -> Ran {
    let run = job.run(CancellationToken::new());
    tokio::time::timeout(2 * PATIENCE, run)
        .await
        .expect("the hook is over")
}

pub fn failed(text: &str) -> Ended {
    Ended::Failed(text.into())
}

/// A part of a script: waits until a file is there.
pub fn wait_for(name: &str) -> String {
    format!("while ! [ -e FOLDER/{name} ]; do sleep 0.01; done")
}

/// Whether it still does anything.
pub fn lives(process: i32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    let stat = stat.unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, after)| after.trim_start());
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}
