//! `jmp auth rotate`: a new token from the controller.
//!
//! The old one is good for as long as the controller's grace period lasts, so that others who use it
//! have time to change over; then it is worth nothing.

use super::{moment, span};
use crate::Secret;
use crate::cli::CommandLine;
use crate::jmp::clients::Clients;
use crate::jmp::options::ClientOptions;
use crate::oidc::{Claims, same_issuer};
use crate::ui::{Failure, Outcome, print, warn};

/// Have the controller replace the token
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # When somebody may have seen it
  jmp auth rotate")]
pub(super) struct Cmd {
    #[command(flatten)]
    client: ClientOptions,
}

// === impl Cmd ===

impl Cmd {
    pub(super) async fn run(self, line: &CommandLine) -> Outcome {
        let error = |text: &str| Failure::Error(text.to_owned());
        let mut config = self.client.load(line)?;
        let token = config.token.as_ref().filter(|it| !it.expose().is_empty());
        let token = token.ok_or_else(|| error("No token found in config."))?;
        // Whether an opaque token has expired only the controller knows.
        let remaining = Claims::of(token).ok().and_then(|claims| claims.remaining());
        if remaining.is_some_and(|remaining| remaining < 0.0) {
            return Err(error(
                "Token is expired. Cannot rotate — recreate the client with \
                 'jmp config client create'.",
            ));
        }
        let rotated = Clients::new(&config)?.rotate_token().await?;
        if rotated.token.is_empty() {
            return Err(error("Token rotation failed: empty token received."));
        }
        let token = Secret::new(rotated.token);
        let claims = Claims::of(&token).map_err(|why| {
            error(&format!(
                "Token rotation failed: invalid token returned ({why})."
            ))
        })?;
        // Whoever made the old token knows the refresh token; nobody else may see it.
        let moved = config
            .token
            .as_ref()
            .is_some_and(|old| !same_issuer(old, &token));
        let forgets = moved && config.refresh_token.is_some();
        config.token = Some(token);
        let saved = match moved {
            true => config.save_token_alone(),
            false => config.save_tokens(),
        };
        saved.map_err(|why| {
            // The old token will soon be worth nothing, so this must not be lost in the noise.
            error(&format!(
                "the token was rotated but could not be saved: {why}"
            ))
        })?;
        match (claims.expiry(), claims.remaining()) {
            (Some(expiry), Some(remaining)) => print(&format!(
                "Token rotated. New expiry: {} ({} remaining)",
                moment(expiry),
                span(remaining)
            ))?,
            _ => print("Token rotated.")?,
        }
        if forgets {
            warn(
                "the controller itself made the new token, so the refresh token of the former \
                 issuer is no longer kept. Before the new token expires, run 'jmp auth rotate' \
                 again.",
            );
        }
        Ok(0)
    }
}
