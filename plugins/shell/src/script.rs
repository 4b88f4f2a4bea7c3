//! A script at work: its output, its time limit, and the client that may leave.
//!
//! ```text
//!   Running ── time is up, or the client left ──► Stopping ── 5 s later ──► Killed
//!      │ pipes closed, script ended                  │ all of the group ended  │
//!      └► last item with the return code             └► 199 if time was up ◄───┘
//! ```

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_driver::Result;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use crate::group::{Group, LOOK, Leaving};
use crate::order::Order;
use crate::progress::{Pipe, Progress};

/// What a script gets to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of a killed process may take.
const KILLED: Duration = Duration::from_secs(1);
/// How long the pipes are read when nobody of the group is left, but somebody holds them open.
const LEFTOVERS: Duration = Duration::from_millis(100);
/// Bytes read at once.
const PIECE: usize = 8 * 1024;
/// The return code that stands for a time limit.
const EXPIRED: i32 = 199;

/// A running script.
struct Script {
    order: Order,
    group: Group,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    progress: Progress,
    phase: Phase,
    code: Option<i32>,
    /// Nobody reads the items any more.
    unread: bool,
    /// Until when pipes are read that processes outside of the group hold open.
    leftovers: Option<Instant>,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Running { until: Instant },
    Stopping { until: Instant },
    Killed { until: Instant },
}

/// Runs a script to its end and sends what it says, in items that are at most so many ahead of the
/// client as the queue holds.
pub(crate) async fn run(order: Order, leaving: Arc<Leaving>, items: mpsc::Sender<Result<Value>>) {
    let started = Group::start(&order, &leaving);
    let (group, stdout, stderr) = match started {
        Ok(started) => started,
        // Nobody hears it if the client left meanwhile.
        Err(error) => return drop(items.send(Err(error)).await),
    };
    let until = Instant::now() + order.limit();
    let mut script = Script {
        order,
        group,
        stdout: Some(stdout),
        stderr: Some(stderr),
        progress: Progress::default(),
        phase: Phase::Running { until },
        code: None,
        unread: false,
        leftovers: None,
    };
    while !script.is_over() {
        script.step(&items).await;
    }
    script.conclude(&items).await;
}

// === impl Script ===

impl Script {
    /// Waits for the next thing that happens.
    async fn step(&mut self, items: &mpsc::Sender<Result<Value>>) {
        let room = self.unread || self.progress.has_room();
        let due = self.progress.due();
        let is_due = due.is_some_and(|due| due <= Instant::now());
        let alarm = self.alarm();
        let (mut out, mut err) = ([0; PIECE], [0; PIECE]);
        // In this order, because a script that says a lot always has something to be read.
        tokio::select! {
            biased;
            () = items.closed(), if !self.unread => self.client_left(),
            permit = items.reserve(), if is_due && !self.unread => {
                if let Ok(permit) = permit {
                    permit.send(Ok(self.progress.take(None)));
                }
            }
            code = self.group.wait(), if self.code.is_none() => self.leader_ended(code),
            () = sleep_until(alarm) => self.alarmed(),
            () = at(due), if !is_due => {}
            read = read(&mut self.stdout, &mut out), if room => {
                self.heard(Pipe::Stdout, &out[..read]);
            }
            read = read(&mut self.stderr, &mut err), if room => {
                self.heard(Pipe::Stderr, &err[..read]);
            }
            () = at(self.leftovers), if room => {
                (self.stdout, self.stderr) = (None, None);
            }
        }
    }

    fn heard(&mut self, pipe: Pipe, bytes: &[u8]) {
        if !self.unread {
            self.progress.add(pipe, bytes);
        }
        if bytes.is_empty() {
            match pipe {
                Pipe::Stdout => self.stdout = None,
                Pipe::Stderr => self.stderr = None,
            }
        }
    }

    fn leader_ended(&mut self, code: std::io::Result<i32>) {
        self.code = Some(code.unwrap_or_else(|error| {
            warn!("the end of a script is not known: {error}");
            -1
        }));
        self.look_for_members();
    }

    /// A pipe that only processes outside of the group hold open will not end by itself.
    fn look_for_members(&mut self) {
        if self.code.is_some() && self.leftovers.is_none() && self.group.is_gone() {
            self.leftovers = Some(Instant::now() + LEFTOVERS);
        }
    }

    fn client_left(&mut self) {
        let method = &self.order.method;
        info!("nobody waits for {method} any more, stopping it");
        self.unread = true;
        self.progress = Progress::default();
        if let Phase::Running { .. } = self.phase {
            self.stop();
        }
    }

    fn stop(&mut self) {
        self.group.stop();
        let until = Instant::now() + PATIENCE;
        self.phase = Phase::Stopping { until };
    }

    /// When to do something unasked.
    fn alarm(&self) -> Instant {
        let (Phase::Running { until } | Phase::Stopping { until } | Phase::Killed { until }) =
            self.phase;
        // Nobody tells when the members of a group that has lost its leader end.
        if self.code.is_some() {
            until.min(Instant::now() + LOOK)
        } else {
            until
        }
    }

    fn alarmed(&mut self) {
        let now = Instant::now();
        match self.phase {
            Phase::Running { until } if until <= now => self.stop(),
            Phase::Running { .. } => self.look_for_members(),
            Phase::Stopping { until } if until <= now => {
                let method = &self.order.method;
                warn!("SIGTERM did not end {method}, sending SIGKILL");
                self.group.kill();
                let until = now + KILLED;
                self.phase = Phase::Killed { until };
            }
            Phase::Stopping { .. } | Phase::Killed { .. } => {}
        }
    }

    fn is_over(&self) -> bool {
        match self.phase {
            Phase::Running { .. } => {
                self.code.is_some() && self.stdout.is_none() && self.stderr.is_none()
            }
            Phase::Stopping { .. } => self.group.is_gone(),
            Phase::Killed { until } => self.group.is_gone() || until <= Instant::now(),
        }
    }

    /// Sends the last items.
    async fn conclude(mut self, items: &mpsc::Sender<Result<Value>>) {
        if self.unread {
            return;
        }
        let method = &self.order.method;
        let ended = matches!(self.phase, Phase::Running { .. });
        let last = if ended {
            self.group.finish();
            if let Some(code) = self.code.filter(|&code| code != 0) {
                info!("{method} return code: {code}");
            }
            self.progress.take(self.code)
        } else {
            error!("Timeout expired while running {method}");
            if !self.progress.is_empty() && items.send(Ok(self.progress.take(None))).await.is_err()
            {
                return;
            }
            json!(["", self.order.expired(), EXPIRED])
        };
        // Nobody hears it if the client left in this moment; nothing is left to be stopped.
        drop(items.send(Ok(last)).await);
    }
}

/// Reads from a pipe that is not at its end. An error counts as the end.
async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Waits until then; for ever if there is no such time.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
