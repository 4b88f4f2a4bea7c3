//! The controller's process, from its first sign of life to its last.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Commands, Ports, door::page};
use crate::{
    Lines, PATIENCE,
    run::{end_group, exit_code, wait},
};

/// `jmp-controller run`.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    log: Lines,
}

// === impl Process ===

impl Process {
    /// Starts it and waits until it says that it is ready.
    pub(super) fn start(command: &Commands, ports: &Ports) -> Self {
        let mut child = command
            .command()
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("jmp-controller starts");
        let log = Lines::read(child.stderr.take().expect("piped above"));
        let mut process = Self { child, log };
        let until = Instant::now() + PATIENCE;
        while !is_ready(&ports.health()) {
            let ended = process.child.try_wait().expect("a child can be asked");
            assert!(
                ended.is_none() && Instant::now() < until,
                "it does not serve, {ended:?}:\n{}",
                process.said()
            );
            thread::sleep(Duration::from_millis(5));
        }
        process
    }

    pub(super) fn lines(&self) -> Lines {
        self.log.clone()
    }

    pub(super) fn said(&self) -> String {
        self.log.text()
    }

    /// Its exit code and its log.
    #[track_caller]
    pub(super) fn stop(mut self) -> (i32, String) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, Signal::SIGTERM).expect("it runs");
        let status = wait(&mut self.child, PATIENCE);
        let status = status.unwrap_or_else(|| panic!("it has not ended:\n{}", self.said()));
        self.log.wait_for_end(PATIENCE);
        (exit_code(status), self.said())
    }

    /// Its log.
    pub(super) fn kill(mut self) -> String {
        end_group(&mut self.child);
        self.log.wait_for_end(PATIENCE);
        self.said()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end_group(&mut self.child);
    }
}

/// Whether `/readyz` says so.
fn is_ready(health: &str) -> bool {
    page(health, "/readyz").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
