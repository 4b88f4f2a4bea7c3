//! Tokens: shaped like those of the real controller, because clients look into them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// The token of a client or an exporter; good for a year.
pub(super) fn identity(kind: &str, namespace: &str, name: &str) -> String {
    let subject = format!("{kind}:{namespace}:{name}:{}", Uuid::new_v4());
    jwt(
        "https://localhost:8085",
        "jumpstarter",
        &subject,
        365 * 86_400,
    )
}

/// The token with which both ends of a tunnel come to the router.
pub(super) fn router(stream: Uuid) -> String {
    let (issuer, audience) = (
        "https://jumpstarter.dev/stream",
        "https://jumpstarter.dev/router",
    );
    jwt(issuer, audience, &stream.to_string(), 1_800)
}

fn jwt(issuer: &str, audience: &str, subject: &str, seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("it is after 1970").as_secs();
    let head = serde_json::json!({"alg": "ES256", "typ": "JWT"});
    let claims = serde_json::json!({
        "iss": issuer, "aud": [audience], "sub": subject, "jti": Uuid::new_v4().to_string(),
        "iat": now, "nbf": now, "exp": now + seconds,
    });
    // Nobody but us checks the signature, and we compare whole tokens.
    let parts = [head.to_string(), claims.to_string(), Uuid::new_v4().into()];
    parts.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}
