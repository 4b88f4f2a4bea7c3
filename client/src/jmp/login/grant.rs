//! How the token is got: by refresh, exchange, password, device or browser.

use std::path::Path;

use super::account::Account;
use super::{Cmd, trouble};
use crate::cli::printable;
use crate::config::Turn;
use crate::env;
use crate::oidc::{Callback, Grant, OidcError, Provider, Tokens, scope};
use crate::ui::{Failure, print};

/// What this program is called at issuers.
pub(super) const CLIENT_ID: &str = "jumpstarter-cli";

// === impl Cmd ===

impl Cmd {
    /// Tries what an earlier login left, unless the options say how to log in.
    pub(super) async fn use_refresh_token(
        &self,
        account: &mut Account,
        issuer: &str,
        path: &Path,
    ) -> Result<bool, Failure> {
        let said = self.token.is_some() || self.username.is_some() || self.password.is_some();
        if said || account.refresh_token().is_none() {
            return Ok(false);
        }
        // Somebody else may be about to use the same one.
        let _turn = Turn::at(path).await;
        account.reread();
        let Some(token) = account.refresh_token().cloned() else {
            return Ok(false);
        };
        let refreshed = async {
            let provider = self.provider(account, issuer).await?;
            provider.grant(Grant::Refresh(&token)).await
        };
        match refreshed.await {
            Ok(tokens) => {
                account.accept(tokens, path)?;
                print("Refreshed access token using stored refresh token.")?;
                Ok(true)
            }
            Err(error) if self.nointeractive => {
                let message = format!("Failed to refresh access token: {error}");
                Err(Failure::Error(message))
            }
            Err(_) => Ok(false),
        }
    }

    /// Logs in.
    pub(super) async fn grant(&self, account: &Account, issuer: &str) -> Result<Tokens, Failure> {
        let connected = self.provider(account, issuer).await;
        let provider = connected.map_err(|error| trouble::failure(&error))?;
        let granted = match (&self.token, &self.username, &self.password) {
            (Some(token), _, _) => {
                let connector = self.connector_id.as_deref();
                provider.grant(Grant::Exchange { token, connector }).await
            }
            (None, Some(username), Some(password)) => {
                provider.grant(Grant::Password { username, password }).await
            }
            _ => return person(&provider, self.device_flow, self.callback_port).await,
        };
        granted.map_err(|error| trouble::failure(&error))
    }

    async fn provider(&self, account: &Account, issuer: &str) -> Result<Provider, OidcError> {
        let offline = !self.no_offline_access || account.refresh_token().is_some();
        let client_id = self.client_id.as_deref().unwrap_or(CLIENT_ID);
        let insecure = self.insecure_tls || account.is_insecure();
        Provider::discover(issuer, client_id, scope(offline), insecure).await
    }
}

/// Sends a person to a browser: on any machine, or on this one.
pub(super) async fn person(
    provider: &Provider,
    device_flow: bool,
    port: Option<u16>,
) -> Result<Tokens, Failure> {
    let anywhere = std::env::var_os(env::OIDC_DEVICE_FLOW).is_some_and(|value| value == "1");
    let tokens = if device_flow || anywhere {
        let device = provider
            .device()
            .await
            .map_err(|error| trouble::failure(&error))?;
        print(&printable(&device.instructions))?;
        provider.confirmed(device).await
    } else {
        let port = match port {
            Some(port) => port,
            None => configured_port()?,
        };
        let callback = Callback::listen(port)
            .await
            .map_err(|error| Failure::Error(error.to_string()))?;
        let url = provider.authorization_url(&callback);
        let url = url.map_err(|error| trouble::failure(&error))?;
        let url = printable(&url);
        print(&format!("Please open the URL in browser:  {url}"))?;
        provider.authorized(&callback).await
    };
    tokens.map_err(|error| trouble::failure(&error))
}

fn configured_port() -> Result<u16, Failure> {
    let Some(text) = env::text(env::OIDC_CALLBACK_PORT) else {
        return Ok(0);
    };
    let digits = text.chars().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| {
        let name = env::OIDC_CALLBACK_PORT;
        Failure::Error(format!("Invalid {name} \"{text}\": must be a valid port"))
    })
}
