//! An identity provider, and the ways to a token that need no browser.

use serde::Deserialize;

use super::OidcError;
use crate::Secret;
use crate::connect::{Roots, Tls};
use crate::http::{Answer, Http, excerpt};
use crate::ui::warn;

/// What asks for a token instead of a person at a browser.
#[derive(Debug)]
pub(crate) enum Grant<'a> {
    /// A name and a password.
    Password {
        username: &'a str,
        password: &'a Secret<String>,
    },
    /// The token of another system that the provider trusts.
    Exchange {
        token: &'a Secret<String>,
        /// Which system, if the provider asks.
        connector: Option<&'a str>,
    },
    /// What an earlier login left.
    Refresh(&'a Secret<String>),
}

/// What a login gives.
#[derive(Debug, Deserialize)]
pub(crate) struct Tokens {
    #[serde(rename = "access_token")]
    pub(crate) access: Secret<String>,
    #[serde(rename = "refresh_token", default)]
    pub(crate) refresh: Option<Secret<String>>,
}

/// An identity provider that was found.
pub(crate) struct Provider {
    pub(super) http: Http,
    pub(super) endpoints: Endpoints,
    pub(super) client_id: String,
    pub(super) scope: String,
}

/// Where it answers.
#[derive(Debug, Deserialize)]
pub(super) struct Endpoints {
    issuer: Option<String>,
    token_endpoint: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) device_authorization_endpoint: Option<String>,
}

/// How it refuses.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
    #[serde(default)]
    pub(super) error_description: Option<String>,
}

/// What is asked for: with `offline`, a token that gets new ones without a person.
pub(crate) fn scope(offline: bool) -> String {
    if offline {
        "openid profile offline_access".to_owned()
    } else {
        "openid profile".to_owned()
    }
}

/// Whom to trust at providers and login services.
pub(crate) fn trust(insecure: bool) -> Tls {
    // The variable for gRPC means controllers, this one everything else.
    match std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        _ if insecure => Tls::Unverified,
        Some(path) => Tls::Verified(Roots::File(path.into())),
        None => Tls::Verified(Roots::System),
    }
}

// === impl Provider ===

impl Provider {
    /// Asks `issuer` where it answers.
    pub(crate) async fn discover(
        issuer: &str,
        client_id: &str,
        scope: String,
        insecure: bool,
    ) -> Result<Self, OidcError> {
        let http = Http::new(&trust(insecure))?;
        let issuer = issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let answer = http.get(&url).await?;
        if !answer.status.is_success() {
            return Err(OidcError::Status {
                status: answer.status.as_u16(),
                text: answer.text(),
                url,
            });
        }
        let endpoints: Endpoints = answer.json().map_err(|error| OidcError::Answer {
            url,
            why: excerpt(&error.to_string()),
        })?;
        // Behind a proxy it may not know what it is called outside; its tokens say that name, too.
        if let Some(other) = endpoints.issuer.as_deref()
            && other.trim_end_matches('/') != issuer
        {
            warn(&format!(
                "the identity provider at `{issuer}` calls itself `{}`; if logging in fails later, \
                 use that URL as the issuer",
                excerpt(other)
            ));
        }
        Ok(Self {
            http,
            endpoints,
            client_id: client_id.to_owned(),
            scope,
        })
    }

    /// Gets a token.
    pub(crate) async fn grant(&self, grant: Grant<'_>) -> Result<Tokens, OidcError> {
        let mut form = Vec::new();
        match grant {
            Grant::Password { username, password } => form.extend([
                ("grant_type", "password"),
                ("username", username),
                ("password", password.expose()),
            ]),
            Grant::Exchange { token, connector } => {
                form.extend([
                    (
                        "grant_type",
                        "urn:ietf:params:oauth:grant-type:token-exchange",
                    ),
                    (
                        "requested_token_type",
                        "urn:ietf:params:oauth:token-type:access_token",
                    ),
                    (
                        "subject_token_type",
                        "urn:ietf:params:oauth:token-type:id_token",
                    ),
                    ("subject_token", token.expose()),
                ]);
                form.extend(connector.map(|connector| ("connector_id", connector)));
            }
            Grant::Refresh(token) => form.extend([
                ("grant_type", "refresh_token"),
                ("refresh_token", token.expose().as_str()),
            ]),
        }
        form.push(("scope", &self.scope));
        self.tokens(form).await
    }

    /// Asks for tokens with a form of one's own.
    pub(super) async fn tokens<'a>(
        &'a self,
        mut form: Vec<(&'a str, &'a str)>,
    ) -> Result<Tokens, OidcError> {
        form.push(("client_id", &self.client_id));
        let answer = self.http.post(self.token_endpoint(), &form).await?;
        self.read(&answer)
    }

    pub(super) fn token_endpoint(&self) -> &str {
        &self.endpoints.token_endpoint
    }

    fn read(&self, answer: &Answer) -> Result<Tokens, OidcError> {
        if let Ok(refusal) = answer.json::<Refusal>() {
            return Err(OidcError::Refused(refusal.sentence(": ")));
        }
        let url = self.endpoints.token_endpoint.clone();
        if !answer.status.is_success() {
            return Err(OidcError::Status {
                url,
                status: answer.status.as_u16(),
                text: answer.text(),
            });
        }
        // What is wrong with it may stand beside a token.
        answer.json().map_err(|_| OidcError::Answer {
            url,
            why: "there is no `access_token` in it".to_owned(),
        })
    }
}

// === impl Refusal ===

impl Refusal {
    /// The code, and the reason if there is one.
    pub(super) fn sentence(&self, between: &str) -> String {
        let code = excerpt(&self.error);
        match self.error_description.as_deref() {
            None | Some("") => code,
            Some(description) => format!("{code}{between}{}", excerpt(description)),
        }
    }
}
