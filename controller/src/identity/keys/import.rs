//! Public keys of another installation, so that its tokens go on working here.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::identity::public_key::{Jwk, PublicKey};
use crate::identity::{KeysError, files};
use crate::model::validate;

/// The extension of the files.
const ENDING: &str = "json";

/// The public key of another installation, and which tokens it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The name it has here.
    pub name: String,
    /// The `iss` of its tokens; the reference's is `https://localhost:8085`.
    pub issuer: String,
    /// The `aud` of its tokens; the reference's is `jumpstarter`.
    pub audience: String,
    /// A public key as PEM, or the JSON that its `/jwks` answers.
    pub public_key: String,
}

/// Verifies the tokens of another installation. Those have no ids here, so they end by expiry, or all
/// together when this is deleted.
#[derive(Debug)]
pub(in crate::identity) struct Imported {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(in crate::identity) audience: Vec<String>,
    pub(in crate::identity) keys: Vec<PublicKey>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join("imported").join(format!("{name}.{ENDING}"))
}

pub(super) fn remove(folder: &Path, name: &str) -> Result<(), KeysError> {
    Ok(files::remove(&path(folder, name))?)
}

fn keys(text: &str) -> Result<Vec<PublicKey>, &'static str> {
    if text.contains("-----BEGIN") {
        let key = PublicKey::from_pem(text);
        return key.map(|key| vec![key]).ok_or(
            "the PEM text is not a public key on P-256; it should contain `-----BEGIN PUBLIC KEY-----`",
        );
    }
    let set: KeySet = serde_json::from_str(text)
        .map_err(|_| "the public key is neither PEM nor a JSON object with `keys`")?;
    let known = set.keys.into_iter().filter_map(|key| {
        let key: Jwk = serde_json::from_value(key).ok()?;
        key.key()
    });
    let keys: Vec<_> = known.collect();
    if keys.is_empty() {
        return Err("there is no public key for signatures in it");
    }
    Ok(keys)
}

// === impl Imported ===

impl Imported {
    /// Checks an import and writes its file.
    pub(super) fn store(folder: &Path, import: Import) -> Result<Self, KeysError> {
        let wrong = |why: String| KeysError::Import {
            name: import.name.clone(),
            why,
        };
        validate::name("keys", &import.name).map_err(&wrong)?;
        let imported = Self::of(&import).map_err(|why| wrong(why.to_owned()))?;
        let text =
            serde_json::to_string_pretty(&import).map_err(|error| wrong(error.to_string()))?;
        files::folder(&folder.join("imported"))?;
        files::write(&path(folder, &import.name), &text)?;
        Ok(imported)
    }

    /// Reads all imports of a folder.
    pub(super) fn read_all(folder: &Path) -> Result<Vec<Self>, KeysError> {
        let mut all = Vec::new();
        for name in files::names(&folder.join("imported"), ENDING)? {
            let path = path(folder, &name);
            let damaged = |why: String| KeysError::Damaged {
                path: path.clone(),
                what: "imported key",
                why,
            };
            let Some(text) = files::read(&path)? else {
                continue;
            };
            let import = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
            all.push(Self::of(&import).map_err(|why| damaged(why.to_owned()))?);
        }
        Ok(all)
    }

    fn of(import: &Import) -> Result<Self, &'static str> {
        if import.issuer.is_empty() || import.audience.is_empty() {
            return Err("issuer and audience must not be empty");
        }
        Ok(Self {
            name: import.name.clone(),
            issuer: import.issuer.clone(),
            audience: vec![import.audience.clone()],
            keys: keys(&import.public_key)?,
        })
    }
}
