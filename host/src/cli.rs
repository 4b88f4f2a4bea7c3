//! The command line of `jmp-exporter`, as `jmp` users know it: `jmp run …`, `jmp check …`.
//!
//! Options and their help, nothing that acts. Messages call the program `jmp`, because that is what
//! people type; `jmp` replaces itself with this program for the commands below.

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::log::{Format, Level};

/// Serves the devices of this machine to Jumpstarter clients
#[derive(Debug, Parser)]
#[command(
    name = "jmp",
    arg_required_else_help = true,
    subcommand_required = true
)]
pub struct Cli {
    /// The least important lines to log
    #[arg(long, value_enum, default_value_t)]
    pub log_level: Level,

    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: Format,

    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(cmd::run::Cmd),
    Check(cmd::check::Cmd),
    Driver(cmd::driver::Cmd),
    Version(cmd::version::Cmd),
    #[command(hide = true)]
    Local(cmd::local::Cmd),
}
