//! One identity provider, ready to verify tokens.

use super::config::JwtConfig;
use super::remote::RemoteKeys;
use crate::identity::TokenError;
use crate::identity::jws::Jws;
use crate::identity::public_key::ALGORITHMS;
use crate::identity::tokens::LEEWAY;
use crate::model::Time;

/// Verifies the tokens of one provider, and turns them into usernames.
#[derive(Debug)]
pub(super) struct Issuer {
    url: String,
    audiences: Vec<String>,
    /// The claim that becomes the username.
    claim: String,
    prefix: String,
    /// Claims, and the values they must have.
    rules: Vec<(String, String)>,
    keys: RemoteKeys,
}

// === impl Issuer ===

impl Issuer {
    /// `config` must have passed the checks.
    pub(super) fn new(config: &JwtConfig) -> Self {
        let username = config.claim_mappings.username.clone();
        let rules = config.claim_validation_rules.iter().map(|rule| {
            let value = |value: &Option<String>| value.clone().unwrap_or_default();
            (value(&rule.claim), value(&rule.required_value))
        });
        Self {
            url: config.issuer.url.clone(),
            audiences: config.issuer.audiences.clone(),
            claim: username.claim.unwrap_or_default(),
            prefix: username.prefix.unwrap_or_default(),
            rules: rules.collect(),
            keys: RemoteKeys::new(&config.issuer),
        }
    }

    /// The `iss` of its tokens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Verifies a token; returns the username.
    pub(super) async fn verify(&self, jws: &Jws<'_>, now: Time) -> Result<String, TokenError> {
        jws.is_current(now, LEEWAY)?;
        if !jws.is_signed_with(&ALGORITHMS) {
            return Err(TokenError::Algorithm);
        }
        self.keys.signed(jws).await?;
        jws.is_for(&self.audiences)?;
        for (claim, value) in &self.rules {
            if jws.text(claim) != Some(value) {
                return Err(TokenError::Rule(claim.clone()));
            }
        }
        self.username(jws)
    }

    fn username(&self, jws: &Jws<'_>) -> Result<String, TokenError> {
        let name = jws.text(&self.claim).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| TokenError::Claim(self.claim.clone()))?;
        let is_verified = jws.claim("email_verified").map(|value| value.as_bool());
        if self.claim == "email" && !matches!(is_verified, None | Some(Some(true))) {
            return Err(TokenError::Unverified);
        }
        Ok(format!("{}{name}", self.prefix))
    }
}
