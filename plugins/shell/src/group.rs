//! The processes of one script, and that none of them outlives whoever wanted them.
//!
//! A script runs in a process group of its own, so one signal reaches what it has started, too. The
//! group is named by its leader's number, which the system does not give away again while the
//! group has members; after its end it is never signalled.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jumpstarter_driver::{Error, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::{Instant, sleep};

use crate::order::Order;
use crate::python;

/// What scripts get to end when their driver closes.
const GRACE: Duration = Duration::from_millis(700);
/// How long the end of a killed process may take.
const KILLED: Duration = Duration::from_millis(200);
/// How often a group without a leader is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// A running script. Dropping it asks the script to end and leaves it to [`Leaving`].
#[derive(Debug)]
pub(crate) struct Group {
    members: Option<Members>,
    leaving: Arc<Leaving>,
}

/// Scripts that nobody waits for any more.
#[derive(Debug, Default)]
pub(crate) struct Leaving(Mutex<Vec<Members>>);

/// The processes.
#[derive(Debug)]
struct Members {
    leader: Child,
    id: Pid,
    /// The leader's end, once it is known.
    code: Option<i32>,
    /// Nobody was left at some time: the number may be another group's by now.
    gone: AtomicBool,
}

// === impl Group ===

impl Group {
    /// Starts a script.
    pub(crate) fn start(
        order: &Order,
        leaving: &Arc<Leaving>,
    ) -> Result<(Self, ChildStdout, ChildStderr)> {
        let (program, args) = order
            .argv
            .split_first()
            .ok_or_else(|| Error::internal("the command line is empty"))?;
        let mut command = Command::new(program);
        command
            .args(args)
            .envs(order.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(folder) = &order.cwd {
            command.current_dir(folder);
        }
        let mut leader = command.spawn().map_err(|error| {
            let text = python::Errno(&error, program);
            match error.kind() {
                // A NUL in an argument or a variable.
                std::io::ErrorKind::InvalidInput => Error::invalid_argument(text),
                _ => Error::internal(text),
            }
        })?;
        let pipes = leader.stdout.take().zip(leader.stderr.take());
        let members = Members::new(leader)?;
        let group = Self {
            members: Some(members),
            leaving: Arc::clone(leaving),
        };
        let (stdout, stderr) = pipes.ok_or_else(|| Error::internal("there are no pipes"))?;
        Ok((group, stdout, stderr))
    }

    /// Waits for the end of the script itself: its return code, negative for a signal.
    pub(crate) async fn wait(&mut self) -> std::io::Result<i32> {
        match &mut self.members {
            Some(members) => members.wait().await,
            None => std::future::pending().await,
        }
    }

    /// Asks all members to end.
    pub(crate) fn stop(&self) {
        if let Some(members) = &self.members {
            members.stop();
        }
    }

    /// Ends all members.
    pub(crate) fn kill(&self) {
        if let Some(members) = &self.members {
            members.signal(Signal::SIGKILL);
        }
    }

    /// Whether the script and all that it has started have ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.members.as_ref().is_none_or(Members::is_gone)
    }

    /// The script has ended. What it has deliberately left in the background stays.
    pub(crate) fn finish(mut self) {
        self.members = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(members) = self.members.take()
            && !members.is_gone()
        {
            members.stop();
            self.leaving.lock().push(members);
        }
    }
}

// === impl Leaving ===

impl Leaving {
    /// Waits for their end, within reason, and kills those that do not want to.
    pub(crate) async fn end(&self) {
        let mut left = std::mem::take(&mut *self.lock());
        wait_for(&mut left, GRACE).await;
        for members in &left {
            members.signal(Signal::SIGKILL);
        }
        wait_for(&mut left, KILLED).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Members>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        for members in &*self.lock() {
            members.signal(Signal::SIGKILL);
        }
    }
}

/// Drops those that have ended.
async fn wait_for(left: &mut Vec<Members>, patience: Duration) {
    let until = Instant::now() + patience;
    loop {
        left.iter_mut().for_each(Members::look);
        left.retain(|members| !members.is_gone());
        if left.is_empty() || Instant::now() >= until {
            return;
        }
        sleep(LOOK).await;
    }
}

// === impl Members ===

impl Members {
    fn new(leader: Child) -> Result<Self> {
        // Known until it has been waited for; 0 would be this process's own group.
        let id = leader.id().and_then(|id| i32::try_from(id).ok());
        match id.filter(|&id| id > 1) {
            Some(id) => Ok(Self {
                leader,
                id: Pid::from_raw(id),
                code: None,
                gone: AtomicBool::new(false),
            }),
            None => Err(Error::internal("the script has no process number")),
        }
    }

    async fn wait(&mut self) -> std::io::Result<i32> {
        let code = code(self.leader.wait().await?);
        self.code = Some(code);
        Ok(code)
    }

    fn look(&mut self) {
        if let Ok(Some(status)) = self.leader.try_wait() {
            self.code = Some(code(status));
        }
    }

    fn stop(&self) {
        self.signal(Signal::SIGTERM);
        // One that is stopped, for example because it wanted to read from a terminal.
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        if self.is_gone() {
            return;
        }
        match killpg(self.id, signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => {
                let group = self.id;
                tracing::warn!(%group, "cannot send {signal} to a script: {}", error.desc());
            }
        }
    }

    fn is_gone(&self) -> bool {
        let gone = self.gone.load(Ordering::Relaxed)
            || (self.code.is_some() && killpg(self.id, None) == Err(Errno::ESRCH));
        self.gone.store(gone, Ordering::Relaxed);
        gone
    }
}

/// The return code as clients expect it: negative if a signal was the end.
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    let signal = status.signal().map(|signal| -signal);
    status.code().or(signal).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::Ordering;

    use tokio::process::{Child, Command};

    use super::Members;

    fn start(script: &str) -> Child {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).process_group(0);
        shell.kill_on_drop(true).spawn().unwrap()
    }

    #[test]
    fn a_group_that_has_ended_is_not_signalled_even_if_its_number_is_used_again() {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap().block_on(async {
            let mut ended = Members::new(start("exit 3")).unwrap();
            assert_eq!(ended.wait().await.unwrap(), 3);
            assert!(ended.is_gone());
            let mut another = Members::new(start("exec sleep 60")).unwrap();
            ended.id = another.id;
            ended.stop();
            assert!(ended.is_gone());
            // Whoever is signalled in earnest ends by that signal. (A test that runs in the
            // background has SIGINT ignored, and so have its children.)
            another.signal(nix::sys::signal::Signal::SIGUSR1);
            assert_eq!(another.wait().await.unwrap(), -10);
            assert!(!another.gone.load(Ordering::Relaxed), "nobody has looked");
        });
    }
}
