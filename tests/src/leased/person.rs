//! A shell that somebody has open: told about while it runs.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use crate::{
    Lines, PATIENCE,
    run::{end_group, exit_code, wait},
};

/// Somebody in a `jmp shell`; ended with everything in it when dropped.
#[derive(Debug)]
pub struct Person {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

// === impl Person ===

impl Person {
    /// Starts this, in a process group of its own.
    pub fn starts(command: &mut Command) -> Self {
        Self::starts_under(&[], command)
    }

    /// The same under another program: `["nohup"]`.
    pub fn starts_under(program: &[&str], command: &Command) -> Self {
        // Tests that were started in the background, or with nohup, ignore signals, and so would their
        // programs.
        let mut child = Command::new("/usr/bin/env")
            .arg("--default-signal")
            .args(program)
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .current_dir(command.get_current_dir().expect("a lab is a folder"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the shell starts");
        let stdout = Lines::read(child.stdout.take().expect("piped above"));
        let stderr = Lines::read(child.stderr.take().expect("piped above"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits until the command in the shell prints this.
    #[track_caller]
    pub fn sees(&self, text: &str) -> &Self {
        let seen = self.stdout.wait_for(text, PATIENCE);
        assert!(seen.is_some(), "no `{text}`:\n{}", self.said());
        self
    }

    /// Waits until the shell itself says this.
    #[track_caller]
    pub fn is_told(&self, text: &str) -> &Self {
        let told = self.stderr.wait_for(text, PATIENCE);
        assert!(told.is_some(), "no `{text}`:\n{}", self.said());
        self
    }

    /// Sends a signal to the shell alone, not to what runs in it.
    pub fn signal(&self, signal: Signal) -> &Self {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
        self
    }

    /// Sends a signal to everybody, as a terminal does.
    pub fn signal_all(&self, signal: Signal) -> &Self {
        killpg(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
        self
    }

    /// Everything that was said so far.
    pub fn said(&self) -> String {
        format!(
            "--- output\n{}\n--- errors\n{}",
            self.stdout.text(),
            self.stderr.text()
        )
    }

    /// Waits for its end; the exit code.
    #[track_caller]
    pub fn ends(&mut self) -> i32 {
        let status = wait(&mut self.child, PATIENCE);
        let status = status.unwrap_or_else(|| panic!("it has not ended:\n{}", self.said()));
        exit_code(status)
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        end_group(&mut self.child);
    }
}
