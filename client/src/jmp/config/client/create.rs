//! `jmp config client create`: a client whose token somebody was given.

use std::path::PathBuf;

use clap::ValueHint;

use super::failure;
use crate::Secret;
use crate::config::{ClientConfig, Drivers, Lock, TlsSettings, UserConfig};
use crate::jmp::login::confirm_insecure;
use crate::ui::{Failure, Outcome, print, prompt};

/// Make the configuration file of a client
///
/// What the options do not say is asked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # With a token that the lab's administrator sent
  jmp config client create lab --namespace default --name me \\
      --endpoint grpc.lab:8082 --token \"$TOKEN\" --allow 'jumpstarter_driver_*'")]
pub(super) struct Cmd {
    /// Write this file instead of one among the user's clients
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    out: Option<PathBuf>,

    /// The client's namespace
    #[arg(long)]
    namespace: Option<String>,

    /// Its name there
    #[arg(long)]
    name: Option<String>,

    /// Where the controller is: `host:port`
    #[arg(short, long)]
    endpoint: Option<String>,

    /// The token
    #[arg(short, long, value_parser = secret)]
    token: Option<Secret<String>>,

    /// Driver clients that may be used: globs, separated by commas
    #[arg(short, long, value_name = "GLOBS")]
    allow: Option<String>,

    /// Any driver client may be used
    #[arg(long = "unsafe")]
    any: bool,

    /// Do not verify certificates
    #[arg(short = 'k', long)]
    insecure_tls: bool,

    /// Do not ask whether --insecure-tls is meant
    #[arg(long)]
    nointeractive: bool,

    /// Print the path of the file
    #[arg(short, long, value_name = "FORMAT", value_parser = ["path"])]
    output: Option<String>,

    /// What you call it
    alias: String,
}

fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self) -> Outcome {
        let namespace = given(self.namespace, "Enter a valid Jumpstarter client namespace");
        let namespace = namespace.await?;
        let name = given(self.name, "Enter a valid Jumpstarter client name").await?;
        let endpoint = given(self.endpoint, "Enter a valid Jumpstarter service endpoint").await?;
        let token = match self.token {
            Some(token) => token,
            None => {
                let question = "Enter a Jumpstarter auth token (hidden)";
                let answer = prompt::ask_secretly(question).await?;
                Secret::new(answer.ok_or(Failure::Aborted)?)
            }
        };
        let allow = match self.allow {
            Some(allow) => allow,
            None => {
                let question = "Enter a comma-separated list of allowed driver packages (optional)";
                prompt::ask(question, Some(""))
                    .await?
                    .ok_or(Failure::Aborted)?
            }
        };
        let usual = ClientConfig::path_of(&self.alias).map_err(failure)?;
        let check_new = || match self.out.is_none() && usual.exists() {
            true => Err(Failure::Error(format!(
                "A client with the name '{}' already exists.",
                self.alias
            ))),
            false => Ok(()),
        };
        check_new()?;
        confirm_insecure(self.insecure_tls, !self.nointeractive).await?;
        let mut config = ClientConfig::new(&self.alias, Some(namespace), name);
        config.endpoint = Some(endpoint);
        config.token = Some(token);
        config.drivers = Drivers::from_text(&allow, self.any);
        config.tls = TlsSettings {
            ca: String::new(),
            insecure: self.insecure_tls,
        };
        let path = self.out.as_ref().unwrap_or(&usual);
        let lock = Lock::around(path);
        // While questions were answered somebody else may have made one.
        check_new()?;
        config.save_to(path).map_err(failure)?;
        if self.out.is_none() && ClientConfig::files().map_err(failure)?.len() == 1 {
            UserConfig::choose(Some(&self.alias)).map_err(failure)?;
        }
        drop(lock);
        if self.output.is_some() {
            print(&path.display().to_string())?;
        }
        Ok(0)
    }
}

/// What the option says, else what the user answers.
async fn given(option: Option<String>, question: &str) -> Result<String, Failure> {
    match option {
        Some(given) => Ok(given),
        None => prompt::ask(question, None).await?.ok_or(Failure::Aborted),
    }
}
