//! What `pipe` was asked to do.
//!
//! Two options say what comes in, three what goes out:
//!
//! ```text
//!                         no output      stdout              -o FILE
//! stdin, if it is no      exits at EOF   until the stream    until the stream
//! terminal, or --input                   ends                ends
//! --no-input              a mistake      until it ends       until it ends
//! ```

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use crate::ui::Failure;

pub(super) const NAME: &str = "pipe";

const OUTPUT: &str = "output";
const INPUT: &str = "input";
const NO_INPUT: &str = "no-input";
const APPEND: &str = "append";
const NO_OUTPUT: &str = "no-output";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether stdin goes to the port, and why, in the words of the status line.
    pub(super) input: bool,
    mode: &'static str,
    pub(super) output: Output,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    Nothing,
    Stdout,
    File { path: PathBuf, append: bool },
}

pub(super) fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    Command::new(NAME)
        .about("Pipe serial port data to stdout or file")
        .long_about(
            "Pipe serial port data to stdout or file\n\n\
             Shows what the port receives until the connection ends or Ctrl-C. If something is \
             piped in, it is sent to the port first, and the output goes on after its end.\n\n\
             Examples:\n\n\
             \x20 j serial pipe                                # show it\n\
             \x20 j serial pipe -o boot.log                    # keep it in a file\n\
             \x20 echo reboot | j serial pipe                  # send a line, show what follows\n\
             \x20 j serial pipe --no-output < commands.txt     # send a file, then exit",
        )
        .arg(
            Arg::new(OUTPUT)
                .short('o')
                .long(OUTPUT)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("Write to a file instead of stdout"),
        )
        .arg(flag(INPUT, "Send stdin to the port, even if it is a terminal").short('i'))
        .arg(flag(
            NO_INPUT,
            "Do not send stdin to the port, even if it is piped",
        ))
        .arg(flag(APPEND, "Append to the file instead of replacing it").short('a'))
        .arg(flag(
            NO_OUTPUT,
            "Show nothing; send stdin to the port and exit at its end",
        ))
}

// === impl Plan ===

impl Plan {
    /// Checks what was asked for; `piped` says that stdin is no terminal.
    pub(super) fn of(matches: &ArgMatches, piped: bool) -> Result<Self, Failure> {
        let [input, no_input, append, no_output] =
            [INPUT, NO_INPUT, APPEND, NO_OUTPUT].map(|name| matches.get_flag(name));
        let file = matches.get_one::<PathBuf>(OUTPUT);
        let sends = !no_input && (input || piped);
        let mistakes = [
            (input && no_input, "Cannot use both --input and --no-input"),
            (
                no_output && file.is_some(),
                "Cannot use both --no-output and --output",
            ),
            (
                no_output && append,
                "Cannot use both --no-output and --append",
            ),
            (append && file.is_none(), "--append requires --output"),
            (
                no_output && !sends,
                "--no-output requires stdin input (pipe stdin or use --input)",
            ),
        ];
        if let Some((_, mistake)) = mistakes.into_iter().find(|(made, _)| *made) {
            return Err(Failure::Usage(mistake.to_owned()));
        }
        Ok(Self {
            input: sends,
            mode: match (sends, input) {
                (true, true) => "forced input mode",
                (true, false) => "auto-detected piped stdin",
                (false, _) => "read-only",
            },
            output: match file {
                _ if no_output => Output::Nothing,
                Some(path) => Output::File {
                    path: path.clone(),
                    append,
                },
                None => Output::Stdout,
            },
        })
    }

    /// The first line on stderr.
    pub(super) fn status(&self) -> String {
        let mode = self.mode;
        match (&self.output, self.input) {
            (Output::Nothing, _) => {
                format!("Fire-and-forget mode ({mode}): stdin→serial, no output (exits at EOF)")
            }
            (Output::Stdout, false) => {
                format!("Reading from serial port ({mode})... (Ctrl+C to exit)")
            }
            (Output::Stdout, true) => {
                format!("Bidirectional mode ({mode}): stdin→serial, serial→stdout (Ctrl+C to exit)")
            }
            (Output::File { path, .. }, false) => format!(
                "Logging serial output to {} ({mode})... (Ctrl+C to exit)",
                path.display()
            ),
            (Output::File { path, .. }, true) => format!(
                "Bidirectional mode ({mode}) with logging to {}... (Ctrl+C to exit)",
                path.display()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The status line, or the mistake.
    fn plan(words: &[&str], piped: bool) -> String {
        let words = ["pipe"].iter().chain(words);
        let matches = command().try_get_matches_from(words).unwrap();
        match Plan::of(&matches, piped) {
            Ok(plan) => plan.status(),
            Err(Failure::Usage(mistake)) => mistake,
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_mistake_is_told() {
        for (words, piped, mistake) in [
            (
                &["--input", "--no-input", "-a", "--no-output"][..],
                true,
                "Cannot use both --input and --no-input",
            ),
            (
                &["-o", "f", "-a", "--no-output"],
                true,
                "Cannot use both --no-output and --output",
            ),
            (
                &["-a", "--no-output"],
                true,
                "Cannot use both --no-output and --append",
            ),
            (&["-a"], true, "--append requires --output"),
            (
                &["--no-output"],
                false,
                "--no-output requires stdin input (pipe stdin or use --input)",
            ),
            (
                &["--no-output", "--no-input"],
                true,
                "--no-output requires stdin input (pipe stdin or use --input)",
            ),
        ] {
            assert_eq!(plan(words, piped), mistake, "{words:?}");
        }
    }

    #[test]
    fn the_status_line_says_what_happens() {
        for (words, piped, line) in [
            (
                &["--no-output"][..],
                true,
                "Fire-and-forget mode (auto-detected piped stdin): stdin→serial, no output \
                 (exits at EOF)",
            ),
            (
                &["-i", "--no-output"],
                false,
                "Fire-and-forget mode (forced input mode): stdin→serial, no output (exits at EOF)",
            ),
            (
                &[],
                false,
                "Reading from serial port (read-only)... (Ctrl+C to exit)",
            ),
            (
                &["--no-input"],
                true,
                "Reading from serial port (read-only)... (Ctrl+C to exit)",
            ),
            (
                &["-i"],
                true,
                "Bidirectional mode (forced input mode): stdin→serial, serial→stdout (Ctrl+C to \
                 exit)",
            ),
            (
                &["-o", "a.log"],
                false,
                "Logging serial output to a.log (read-only)... (Ctrl+C to exit)",
            ),
            (
                &["-o", "a.log", "-a"],
                true,
                "Bidirectional mode (auto-detected piped stdin) with logging to a.log... (Ctrl+C \
                 to exit)",
            ),
        ] {
            assert_eq!(plan(words, piped), line, "{words:?}");
        }
    }
}
