//! A token that would expire while a shell is open is replaced before that.
//!
//! ```text
//! 5 minutes left ─► said once
//! 2 minutes left ─► refresh token ─► else the file: somebody may have logged in meanwhile ─► else said
//!      (one program of a client at a time: the others use what it has fetched)
//! ```

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::token;
use crate::config::ClientConfig;
use crate::jmp::auth::span;
use crate::jmp::login::{Renewed, renew};
use crate::lease::Leases;
use crate::ui::{Colour, paint, print};

/// When to say that the token expires, in seconds before that.
const SOON: f64 = 300.0;
/// When to replace it.
const NOW: f64 = 120.0;
/// How often to look, before that and from then on.
const SELDOM: Duration = Duration::from_secs(30);
const OFTEN: Duration = Duration::from_secs(5);
/// How long an issuer may take for a new one.
const REFRESHED_WITHIN: Duration = Duration::from_secs(15);

/// Looks after the token of a client.
#[derive(Debug)]
pub(super) struct Upkeep {
    config: ClientConfig,
    leases: Leases,
    told: Told,
    /// Nothing helped a moment ago.
    tried: bool,
}

/// What was said already.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    soon: bool,
    failed: bool,
    expired: bool,
}

/// What is to be said and done now.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Nothing,
    /// Say that it expires soon.
    Warning,
    /// Replace it.
    Recovery,
    /// Both.
    WarningAndRecovery,
}

// === impl Upkeep ===

impl Upkeep {
    pub(super) fn of(config: &ClientConfig, leases: &Leases) -> Self {
        Self {
            config: config.clone(),
            leases: leases.clone(),
            told: Told::default(),
            tried: false,
        }
    }

    /// Whether it is good for nothing any more.
    pub(super) fn is_expired(&self) -> bool {
        token::is_expired(&self.config)
    }

    /// Does `work`, and looks after the token meanwhile.
    ///
    /// A refresh that has begun is waited for: the old refresh token may be worth nothing any more,
    /// and the new one would be lost.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.due() => {}
            }
            let mut recovery = pin!(self.recover());
            tokio::select! {
                biased;
                done = &mut work => {
                    recovery.await;
                    return done;
                }
                () = &mut recovery => {}
            }
        }
    }

    /// Waits until the token has to be replaced; one that does not say when it ends is left alone.
    async fn due(&mut self) {
        loop {
            let Some(left) = token::remaining(&self.config) else {
                return std::future::pending().await;
            };
            let due = self.told.due(left);
            if matches!(due, Due::Warning | Due::WarningAndRecovery) {
                self.warn(left);
            }
            let replace = matches!(due, Due::Recovery | Due::WarningAndRecovery);
            if replace && !std::mem::take(&mut self.tried) {
                return;
            }
            sleep(if left > NOW { SELDOM } else { OFTEN }).await;
        }
    }

    fn warn(&self, left: f64) {
        let text = format!(
            "Token expires in {}. Will attempt auto-refresh.",
            span(left)
        );
        say(&text, Colour::Yellow);
    }

    /// Replaces it, or says why not.
    pub(super) async fn recover(&mut self) {
        self.tried = true;
        if !self.replace().await {
            let left = token::remaining(&self.config).unwrap_or_default();
            self.told.failure(left);
        }
    }

    /// Replaces it, if that can be done.
    pub(super) async fn replace(&mut self) -> bool {
        // An issuer that does not answer keeps nobody from leaving.
        let refreshed = timeout(REFRESHED_WITHIN, self.refresh()).await;
        match refreshed.unwrap_or_default() {
            Some(Renewed::Fetched(saved)) => {
                if let Err(error) = saved {
                    warn!("Failed to save refreshed token to disk: {error}");
                }
                say("Token refreshed automatically.", Colour::Green);
            }
            Some(Renewed::Found) => say("Token reloaded from login.", Colour::Green),
            None if self.reload() => say("Token reloaded from login.", Colour::Green),
            None => return false,
        }
        self.told = Told::default();
        self.tried = false;
        true
    }

    /// By the refresh token, if there is one.
    async fn refresh(&mut self) -> Option<Renewed> {
        let mut config = self.config.clone();
        match renew(&mut config, true).await {
            Ok(renewed) => self.adopt(config).then_some(renewed),
            Err(error) => {
                debug!("the token cannot be refreshed: {error}");
                None
            }
        }
    }

    /// From the file, if somebody has logged in there.
    fn reload(&mut self) -> bool {
        let Some(path) = &self.config.path else {
            return false;
        };
        let Ok(Some(found)) = ClientConfig::load(path) else {
            return false;
        };
        let text = |config: &ClientConfig| config.token.as_ref().map(|it| it.expose().clone());
        if found.token.is_none() || text(&found) == text(&self.config) || token::is_expired(&found)
        {
            return false;
        }
        let mut config = self.config.clone();
        (config.token, config.refresh_token) = (found.token, found.refresh_token);
        self.adopt(config)
    }

    /// Asks the controller with the new token from now on; keeps the old one if that cannot be.
    fn adopt(&mut self, config: ClientConfig) -> bool {
        match config.controller() {
            Ok(Some(controller)) => {
                self.leases.renew(controller);
                self.config = config;
                true
            }
            Ok(None) => false,
            Err(error) => {
                debug!("the new token is of no use: {error}");
                false
            }
        }
    }
}

// === impl Told ===

impl Told {
    /// What there is to do with so many seconds left.
    fn due(&mut self, left: f64) -> Due {
        let warning = left <= SOON && left > 0.0 && !self.soon;
        self.soon |= warning;
        match (warning, left <= NOW) {
            (false, false) => Due::Nothing,
            (true, false) => Due::Warning,
            (false, true) => Due::Recovery,
            (true, true) => Due::WarningAndRecovery,
        }
    }

    /// Says once before and once after the end that nothing helped.
    fn failure(&mut self, left: f64) {
        if left > 0.0 {
            if !std::mem::replace(&mut self.failed, true) {
                let text = format!(
                    "Token expires in {} and auto-refresh failed. \
                     Run 'jmp login' from this shell to refresh manually.",
                    span(left)
                );
                say(&text, Colour::Yellow);
            }
        } else if !std::mem::replace(&mut self.expired, true) {
            let text = "Token expired and auto-refresh failed. \
                        New commands will fail until you run 'jmp login' from this shell.";
            say(text, Colour::Red);
        }
    }
}

/// Says it on a line of its own, wherever the child's cursor is.
fn say(text: &str, colour: Colour) {
    let text = paint(text, colour, &io::stdout());
    // Without stdout there is nobody to tell.
    print(&format!("\n{text}")).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_warned_of_once_and_replaced_in_time() {
        let mut told = Told::default();
        assert_eq!(told.due(3600.0), Due::Nothing);
        assert_eq!(told.due(300.0), Due::Warning);
        assert_eq!(told.due(290.0), Due::Nothing);
        assert_eq!(told.due(119.0), Due::Recovery);
        assert_eq!(told.due(-5.0), Due::Recovery);
        let mut late = Told::default();
        assert_eq!(late.due(60.0), Due::WarningAndRecovery);
        assert_eq!(Told::default().due(-1.0), Due::Recovery);
    }

    #[test]
    fn failures_are_told_before_and_after_the_end() {
        let mut told = Told::default();
        told.failure(30.0);
        assert!(told.failed && !told.expired);
        told.failure(-1.0);
        assert!(told.failed && told.expired);
    }
}
