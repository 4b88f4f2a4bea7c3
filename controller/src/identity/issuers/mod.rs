//! Identity providers of the configuration, whose tokens name external users.
//!
//! ```text
//!  authentication.jwt[] ─► Issuer ─┬─ RemoteKeys ─ task ─► discovery ─► key set     (HTTPS)
//!                                  └─ token ─► time ─► signature ─► audience ─► rules ─► username
//! ```
//!
//! Keys are fetched when the first token of an issuer comes, not before.

mod config;
mod error;
mod fetch;
mod issuer;
mod key_set;
mod remote;
mod roots;
#[cfg(test)]
pub(super) mod tests;

use std::sync::{Arc, PoisonError, RwLock};

pub use config::{
    AudienceMatch, ClaimMapping, ClaimMappings, ClaimRule, IssuerConfig, JwtConfig, UserRule,
};
pub use error::IssuersError;
use issuer::Issuer;

use super::TokenError;
use super::jws::Jws;
use crate::model::Time;

/// The identity providers; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    all: Arc<RwLock<Vec<Arc<Issuer>>>>,
}

/// What the identity providers say about a token.
#[derive(Debug)]
pub(super) enum Verdict {
    /// None of them issued it.
    Abstains,
    /// Its issuer's provider refuses it.
    Refuses(TokenError),
    /// It is valid; the username.
    Accepts(String),
}

/// All mistakes in `authentication.jwt`, each with its path: `authentication.jwt[0].issuer.url: why`.
pub fn mistakes(configs: &[JwtConfig], ours: &[&str]) -> Vec<String> {
    match config::check(configs, ours) {
        Ok(()) => Vec::new(),
        Err(IssuersError { mistakes }) => mistakes,
    }
}

// === impl Issuers ===

impl Issuers {
    /// The providers of `authentication.jwt`; `ours` are the issuers whose tokens are verified without
    /// a provider.
    ///
    /// Has to be called in a runtime, since it spawns the tasks that fetch keys.
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration.
    pub fn new(configs: &[JwtConfig], ours: &[&str]) -> Result<Self, IssuersError> {
        let issuers = Self::default();
        issuers.replace(configs, ours)?;
        Ok(issuers)
    }

    /// Replaces all providers. Keys are fetched anew.
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration; then nothing has changed.
    pub fn replace(&self, configs: &[JwtConfig], ours: &[&str]) -> Result<(), IssuersError> {
        config::check(configs, ours)?;
        let issuers = configs.iter().map(|config| Arc::new(Issuer::new(config)));
        let issuers = issuers.collect();
        *self.all.write().unwrap_or_else(PoisonError::into_inner) = issuers;
        Ok(())
    }

    pub(super) async fn verify(&self, jws: &Jws<'_>) -> Verdict {
        let Some(issuer) = jws.text("iss").and_then(|url| self.find(url)) else {
            return Verdict::Abstains;
        };
        match issuer.verify(jws, Time::now()).await {
            Ok(username) => Verdict::Accepts(username),
            Err(error) => Verdict::Refuses(error),
        }
    }

    fn find(&self, url: &str) -> Option<Arc<Issuer>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|issuer| issuer.url() == url).cloned()
    }
}
