//! The command line of `jmp-controller`: options and their help, nothing that acts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

use crate::cmd;
use crate::log::{Format, Level};

/// Controller and router of a lab, in one program
///
/// Commands about the lab work while the controller runs, through a socket in its data folder, and
/// while it does not, on its data. From another machine they take --server and --token-file.
#[derive(Debug, Parser)]
#[command(
    name = "jmp-controller",
    version,
    after_help = EXAMPLES,
    arg_required_else_help = true,
    subcommand_required = true
)]
pub struct Cli {
    #[command(flatten)]
    pub target: Target,

    /// The least important lines to log; else what the configuration says, else info
    #[arg(long, value_enum)]
    pub log_level: Option<Level>,

    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: Format,

    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  # A lab on this machine, which others reach as lab.example.com
  jmp-controller init --host lab.example.com
  jmp-controller run
  # Something to lease, and somebody who leases
  jmp-controller exporter create rack-1 --label board=imx8 --out rack-1.yaml
  jmp-controller client create alice --out alice.yaml
  # Who has what?
  jmp-controller lease get";

/// Which installation.
#[derive(Clone, Debug, Default, Args)]
pub struct Target {
    /// The configuration; else controller.yaml in the data folder, or
    /// /etc/jumpstarter/controller.yaml
    #[arg(
        long,
        value_name = "FILE",
        env = "JMP_CONTROLLER_CONFIG",
        global = true,
        value_hint = ValueHint::FilePath
    )]
    pub config: Option<PathBuf>,

    /// Where keys, certificates and the database are
    #[arg(
        long,
        value_name = "FOLDER",
        env = "JMP_CONTROLLER_DATA",
        global = true,
        value_hint = ValueHint::DirPath
    )]
    pub data_dir: Option<PathBuf>,

    /// A controller elsewhere, `https://host:port`; needs --token-file
    #[arg(
        long,
        value_name = "URL",
        env = "JMP_CONTROLLER_SERVER",
        global = true,
        requires = "token_file"
    )]
    pub server: Option<String>,

    /// The token of an administrator, for --server
    #[arg(
        long,
        value_name = "FILE",
        env = "JMP_CONTROLLER_TOKEN_FILE",
        global = true,
        value_hint = ValueHint::FilePath
    )]
    pub token_file: Option<PathBuf>,

    /// Whom to trust as that controller; else the system's authorities
    #[arg(
        long,
        value_name = "FILE",
        env = "JMP_CONTROLLER_CA_FILE",
        global = true,
        value_hint = ValueHint::FilePath
    )]
    pub ca_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(cmd::run::Cmd),
    Check(cmd::check::Cmd),
    Init(cmd::init::Cmd),
    User(cmd::user::Cmd),
    Client(cmd::client::Cmd),
    Exporter(cmd::exporter::Cmd),
    Token(cmd::token::Cmd),
    Policy(cmd::policy::Cmd),
    Lease(cmd::lease::Cmd),
    Key(cmd::key::Cmd),
    Router(cmd::router::Cmd),
    Audit(cmd::audit::Cmd),
    Backup(cmd::backup::Backup),
    Restore(cmd::backup::Restore),
    Export(cmd::transfer::Export),
    Import(cmd::transfer::Import),
    Completion(cmd::completion::Cmd),
}
