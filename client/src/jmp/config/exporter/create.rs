//! `jmp config exporter create`: an exporter without devices yet.

use super::paths;
use crate::Secret;
use crate::cli::CommandLine;
use crate::config::{ExporterConfig, Lock, TlsSettings};
use crate::jmp::config::failure;
use crate::jmp::login::confirm_insecure;
use crate::ui::{Failure, Outcome, print, prompt};

/// Make the configuration file of an exporter
///
/// What the options do not say is asked. Its devices are added with `jmp config exporter edit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # With a token that the lab's administrator sent
  jmp config exporter create rack-1 --namespace default --name rack-1 \\
      --endpoint grpc.lab:8082 --token \"$TOKEN\"
  jmp config exporter edit rack-1")]
pub(super) struct Cmd {
    /// The exporter's namespace
    #[arg(long)]
    namespace: Option<String>,

    /// Its name there
    #[arg(long)]
    name: Option<String>,

    /// Where the controller is: `host:port`
    #[arg(long)]
    endpoint: Option<String>,

    /// The token
    #[arg(long, value_parser = secret)]
    token: Option<Secret<String>>,

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
    #[arg(default_value = "default")]
    alias: String,
}

fn secret(text: &str) -> Result<Secret<String>, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let path = paths(&self.alias, line)?.own;
        let mut answers = Vec::new();
        let token = self.token.map(Secret::into_exposed);
        for (given, question) in [
            (self.namespace, "Namespace"),
            (self.name, "Name"),
            (self.endpoint, "Endpoint"),
            (token, "Token"),
        ] {
            answers.push(match given {
                Some(given) => given,
                None => prompt::ask(question, None).await?.ok_or(Failure::Aborted)?,
            });
        }
        let mut next = answers.into_iter();
        let mut next = || next.next().unwrap_or_default();
        let (namespace, name, endpoint, token) = (next(), next(), next(), next());
        let check_new = || match path.exists() {
            true => Err(Failure::Error(format!(
                "exporter \"{}\" exists",
                self.alias
            ))),
            false => Ok(()),
        };
        check_new()?;
        confirm_insecure(self.insecure_tls, !self.nointeractive).await?;
        let mut config = ExporterConfig::new(&self.alias, Some(namespace), name);
        config.endpoint = Some(endpoint);
        config.token = Some(Secret::new(token));
        config.tls = TlsSettings {
            ca: String::new(),
            insecure: self.insecure_tls,
        };
        let lock = Lock::around(&path);
        // While questions were answered somebody else may have made one.
        check_new()?;
        config.save_to(&path).map_err(failure)?;
        drop(lock);
        if self.output.is_some() {
            print(&path.display().to_string())?;
        }
        Ok(0)
    }
}
