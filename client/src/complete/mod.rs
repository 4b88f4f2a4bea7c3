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

use std::ffi::OsString;

use clap::Command;

use crate::ui::{Outcome, print};
use candidates::{Candidate, Kind};

pub(crate) use script::script;

/// A shell that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// What a shell asks.
#[derive(Debug)]
pub(crate) struct Request {
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
    pub(crate) fn from_env(program: &str) -> Option<Self> {
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
    pub(crate) fn words(&self) -> Vec<OsString> {
        match &self.question {
            Question::Source => Vec::new(),
            Question::Complete { before, .. } => before.iter().map(OsString::from).collect(),
        }
    }

    /// Whether the commands matter for the answer.
    pub(crate) fn needs_commands(&self) -> bool {
        matches!(self.question, Question::Complete { .. })
    }

    /// Prints what could come next among these commands.
    pub(crate) fn answer(&self, command: &Command) -> Outcome {
        match &self.question {
            Question::Source => print(script(self.shell, &[&self.program]).trim_end())?,
            Question::Complete { before, incomplete } => {
                for candidate in candidates::find(command, before, incomplete) {
                    print(&self.format(&candidate))?;
                }
            }
        }
        Ok(0)
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
