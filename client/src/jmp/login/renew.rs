//! New tokens by the refresh token, which several programs of one client may want at once.
//!
//! ```text
//! my turn ─► read the file again ─► somebody has fetched newer ones ─► those
//!                                └─► still the same ─► issuer ─► write the file
//! ```

use thiserror::Error;

use super::grant::CLIENT_ID;
use crate::Secret;
use crate::config::{ClientConfig, ConfigError, Turn};
use crate::oidc::{Claims, Grant, OidcError, Provider, Tokens, scope};

/// Where the new tokens are from.
#[derive(Debug)]
pub(in crate::jmp) enum Renewed {
    /// From the issuer, and whether they could be written down.
    Fetched(Result<(), ConfigError>),
    /// From the file: somebody else was faster.
    Found,
}

/// Why there are none.
#[derive(Debug, Error)]
pub(in crate::jmp) enum RenewError {
    /// There is nothing to refresh with.
    #[error("No refresh token found. Run 'jmp login --offline-access'.")]
    NoRefreshToken,
    /// There is nothing to be refreshed.
    #[error("No access token found. Run 'jmp login --offline-access'.")]
    NoToken,
    /// Whom to ask is not known.
    #[error("{0}")]
    Issuer(String),
    /// The issuer gives none.
    #[error(transparent)]
    Refused(#[from] OidcError),
}

/// Gives `config` new tokens: those of the file if they are better than its own, else those that the
/// issuer gives for the refresh token, which are written to the file.
pub(in crate::jmp) async fn renew(
    config: &mut ClientConfig,
    offline: bool,
) -> Result<Renewed, RenewError> {
    let _turn = match &config.path {
        Some(path) => Some(Turn::at(path).await),
        None => None,
    };
    if let Some(found) = reread(config) {
        let better = is_better(&found, config);
        (config.token, config.refresh_token) = (found.token, found.refresh_token);
        if better {
            return Ok(Renewed::Found);
        }
    }
    let said = |it: &&Secret<String>| !it.expose().is_empty();
    let refresh = config.refresh_token.as_ref().filter(said);
    let refresh = refresh.ok_or(RenewError::NoRefreshToken)?;
    let token = config.token.as_ref().filter(said);
    let token = token.ok_or(RenewError::NoToken)?;
    let issuer = super::account::issuer(token).map_err(RenewError::Issuer)?;
    let insecure = config.tls.insecure;
    let provider = Provider::discover(&issuer, CLIENT_ID, scope(offline), insecure).await?;
    let tokens = provider.grant(Grant::Refresh(refresh)).await?;
    Ok(Renewed::Fetched(keep(config, tokens)))
}

/// Keeps new tokens; the old refresh token stays if there is no new one.
pub(super) fn keep(config: &mut ClientConfig, tokens: Tokens) -> Result<(), ConfigError> {
    config.token = Some(tokens.access);
    config.refresh_token = tokens.refresh.or(config.refresh_token.take());
    config.save_tokens()
}

/// What the file says now, if that is something else.
fn reread(config: &ClientConfig) -> Option<ClientConfig> {
    let found = ClientConfig::load(config.path.as_deref()?).ok()??;
    let tokens = |it: &ClientConfig| {
        [&it.token, &it.refresh_token].map(|it| it.as_ref().map(|it| it.expose().clone()))
    };
    (found.token.is_some() && tokens(&found) != tokens(config)).then_some(found)
}

/// Whether the token of one is good for longer than that of the other.
fn is_better(found: &ClientConfig, ours: &ClientConfig) -> bool {
    let left = |it: &ClientConfig| Claims::of(it.token.as_ref()?).ok()?.remaining();
    let text = |it: &ClientConfig| it.token.as_ref().map(|it| it.expose().clone());
    let worse = left(ours).unwrap_or_default().max(0.0);
    text(found) != text(ours) && left(found).is_none_or(|left| left > worse)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    /// Of an issuer that nobody can reach.
    fn token(ends: u64) -> String {
        let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"iss": "https://localhost:1", "exp": ends});
        format!("{}.{}.c2ln", part(json!({"alg": "none"})), part(claims))
    }

    fn write(path: &Path, token: &str, refresh: &str) {
        let text = format!("metadata: {{name: me}}\ntoken: {token}\nrefresh_token: {refresh}\n");
        std::fs::write(path, text).unwrap();
    }

    const LONG: u64 = 4_000_000_000;

    #[tokio::test]
    async fn what_another_has_fetched_meanwhile_is_used() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lab.yaml");
        write(&path, &token(1), "r1");
        let mut config = ClientConfig::load(&path).unwrap().unwrap();
        let other = Turn::at(&path).await;
        // Asked first, but the other one is there already and writes what it has got.
        let fetched = async {
            tokio::task::yield_now().await;
            write(&path, &token(LONG), "r2");
            drop(other);
        };
        let (renewed, ()) = tokio::join!(renew(&mut config, true), fetched);
        assert!(matches!(renewed, Ok(Renewed::Found)), "{renewed:?}");
        assert_eq!(config.token.unwrap().expose(), &token(LONG));
        assert_eq!(config.refresh_token.unwrap().expose(), "r2");
    }

    #[tokio::test]
    async fn what_is_no_better_is_not_the_end_of_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("lab.yaml");
        write(&path, &token(LONG), "r1");
        let ours = ClientConfig::load(&path).unwrap().unwrap();
        // The same token; another one that has expired; one that ends sooner.
        for (found, refresh) in [(LONG, "r1"), (1, "r2"), (LONG - 1, "r3")] {
            write(&path, &token(found), refresh);
            let mut config = ours.clone();
            let renewed = renew(&mut config, true).await;
            assert!(
                matches!(renewed, Err(RenewError::Refused(_))),
                "{renewed:?}"
            );
            // It is the latest refresh token that is worth something.
            assert_eq!(config.refresh_token.unwrap().expose(), refresh);
        }
        std::fs::write(
            &path,
            format!("metadata: {{name: me}}\ntoken: {}\n", token(1)),
        )
        .unwrap();
        let renewed = renew(&mut ours.clone(), true).await;
        assert!(
            matches!(renewed, Err(RenewError::NoRefreshToken)),
            "{renewed:?}"
        );
    }
}
