//! Tokens of clients and exporters.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jumpstarter_client::Secret;

use super::Api;
use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::objects::time;
use super::types::{IssuedToken, NewToken, Revoked, TokenView};
use crate::config::duration;
use crate::model::{Credential, Key, Time, Uid};

// === impl Api ===

impl Api {
    /// The certificates to trust, as in configuration files: base64 of PEM.
    pub(super) fn ca(&self) -> String {
        match self.0.ca.pem().as_str() {
            "" => String::new(),
            pem => STANDARD.encode(pem),
        }
    }

    fn owner(&self, kind: &str, key: &Key) -> Result<Uid, Refusal> {
        let lab = &self.0.lab;
        match kind {
            "clients" => {
                let client = lab.client(key);
                let client = client.ok_or_else(|| Refusal::not_found("clients", &key.name))?;
                Ok(client.uid)
            }
            "exporters" => {
                let exporter = lab.exporter(key);
                let exporter =
                    exporter.ok_or_else(|| Refusal::not_found("exporters", &key.name))?;
                Ok(exporter.uid)
            }
            _ => Err(Refusal::invalid("tokens belong to clients and exporters")),
        }
    }

    pub(super) fn issued(
        &self,
        key: &Key,
        token: &Secret<String>,
        credential: &Credential,
    ) -> IssuedToken {
        IssuedToken {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            endpoint: self.config().public.grpc.clone(),
            ca: self.ca(),
            id: credential.jti.clone(),
            expires: time(credential.expires),
            token: token.expose().clone(),
        }
    }

    /// The lifetime in the request, else the configured one.
    pub(super) fn lifetime(&self, said: Option<&str>) -> Result<Duration, Refusal> {
        let lifetime = span(said)?.unwrap_or(self.config().token_lifetime);
        if lifetime.is_zero() {
            return Err(Refusal::invalid(
                "the lifetime of a token must be greater than 0",
            ));
        }
        Ok(lifetime)
    }
}

/// Reads an optional duration of a request.
pub(super) fn span(said: Option<&str>) -> Result<Option<Duration>, Refusal> {
    said.map(|text| {
        duration::parse(text).ok_or_else(|| {
            Refusal::invalid(format!("`{text}` is no duration; write it as `1h30m`"))
        })
    })
    .transpose()
}

pub(super) fn view(credential: &Credential) -> TokenView {
    TokenView {
        id: credential.jti.clone(),
        issued: time(credential.issued),
        expires: time(credential.expires),
        revoked: credential.revoked.map(time),
        good: credential.is_good(Time::now()),
    }
}

pub(super) async fn list(
    State(api): State<Api>,
    Path((namespace, kind, name)): Path<(String, String, String)>,
) -> Outcome<Vec<TokenView>> {
    let owner = api.owner(&kind, &Key::new(namespace, name))?;
    let all = api.0.lab.credentials(owner);
    Ok(Json(
        all.iter().map(|credential| view(credential)).collect(),
    ))
}

pub(super) async fn issue(
    State(api): State<Api>,
    Path((namespace, kind, name)): Path<(String, String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<NewToken>,
) -> Outcome<IssuedToken> {
    let key = Key::new(namespace, name);
    let lifetime = api.lifetime(body.lifetime.as_deref())?;
    let grace = span(body.grace.as_deref())?.unwrap_or(api.config().rotation_grace);
    let grace = body.rotate.then_some(grace);
    let missing = || Refusal::not_found("objects", &key.name);
    api.owner(&kind, &key)?;
    let (lab, tokens) = (&api.0.lab, &api.0.tokens);
    let (token, credential) = match kind.as_str() {
        "clients" => tokens.for_client(&*lab.client(&key).ok_or_else(missing)?, lifetime)?,
        _ => tokens.for_exporter(&*lab.exporter(&key).ok_or_else(missing)?, lifetime)?,
    };
    let issued = api.issued(&key, &token, &credential);
    lab.keep_credential(credential, key, grace, &actor).await?;
    Ok(Json(issued))
}

pub(super) async fn revoke_all(
    State(api): State<Api>,
    Path((namespace, kind, name)): Path<(String, String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<Revoked> {
    let key = Key::new(namespace, name);
    let owner = api.owner(&kind, &key)?;
    let revoked = api
        .0
        .lab
        .revoke_credentials(owner, None, key, &actor)
        .await?;
    Ok(Json(Revoked { revoked }))
}

pub(super) async fn revoke(
    State(api): State<Api>,
    Path((namespace, kind, name, id)): Path<(String, String, String, String)>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<Revoked> {
    let key = Key::new(namespace, name);
    let owner = api.owner(&kind, &key)?;
    let lab = &api.0.lab;
    let revoked = lab
        .revoke_credentials(owner, Some(id.clone()), key, &actor)
        .await?;
    if revoked == 0 {
        return Err(Refusal::not_found("tokens", &id));
    }
    Ok(Json(Revoked { revoked }))
}
