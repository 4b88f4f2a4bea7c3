//! `jmp auth refresh`: a new token from what the last login left.

use crate::cli::CommandLine;
use crate::jmp::login;
use crate::jmp::options::ClientOptions;
use crate::oidc::Claims;
use crate::ui::{Failure, Outcome, print};

/// Get a new token without logging in again
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Before a long job
  jmp auth refresh")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let error = |text: String| Failure::Error(text);
        let mut config = self.client.load(line)?;
        let refresh = config
            .refresh_token
            .clone()
            .filter(|it| !it.expose().is_empty());
        let refresh = refresh.ok_or_else(|| {
            error("No refresh token found. Run 'jmp login --offline-access'.".to_owned())
        })?;
        let token = config.token.as_ref().filter(|it| !it.expose().is_empty());
        let token = token.ok_or_else(|| {
            error("No access token found. Run 'jmp login --offline-access'.".to_owned())
        })?;
        let claims = Claims::of(token);
        let claims = claims.map_err(|why| error(format!("Failed to decode JWT issuer: {why}")))?;
        let issuer = claims.issuer().filter(|issuer| !issuer.is_empty());
        let issuer = issuer
            .ok_or_else(|| error("Failed to determine issuer from access token.".to_owned()))?;
        let tokens = login::refresh(issuer, &refresh, false, config.tls.insecure).await;
        let tokens = tokens.map_err(|why| error(login::sentence(&why)))?;
        login::save(&mut config, tokens)?;
        print("Access token refreshed.")?;
        Ok(0)
    }
}
