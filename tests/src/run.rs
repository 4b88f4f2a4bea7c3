//! Runs a program to its end and says what came of it.

use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::Lines;

/// What a program left behind: its exit code and its words.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code, or 128 + N where signal N ended it.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
    /// How long it ran.
    pub took: Duration,
    line: String,
}

/// Runs `command` with nothing on its standard input.
///
/// Panics, with what it said so far, if it runs longer than `patience`; its whole process group
/// ends then.
pub fn run(command: &mut Command, patience: Duration) -> Outcome {
    let line = describe(command);
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start `{line}`: {e}"));
    let stdout = Lines::read(child.stdout.take().expect("piped above"));
    let stderr = Lines::read(child.stderr.take().expect("piped above"));
    let status = wait(&mut child, patience);
    let took = started.elapsed();
    if status.is_none() {
        end_group(&mut child);
    }
    for (name, lines) in [("output", &stdout), ("error output", &stderr)] {
        assert!(
            lines.wait_for_end(Duration::from_secs(10)),
            "`{line}` ended, but something it started still holds its {name} open"
        );
    }
    let outcome = Outcome {
        code: status.map_or(-1, exit_code),
        stdout: stdout.text(),
        stderr: stderr.text(),
        took,
        line,
    };
    assert!(
        status.is_some(),
        "still running after {patience:?}: {outcome}"
    );
    outcome
}

/// Waits for a child; `None` when `patience` ran out.
pub(crate) fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if Instant::now() > until {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}

/// Ends a process group that `process_group(0)` made, for good.
pub(crate) fn end_group(child: &mut Child) {
    let group = Pid::from_raw(child.id().cast_signed());
    // It may have ended in this moment, which is what we want.
    killpg(group, Signal::SIGKILL).ok();
    child.wait().ok();
}

/// The exit code a shell would show.
pub(crate) fn exit_code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

// === impl Outcome ===

impl Outcome {
    /// It exited with 0.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "{self}");
        self
    }

    /// It exited with exactly `code`.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Its output contains `text`.
    #[track_caller]
    pub fn prints(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text), "no `{text}` in output: {self}");
        self
    }

    /// Its error output contains `text`.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no `{text}` in errors: {self}");
        self
    }

    /// It said nothing with `text` in it, anywhere.
    #[track_caller]
    pub fn never_says(&self, text: &str) -> &Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "`{text}` was said: {self}"
        );
        self
    }

    /// No line of it is an error of the command, which begins with `Error:`. The reference client
    /// logs a race of its own as `asyncio.exceptions.InvalidStateError:` now and then, when a lease
    /// ends in the middle of something; that is not what its user is told.
    #[track_caller]
    pub fn reports_no_error(&self) -> &Self {
        let mut lines = self.stdout.lines().chain(self.stderr.lines());
        let error = lines.find(|line| line.trim_start().starts_with("Error:"));
        assert_eq!(error, None, "{self}");
        self
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            line, code, took, ..
        } = self;
        writeln!(f, "\n$ {line}\nexit code {code} after {took:?}")?;
        writeln!(f, "--- output\n{}", self.stdout)?;
        writeln!(f, "--- errors\n{}", self.stderr)
    }
}
