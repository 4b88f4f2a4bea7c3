//! `jmp auth status`: how long the token is still good.

use std::io;

use super::{moment, span};
use crate::cli::CommandLine;
use crate::jmp::options::ClientOptions;
use crate::oidc::Claims;
use crate::ui::{Colour, Outcome, paint, print};

/// Show whose token it is and how long it is good for
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Is it time to log in again?
  jmp auth status
  # All there is to know
  jmp auth status -v")]
pub(super) struct Cmd {
    /// Show more
    #[arg(short, long)]
    verbose: bool,

    #[command(flatten)]
    client: ClientOptions,
}

/// Less than this is soon, in seconds.
const SOON: f64 = 300.0;

const HOUR: f64 = 3600.0;

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, line: &CommandLine) -> Outcome {
        let say = |text: &str, colour| print(&paint(text, colour, &io::stdout()));
        let config = self.client.load(line)?;
        let Some(token) = &config.token else {
            say("No token found in config", Colour::Yellow)?;
            return Ok(0);
        };
        let claims = match Claims::of(token) {
            Ok(claims) => claims,
            Err(error) => {
                say(&format!("Failed to decode token: {error}"), Colour::Red)?;
                return Ok(0);
            }
        };
        let (Some(expiry), Some(remaining)) = (claims.expiry(), claims.remaining()) else {
            say("Token has no expiry claim", Colour::Yellow)?;
            return Ok(0);
        };
        print(&format!("Token expiry: {}", moment(expiry)))?;
        let left = span(remaining);
        if remaining < 0.0 {
            say(&format!("Status: EXPIRED ({left} ago)"), Colour::Red)?;
        } else if remaining < SOON {
            say(
                &format!("Status: EXPIRING SOON ({left} remaining)"),
                Colour::Red,
            )?;
        } else {
            let colour = if remaining < HOUR {
                Colour::Yellow
            } else {
                Colour::Green
            };
            say(&format!("Status: Valid ({left} remaining)"), colour)?;
        }
        if remaining < SOON {
            say(
                "Run 'jmp login' to refresh your credentials.",
                Colour::Yellow,
            )?;
        }
        if let Some(subject) = claims.subject() {
            print(&format!("Subject: {subject}"))?;
        }
        if let Some(issuer) = claims.issuer() {
            print(&format!("Issuer: {issuer}"))?;
        }
        if !self.verbose {
            return Ok(0);
        }
        for (claim, label) in [("iat", "Issued at"), ("auth_time", "Auth time")] {
            if let Some(time) = claims.time(claim) {
                // Exact as long as the calendar goes.
                print(&format!("{label}: {}", moment(time as f64)))?;
            }
        }
        let stored = config
            .refresh_token
            .as_ref()
            .is_some_and(|it| !it.expose().is_empty());
        let stored = if stored { "yes" } else { "no" };
        print(&format!("Refresh token stored: {stored}"))?;
        Ok(0)
    }
}
