//! Our programs as users run them, and what came of it.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test uses a part of it"
)]

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long a program may take; far more than it needs on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program about to run, in an environment that holds nothing of the tester's.
pub struct Program(pub Command);

/// How a program ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn jmp() -> Program {
    Program::new(env!("CARGO_BIN_EXE_jmp"))
}

pub fn j() -> Program {
    Program::new(env!("CARGO_BIN_EXE_j"))
}

// === impl Program ===

impl Program {
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        // Tests that were started in the background, or with nohup, ignore signals, and so would their
        // programs.
        let mut command = Command::new("/usr/bin/env");
        command
            .arg("--default-signal")
            .arg(program)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Self(command)
    }

    /// Adds the words of a line, split at blanks.
    pub fn words(mut self, line: &str) -> Self {
        self.0.args(line.split_whitespace());
        self
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.0.arg(word);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    pub fn inside(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    pub async fn run(mut self) -> Outcome {
        let output = tokio::time::timeout(PATIENCE, self.0.output()).await;
        let output = output.expect("it ends in time").expect("it starts");
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

// === impl Outcome ===

impl Outcome {
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    #[track_caller]
    pub fn fails(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Exactly this on stdout.
    #[track_caller]
    pub fn prints(&self, text: &str) -> &Self {
        assert_eq!(self.stdout, text, "{self:#?}");
        self
    }

    /// This on stderr, somewhere.
    #[track_caller]
    pub fn complains(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "{text:?} is not in {self:#?}");
        self
    }

    /// Exactly this on stderr.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert_eq!(self.stderr, text, "{self:#?}");
        self
    }
}
