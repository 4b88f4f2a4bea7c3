//! Completion of command lines.
//!
//! The scripts know nothing about our commands. They run the program again with what was typed so
//! far in the environment, and it answers with candidates. That is why `j` completes the devices
//! that are there at this moment.
//!
//! ```text
//! j po<TAB> ─► _J_COMPLETE=bash_complete COMP_WORDS="j po" COMP_CWORD=1 j ─► plain,power
//! ```

mod candidates;
mod script;
mod words;

#[cfg(feature = "commands")]
use std::ffi::OsString;

use clap::Command;

use candidates::{Candidate, Kind};

pub use script::script;

/// A shell that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU bash, 4 or newer.
    Bash,
    /// The Z shell.
    Zsh,
    /// The friendly interactive shell.
    Fish,
}

/// What a shell asks.
#[derive(Debug)]
pub struct Request {
    shell: Shell,
    program: String,
    question: Question,
}

#[derive(Debug)]
enum Question {
    /// The script itself.
    Source,
    /// What could stand in the place of the last word.
    Complete {
        before: Vec<String>,
        incomplete: String,
    },
}

// === impl Request ===

impl Request {
    /// What a shell asks `program`, if one does.
    pub fn from_env(program: &str) -> Option<Self> {
        let variable = format!("_{}_COMPLETE", program.to_uppercase().replace('-', "_"));
        let instruction = std::env::var(variable).ok()?;
        let words = std::env::var("COMP_WORDS").unwrap_or_default();
        let place = std::env::var("COMP_CWORD").unwrap_or_default();
        Self::parse(program, &instruction, &words, &place)
    }

    fn parse(program: &str, instruction: &str, words: &str, place: &str) -> Option<Self> {
        let (shell, what) = instruction.split_once('_')?;
        let shell = match shell {
            "bash" => Shell::Bash,
            "zsh" => Shell::Zsh,
            "fish" => Shell::Fish,
            _ => return None,
        };
        let question = match what {
            "source" => Question::Source,
            "complete" => {
                let (before, incomplete) = words::split(shell, words, place);
                Question::Complete { before, incomplete }
            }
            _ => return None,
        };
        Some(Self {
            shell,
            program: program.to_owned(),
            question,
        })
    }

    /// The words that stand before the one to complete, after the program's name.
    #[cfg(feature = "commands")]
    pub(crate) fn words(&self) -> Vec<OsString> {
        match &self.question {
            Question::Source => Vec::new(),
            Question::Complete { before, .. } => before.iter().map(OsString::from).collect(),
        }
    }

    /// Whether the commands matter for the answer.
    #[cfg(feature = "commands")]
    pub(crate) fn needs_commands(&self) -> bool {
        matches!(self.question, Question::Complete { .. })
    }

    /// What could come next among these commands, as the script understands it: whole lines.
    pub fn answer(&self, command: &Command) -> String {
        match &self.question {
            Question::Source => script(self.shell, &[&self.program]),
            Question::Complete { before, incomplete } => {
                let found = candidates::find(command, before, incomplete).into_iter();
                found
                    .map(|candidate| self.format(&candidate) + "\n")
                    .collect()
            }
        }
    }

    fn format(&self, candidate: &Candidate) -> String {
        let Candidate { kind, value, help } = candidate;
        let kind = match kind {
            Kind::Plain => "plain",
            Kind::File => "file",
            Kind::Folder => "dir",
        };
        match (self.shell, help) {
            (Shell::Bash, _) | (Shell::Fish, None) => format!("{kind},{value}"),
            (Shell::Fish, Some(help)) => format!("{kind},{value}\t{help}"),
            // zsh reads three lines for each.
            (Shell::Zsh, help) => format!("{kind}\n{value}\n{}", help.as_deref().unwrap_or("_")),
        }
    }
}
