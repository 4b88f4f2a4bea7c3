//! Administrators, who exist only through their tokens.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::Api;
use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::tokens::view;
use super::types::{IssuedToken, NewUser, Revoked, UserView};
use crate::model::{Credential, Key, Time, Uid, validate};

pub(super) async fn list(State(api): State<Api>) -> Json<Vec<UserView>> {
    let mut users: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for credential in api.0.lab.administrators() {
        users
            .entry(credential.label.clone())
            .or_default()
            .push(view(&credential));
    }
    let users = users
        .into_iter()
        .map(|(name, tokens)| UserView { name, tokens });
    Json(users.collect())
}

pub(super) async fn create(
    State(api): State<Api>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<NewUser>,
) -> Outcome<IssuedToken> {
    validate::name("users", &body.name).map_err(Refusal::invalid)?;
    let lifetime = api.lifetime(body.lifetime.as_deref())?;
    // A further token of the same name belongs to the same administrator.
    let owner = good(&api, &body.name)
        .first()
        .map_or_else(Uid::random, |old| old.owner);
    let key = Key::new(&api.config().namespace, &body.name);
    let (token, credential) = api.0.tokens.for_admin(key.clone(), owner, lifetime)?;
    let issued = api.issued(&key, &token, &credential);
    api.0
        .lab
        .keep_credential(credential, key, None, &actor)
        .await?;
    Ok(Json(issued))
}

pub(super) async fn delete(
    State(api): State<Api>,
    Path(name): Path<String>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<Revoked> {
    let mut owners: Vec<Uid> = good(&api, &name).iter().map(|token| token.owner).collect();
    owners.sort();
    owners.dedup();
    if owners.is_empty() {
        return Err(Refusal::not_found("users", &name));
    }
    let mut revoked = 0;
    for owner in owners {
        let key = Key::new(&api.config().namespace, &name);
        revoked += api
            .0
            .lab
            .revoke_credentials(owner, None, key, &actor)
            .await?;
    }
    Ok(Json(Revoked { revoked }))
}

fn good(api: &Api, name: &str) -> Vec<std::sync::Arc<Credential>> {
    let mut all = api.0.lab.administrators();
    let now = Time::now();
    all.retain(|credential| credential.label == name && credential.is_good(now));
    all
}
