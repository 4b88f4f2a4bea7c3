//! A token that expired in the middle of things: log in once more, and try once more.

use std::io;

use super::account::issuer;
use super::grant::{CLIENT_ID, person, refresh};
use crate::config::ClientConfig;
use crate::oidc::{Provider, Tokens, scope};
use crate::ui::{Colour, Failure, paint, print};

/// Runs a command, and once more with a new token if the old one has expired.
pub(in crate::jmp) async fn again<T>(
    config: &mut ClientConfig,
    mut command: impl AsyncFnMut(&ClientConfig) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match command(config).await {
        Err(Failure::TokenExpired(_)) => {}
        outcome => return outcome,
    }
    let notice = "Token is expired, triggering re-authentication";
    print(&paint(notice, Colour::Yellow, &io::stdout()))?;
    relogin(config).await?;
    print("Re-authenticated, retrying...")?;
    command(config).await
}

/// Gets a new token, by itself if it can, and saves it where the old one was.
pub(in crate::jmp) async fn relogin(config: &mut ClientConfig) -> Result<(), Failure> {
    let failed = |why: String| Failure::Error(format!("Re-authentication failed: {why}"));
    let token = config.token.as_ref();
    let token = token.ok_or_else(|| failed("No token set in client config".to_owned()))?;
    let issuer = issuer(token).map_err(failed)?;
    let refreshed = match &config.refresh_token {
        Some(token) => refresh(&issuer, token, true, config.tls.insecure)
            .await
            .ok(),
        None => None,
    };
    let tokens = match refreshed {
        Some(tokens) => tokens,
        None => {
            let unable =
                |why: &dyn std::fmt::Display| failed(format!("Failed to re-authenticate: {why}"));
            let provider =
                Provider::discover(&issuer, CLIENT_ID, scope(true), config.tls.insecure).await;
            let provider = provider.map_err(|error| unable(&error))?;
            match person(&provider, false, None).await {
                Ok(tokens) => tokens,
                Err(Failure::Error(why)) => return Err(unable(&why)),
                Err(other) => return Err(other),
            }
        }
    };
    save(config, tokens)
}

/// Keeps new tokens; the old refresh token stays if there is no new one.
pub(in crate::jmp) fn save(config: &mut ClientConfig, tokens: Tokens) -> Result<(), Failure> {
    config.token = Some(tokens.access);
    if tokens.refresh.is_some() {
        config.refresh_token = tokens.refresh;
    }
    config
        .save_tokens()
        .map_err(|error| Failure::Error(error.to_string()))
}
