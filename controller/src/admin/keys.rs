//! The keys that sign tokens, and those of other installations.

use axum::extract::{Path, State};
use axum::{Extension, Json};

use super::Api;
use super::actor::Actor;
use super::error::{Outcome, Refusal};
use super::types::{ImportedKey, KeyView};
use crate::identity::{Import, KeyState, Keys, KeysError};
use crate::model::Key;

fn view(key: KeyState) -> KeyView {
    KeyView {
        id: key.id,
        signs: key.signs,
        issuer: key.issuer,
    }
}

/// Changes keys on a blocking thread, since they are files.
async fn change<T: Send + 'static>(
    api: &Api,
    change: impl FnOnce(&Keys) -> Result<T, KeysError> + Send + 'static,
) -> Result<T, Refusal> {
    let keys = api.0.tokens.keys().clone();
    match tokio::task::spawn_blocking(move || change(&keys)).await {
        Ok(changed) => Ok(changed?),
        Err(error) => Err(Refusal::internal(error.to_string())),
    }
}

// === impl Api ===

impl Api {
    /// Adds an event about a key to the audit log. Keys have no namespace; the log has the default one.
    async fn note_key(&self, actor: &str, what: &'static str, id: &str) -> Result<(), Refusal> {
        let key = Key::new(&self.config().namespace, id);
        Ok(self.0.lab.note(actor, what, ("key", key), "").await?)
    }
}

pub(super) async fn list(State(api): State<Api>) -> Json<Vec<KeyView>> {
    let all = api.0.tokens.keys().list();
    Json(all.into_iter().map(view).collect())
}

pub(super) async fn rotate(
    State(api): State<Api>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<KeyView> {
    let id = change(&api, Keys::rotate).await?;
    api.note_key(&actor, "KeyRotated", &id).await?;
    Ok(Json(KeyView {
        id,
        signs: true,
        issuer: None,
    }))
}

pub(super) async fn forget(
    State(api): State<Api>,
    Path(id): Path<String>,
    Extension(Actor(actor)): Extension<Actor>,
) -> Outcome<()> {
    let known = api.0.tokens.keys().list();
    let key = known.into_iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| Refusal::not_found("keys", &id))?;
    change(&api, move |keys| match key.issuer {
        Some(_) => keys.forget_import(&key.id).map(drop),
        None => keys.forget(&key.id),
    })
    .await?;
    api.note_key(&actor, "KeyForgotten", &id).await?;
    Ok(Json(()))
}

pub(super) async fn import(
    State(api): State<Api>,
    Path(name): Path<String>,
    Extension(Actor(actor)): Extension<Actor>,
    Json(body): Json<ImportedKey>,
) -> Outcome<KeyView> {
    let known = KeyView {
        id: name.clone(),
        signs: false,
        issuer: Some(body.issuer.clone()),
    };
    let import = Import {
        name: name.clone(),
        issuer: body.issuer,
        audience: body.audience,
        public_key: body.public_key,
    };
    change(&api, move |keys| keys.import(import)).await?;
    api.note_key(&actor, "KeyImported", &name).await?;
    Ok(Json(known))
}
