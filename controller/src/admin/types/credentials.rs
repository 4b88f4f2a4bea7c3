//! Tokens, the administrators who have them, and the keys that sign them.

use serde::{Deserialize, Serialize};

/// A token to be issued.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// How long it is valid, as `8760h`; else as configured.
    #[serde(default)]
    pub lifetime: Option<String>,
    /// Whether earlier tokens of the same owner end.
    #[serde(default)]
    pub rotate: bool,
    /// How long those stay valid, as `10m`; else as configured.
    #[serde(default)]
    pub grace: Option<String>,
}

/// A new token, with all that a configuration file needs. It is never shown again.
#[derive(Clone, Serialize, Deserialize)]
pub struct IssuedToken {
    /// The namespace of its owner.
    pub namespace: String,
    /// The name of its owner.
    pub name: String,
    /// The endpoint of the controller, `host:port`.
    pub endpoint: String,
    /// The certificates to trust, as base64 of PEM; empty for those of the system.
    pub ca: String,
    /// The `jti` of the token.
    pub id: String,
    /// RFC 3339.
    pub expires: String,
    /// The token itself, a secret.
    pub token: String,
}

/// A token that was issued, without the secret. All times are RFC 3339.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenView {
    /// Its `jti`.
    pub id: String,
    pub issued: String,
    /// When it ends, unless it is revoked before.
    pub expires: String,
    /// From when on it is revoked.
    pub revoked: Option<String>,
    /// Whether it is valid now.
    pub good: bool,
}

/// The answer to revoking tokens.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Revoked {
    /// How many were revoked.
    pub revoked: usize,
}

/// An administrator, as shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserView {
    pub name: String,
    pub tokens: Vec<TokenView>,
}

/// An administrator to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    pub name: String,
    /// How long the first token is valid, as `8760h`; else as configured.
    #[serde(default)]
    pub lifetime: Option<String>,
}

/// A key of ours that signs or verifies tokens, or an imported one of another installation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyView {
    /// The `kid` of its tokens, or the name of an imported one.
    pub id: String,
    /// Whether new tokens are signed with it.
    pub signs: bool,
    /// The issuer of another installation whose tokens it verifies.
    pub issuer: Option<String>,
}

/// The public key of another installation, whose tokens become valid here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedKey {
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// PEM, or the JSON that its `/jwks` answers.
    pub public_key: String,
}

// === impl IssuedToken ===

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken")
            .field("name", &self.name)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
