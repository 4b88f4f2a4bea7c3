//! `jmp login`: from a name and a place to a token, and a file that holds it.
//!
//! ```text
//! me@login.lab ─► /v1/auth/config ─► endpoint, namespace, issuer, CA ┐
//! options, questions ────────────────────────────────────────────────┴► account ─► grant ─► save
//! a file that exists: issuer out of its token ───────────────────────► account ─► refresh or grant
//! ```

mod account;
mod again;
mod grant;
mod options;
mod renew;
mod service;
mod trouble;

use super::options::unloaded;
use crate::cli::CommandLine;
use crate::config::{TlsSettings, UserConfig};
use crate::ui::{Failure, Outcome, print, prompt};
use account::{Account, Whose};

pub(super) use again::again;
pub(super) use options::Cmd;
pub(super) use renew::{RenewError, Renewed, renew};
pub(super) use trouble::sentence;

const INSECURE: &str = "Insecure TLS mode is enabled. Certificate verification will be disabled \
                        for HTTPS connections. Continue?";

/// Asks whether somebody who turned verification off means it.
pub(super) async fn confirm_insecure(insecure: bool, interactive: bool) -> Result<(), Failure> {
    if !insecure || !interactive {
        return Ok(());
    }
    match prompt::confirm(INSECURE).await? {
        Some(true) => Ok(()),
        Some(false) => {
            print("Aborting.")?;
            Err(Failure::Quiet(1))
        }
        None => Err(aborted()),
    }
}

/// A question in the middle of a command was not answered.
pub(super) fn aborted() -> Failure {
    Failure::Error("Aborted by user.".to_owned())
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(mut self, line: &CommandLine) -> Outcome {
        confirm_insecure(self.insecure_tls, !self.nointeractive).await?;
        let mut ca = String::new();
        let mut alias = None;
        if let Some(target) = self.login_target.take() {
            let target = service::Target::parse(&target)?;
            let found = target.fetch(self.insecure_tls, line).await?;
            alias.clone_from(&target.name);
            self.name = self.name.or(target.name);
            self.endpoint = self.endpoint.or(Some(found.endpoint));
            self.namespace = self.namespace.or(found.namespace);
            if self.issuer.is_none() {
                self.issuer = found.issuer;
                self.client_id = self.client_id.or(found.client_id);
            }
            ca = found.ca;
        }
        let whose = Whose::find(&self, alias.as_deref(), line)?;
        let tls = TlsSettings {
            ca,
            insecure: self.insecure_tls,
        };
        let (mut account, issuer) = match whose.found {
            Some(account) => {
                let issuer = account.issuer()?;
                (account, Some(issuer))
            }
            None => {
                let account = whose.create(&self, tls, line).await?;
                (account, self.issuer.clone())
            }
        };
        if matches!(account, Account::Exporter(_)) {
            for (given, option) in [(!self.allow.is_empty(), "--allow"), (self.any, "--unsafe")] {
                if given {
                    print(&format!(
                        "Warning: {option} is ignored for exporter configs \
                         (only applies to client configs)."
                    ))?;
                }
            }
        }
        let issuer = match issuer {
            Some(issuer) => issuer,
            None => self.ask("Enter the OIDC issuer", "Issuer", line).await?,
        };
        if self
            .use_refresh_token(&mut account, &issuer, &whose.path)
            .await?
        {
            return Ok(0);
        }
        let tokens = self.grant(&account, &issuer).await?;
        account.accept(tokens, &whose.path)?;
        if whose.by_alias && matches!(account, Account::Client(_)) {
            UserConfig::choose(Some(&whose.alias)).map_err(unloaded)?;
            print(&format!("Set '{}' as the default client.", whose.alias))?;
        }
        Ok(0)
    }

    /// Something that must be known: asked for, unless nobody is there to answer.
    async fn ask(&self, question: &str, what: &str, line: &CommandLine) -> Result<String, Failure> {
        if self.nointeractive {
            let message = format!("{what} is required in non-interactive mode.");
            return Err(line.refuse(message).into());
        }
        prompt::ask(question, None).await?.ok_or_else(aborted)
    }
}
