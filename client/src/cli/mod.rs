//! How our programs answer a command line, in one place for `jmp`, `j` and `jmp-exporter`.
//!
//! Scripts and tests were written against the reference's command line library, and match on its
//! sentences. Parsing is clap's; usage lines, errors, aliases and exit codes are the reference's:
//!
//! ```text
//! $ jmp run --speed 3
//! Usage: jmp run [OPTIONS]
//! Try 'jmp run --help' for help.
//!
//! Error: No such option '--speed'.
//! ```
//!
//! ```
//! use clap::{CommandFactory, Parser};
//! use jumpstarter_client::cli::{CommandLine, USAGE};
//!
//! #[derive(Parser)]
//! #[command(name = "blink")]
//! struct Blink {
//!     #[arg(long)]
//!     times: u32,
//! }
//!
//! let mut line = CommandLine::new(Blink::command(), ["blink"], USAGE);
//! let refusal = line.parse::<Blink>().err().ok_or("expected a refusal")?;
//! assert_eq!(refusal.code(), 2);
//! assert!(refusal.text().ends_with("Error: Missing option '--times'.\n"));
//! # Ok::<(), &str>(())
//! ```

mod aliases;
mod examples;
mod line;
mod number;
mod printable;
mod refusal;
mod usage;
mod wording;

pub use examples::inherit_examples;
pub use line::CommandLine;
pub use number::{float, integer};
pub(crate) use printable::printable;
#[cfg(feature = "commands")]
pub(crate) use printable::printable_line;
pub use refusal::{Refusal, report_error};

/// Exit code of usage errors of `jmp` and `jmp-exporter`.
pub const USAGE: u8 = 2;

/// Exit code of every command line error of `j`.
pub const USAGE_J: u8 = 1;

#[cfg(test)]
mod tests;
