//! What a program prints instead of doing something: help, or why the command line is wrong.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::builder::StyledStr;

use super::printable;

/// Help or a usage error, ready to be shown; [`show`](Refusal::show) returns the exit code.
#[derive(Debug, Clone)]
pub struct Refusal {
    body: Body,
    code: u8,
}

#[derive(Debug, Clone)]
enum Body {
    /// Asked for with `--help`: it goes to stdout.
    Help(StyledStr),
    /// A group without a command: its help goes to stderr.
    Guidance(StyledStr),
    /// Usage line, where to find help, and the mistake.
    Mistake { usage: String, message: String },
}

// === impl Refusal ===

impl Refusal {
    pub(super) fn help(text: StyledStr) -> Self {
        Self {
            body: Body::Help(text),
            code: 0,
        }
    }

    pub(super) fn guidance(text: StyledStr, code: u8) -> Self {
        Self {
            body: Body::Guidance(text),
            code,
        }
    }

    pub(super) fn mistake(usage: String, message: String, code: u8) -> Self {
        Self {
            body: Body::Mistake { usage, message },
            code,
        }
    }

    /// The exit code that belongs to it.
    pub fn code(&self) -> u8 {
        self.code
    }

    /// Whether it was asked for, and so belongs on stdout.
    pub fn is_help(&self) -> bool {
        matches!(self.body, Body::Help(_))
    }

    /// The text without colours.
    pub fn text(&self) -> String {
        match &self.body {
            Body::Help(text) | Body::Guidance(text) => text.to_string(),
            Body::Mistake { usage, message } => format!("{usage}\n\nError: {message}\n"),
        }
    }

    /// Prints it where it belongs and returns the exit code for `main`.
    pub fn show(&self) -> ExitCode {
        let written = match &self.body {
            Body::Help(text) => {
                let mut out = std::io::stdout();
                let coloured = colours(&out);
                out.write_all(styled(text, coloured).as_bytes())
            }
            Body::Guidance(text) => {
                let mut err = std::io::stderr();
                let coloured = colours(&err);
                err.write_all(styled(text, coloured).as_bytes())
            }
            Body::Mistake { usage, message } => {
                let mut err = std::io::stderr();
                err.write_all(format!("{usage}\n\n").as_bytes())
                    .and_then(|()| write_error(&mut err, message))
            }
        };
        // A closed pipe (`jmp --help | head -1`) leaves nobody to tell.
        drop(written);
        ExitCode::from(self.code)
    }
}

/// Prints `Error: <message>` to stderr, in red where that is a terminal.
///
/// Returns exit code 1, so that `main` can end with `return report_error(...)`.
pub fn report_error(message: impl std::fmt::Display) -> ExitCode {
    let mut err = std::io::stderr();
    // Without stderr there is no other place to complain.
    drop(write_error(&mut err, &message.to_string()));
    ExitCode::FAILURE
}

fn write_error(err: &mut std::io::Stderr, message: &str) -> std::io::Result<()> {
    // Servers have their words in it; the colours around it are ours.
    let message = printable(message);
    let line = if colours(err) {
        format!("Error: \x1b[31m{message}\x1b[0m\n")
    } else {
        format!("Error: {message}\n")
    };
    err.write_all(line.as_bytes())
}

fn styled(text: &StyledStr, coloured: bool) -> String {
    if coloured {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
