//! A program's command line: its commands, the words typed, and the answer.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::ErrorKind;
use clap::{ArgAction, ArgMatches, Command, FromArgMatches};

use super::{Refusal, aliases, usage, wording};

/// The commands of a program together with the words typed.
#[derive(Debug)]
pub struct CommandLine {
    command: Command,
    program: String,
    words: Vec<OsString>,
    usage_exit: u8,
}

/// What follows an option that wants a value is its value, whatever it begins with: passwords and
/// tokens begin with anything.
fn literal(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let one = arg.get_num_args().is_none_or(|count| count == 1.into());
        let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
        match takes_value && one && !arg.is_positional() {
            true => arg.allow_hyphen_values(true),
            false => arg,
        }
    });
    command.mut_subcommands(literal)
}

// === impl CommandLine ===

impl CommandLine {
    /// Takes the commands, all words including the program's own name, and the exit code for usage
    /// errors ([`USAGE`](super::USAGE) or [`USAGE_J`](super::USAGE_J)).
    ///
    /// Messages call the program what the first word calls it. Commands answer to their other
    /// spellings, too: `jmp sh`, `jmp get exporter`.
    pub fn new<I>(command: Command, words: I, usage_exit: u8) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let line = Self::verbatim(command, words, usage_exit);
        Self {
            command: aliases::add(line.command),
            ..line
        }
    }

    /// The same without other spellings, for commands that are called what a user called a device.
    pub fn verbatim<I>(command: Command, words: I, usage_exit: u8) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        let program = words
            .first()
            .and_then(|word| Path::new(word).file_name())
            .and_then(OsStr::to_str)
            .unwrap_or(command.get_name())
            .to_owned();
        let command = usage::shape(literal(command), &program);
        Self {
            command,
            program,
            words,
            usage_exit,
        }
    }

    /// What the program is called in messages.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The commands as shaped for this program, for completion scripts.
    pub fn command(&self) -> &Command {
        &self.command
    }

    /// Parses the words into `T`, a struct that derives [`clap::Parser`].
    ///
    /// # Errors
    ///
    /// Help, or the mistake in the words.
    pub fn parse<T: FromArgMatches>(&mut self) -> Result<T, Refusal> {
        let matches = self.matches()?;
        T::from_arg_matches(&matches).map_err(|error| self.answer(&error))
    }

    /// Parses the words.
    ///
    /// # Errors
    ///
    /// Help, or the mistake in the words.
    pub fn matches(&mut self) -> Result<ArgMatches, Refusal> {
        self.command
            .try_get_matches_from_mut(&self.words)
            .map_err(|error| self.answer(&error))
    }

    /// A usage error found after parsing, shown with the usage line of the command that was typed.
    pub fn refuse(&self, message: impl Into<String>) -> Refusal {
        let typed = self.trail(None).pop().unwrap_or_else(|| self.start());
        self.mistake(&typed, message.into())
    }

    fn mistake(&self, (command, path): &(&Command, String), message: String) -> Refusal {
        let usage = format!(
            "Usage: {}\nTry '{path} --help' for help.",
            usage::line(command, path)
        );
        Refusal::mistake(usage, message, self.usage_exit)
    }

    fn answer(&self, error: &clap::Error) -> Refusal {
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refusal::help(error.render()),
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                Refusal::guidance(error.render(), self.usage_exit)
            }
            _ => {
                let about = wording::subject(error);
                let mut trail = self.trail(about.as_deref());
                // The option may be one of a command further up.
                let owner = about.and_then(|about| {
                    trail
                        .iter()
                        .rposition(|(command, _)| wording::find(command, &about).is_some())
                });
                trail.truncate(owner.map_or(trail.len(), |owner| owner + 1));
                let culprit = trail.pop().unwrap_or_else(|| self.start());
                self.mistake(&culprit, wording::sentence(culprit.0, error))
            }
        }
    }

    fn start(&self) -> (&Command, String) {
        (&self.command, self.program.clone())
    }

    /// The commands on the way that the words lead, each with its full name; up to the word `until`.
    fn trail(&self, until: Option<&str>) -> Vec<(&Command, String)> {
        let (mut command, mut path) = self.start();
        let mut trail = vec![(command, path.clone())];
        let mut words = self.words.iter().skip(1);
        while let Some(word) = words.next() {
            let Some(word) = word.to_str() else { break };
            if word == "--" || Some(word) == until {
                break;
            }
            if word.starts_with('-') {
                if self.takes_next_word(command, word) {
                    words.next();
                }
                continue;
            }
            let Some(next) = command.find_subcommand(word) else {
                break;
            };
            path.push(' ');
            path.push_str(next.get_name());
            command = next;
            trail.push((command, path.clone()));
        }
        trail
    }

    /// Whether the value of option `word` is the word after it.
    fn takes_next_word(&self, command: &Command, word: &str) -> bool {
        let global = self
            .command
            .get_arguments()
            .filter(|arg| arg.is_global_set());
        let mut known = command.get_arguments().chain(global);
        let found = if let Some(long) = word.strip_prefix("--") {
            known.find(|arg| arg.get_long() == Some(long))
        } else {
            let mut letters = word.chars().skip(1);
            let letter = letters.next();
            if letters.next().is_some() {
                return false;
            }
            known.find(|arg| letter.is_some() && arg.get_short() == letter)
        };
        found.is_some_and(|arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append))
    }
}
