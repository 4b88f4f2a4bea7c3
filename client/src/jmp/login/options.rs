//! The options of `jmp login`.

use std::path::PathBuf;

use clap::ValueHint;

use crate::Secret;

/// Log in, and keep the token
///
/// LOGIN_TARGET is `[NAME@]HOST` of a login service, which knows the rest: where the controller is,
/// who identifies users, which CA to trust. NAME is what the client is called there and here.
/// Without a target the options say it, and what they do not say is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # The usual way, with a browser
  jmp login me@login.lab.example.com
  # In a pipeline that has a token of its own
  jmp login ci@login.lab.example.com --token \"$ID_TOKEN\" --unsafe --nointeractive
  # Once more, when the token has expired
  jmp login")]
pub(in crate::jmp) struct Cmd {
    /// Where the controller is: `host:port`
    #[arg(short, long)]
    pub(super) endpoint: Option<String>,

    /// The namespace at the controller
    #[arg(long)]
    pub(super) namespace: Option<String>,

    /// The name there
    #[arg(long)]
    pub(super) name: Option<String>,

    /// URL of who identifies users
    #[arg(long, value_name = "URL")]
    pub(super) issuer: Option<String>,

    /// What this program is called there [default: jumpstarter-cli]
    #[arg(long, value_name = "ID")]
    pub(super) client_id: Option<String>,

    /// Exchange this token of another system
    #[arg(long, value_parser = secret)]
    pub(super) token: Option<Secret<String>>,

    /// Log in with this name and --password
    #[arg(long)]
    pub(super) username: Option<String>,

    /// The password
    #[arg(long, value_parser = secret)]
    pub(super) password: Option<Secret<String>>,

    /// Which system --token is of, for issuers that ask
    #[arg(long, value_name = "ID")]
    pub(super) connector_id: Option<String>,

    /// Port of this machine that the browser comes back to; 0 for any
    #[arg(long, value_name = "PORT", value_parser = port)]
    pub(super) callback_port: Option<u16>,

    /// Keep a token that gets new ones without asking [default]
    #[arg(long, overrides_with = "no_offline_access")]
    #[allow(
        dead_code,
        reason = "it undoes the option below, and is what happens anyway"
    )]
    offline_access: bool,

    /// Do not
    #[arg(long, overrides_with = "offline_access")]
    pub(super) no_offline_access: bool,

    /// Confirm in a browser on any machine
    #[arg(long)]
    pub(super) device_flow: bool,

    /// Driver clients that may be used: globs, separated by commas
    #[arg(
        long,
        value_name = "GLOBS",
        default_value = "",
        hide_default_value = true
    )]
    pub(super) allow: String,

    /// Any driver client may be used
    #[arg(long = "unsafe")]
    pub(super) any: bool,

    /// Do not verify certificates
    #[arg(short = 'k', long)]
    pub(super) insecure_tls: bool,

    /// Never ask; for scripts
    #[arg(long)]
    pub(super) nointeractive: bool,

    /// Log in the exporter of this configuration file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) exporter_config: Option<PathBuf>,

    /// Log in the exporter with this name
    #[arg(long, value_name = "ALIAS")]
    pub(super) exporter: Option<String>,

    /// Log in the client of this configuration file
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) client_config: Option<PathBuf>,

    /// Log in the client with this name
    #[arg(long, value_name = "ALIAS")]
    pub(super) client: Option<String>,

    /// The login service
    #[arg(value_name = "LOGIN_TARGET")]
    pub(super) login_target: Option<String>,
}

fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

fn port(text: &str) -> Result<u16, String> {
    let number = crate::cli::integer(text)?;
    u16::try_from(number).map_err(|_| format!("{number} is not in the range 0<=x<=65535."))
}
