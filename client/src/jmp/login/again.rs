//! A token that expired in the middle of things: log in once more, and try once more.

use std::io;

use tracing::debug;

use super::account::issuer;
use super::grant::{CLIENT_ID, person};
use super::renew::{Renewed, keep, renew};
use crate::config::{ClientConfig, ConfigError};
use crate::oidc::{Provider, scope};
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
    let unsaved = |error: ConfigError| Failure::Error(error.to_string());
    if config.refresh_token.is_some() {
        match renew(config, true).await {
            Ok(Renewed::Found) => return Ok(()),
            Ok(Renewed::Fetched(saved)) => return saved.map_err(unsaved),
            Err(error) => debug!("the token cannot be refreshed: {error}"),
        }
    }
    let unable = |why: &dyn std::fmt::Display| failed(format!("Failed to re-authenticate: {why}"));
    let provider = Provider::discover(&issuer, CLIENT_ID, scope(true), config.tls.insecure).await;
    let provider = provider.map_err(|error| unable(&error))?;
    match person(&provider, false, None).await {
        Ok(tokens) => keep(config, tokens).map_err(unsaved),
        Err(Failure::Error(why)) => Err(unable(&why)),
        Err(other) => Err(other),
    }
}
