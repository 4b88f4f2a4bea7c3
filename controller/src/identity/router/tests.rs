//! Router tokens, good and bad.

#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use serde_json::{Value, json};
use tonic::Code;

use super::*;
use crate::identity::TokenError;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn tokens() -> RouterTokens {
    RouterTokens::with_key(&Secret::new(SECRET.to_owned())).unwrap()
}

fn lease() -> Key {
    Key::new("lab", "lease-1")
}

/// A token as other controllers sign it.
fn claims() -> Value {
    let now = Time::now().0 / 1_000_000;
    json!({
        "iss": ISSUER,
        "aud": [AUDIENCE],
        "sub": "c56a4180-65aa-42ec-a945-5fd21dec0538",
        "jti": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "iat": now, "nbf": now, "exp": now + 1800,
    })
}

fn sign(claims: &Value, algorithm: Algorithm, name: &str) -> Secret<String> {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!(
        "{}.{}",
        encode(&json!({"alg": name, "typ": "JWT"})),
        encode(claims)
    );
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    Secret::new(format!("{message}.{signature}"))
}

#[test]
fn a_pair_is_two_sides_of_one_stream() {
    let tokens = tokens();
    let pair = tokens.pair(&lease()).unwrap();
    let client = tokens.verify(&pair.client).unwrap();
    let exporter = tokens.verify(&pair.exporter).unwrap();
    assert_ne!(pair.client.expose(), pair.exporter.expose());
    assert_eq!((client.stream, exporter.stream), (pair.stream, pair.stream));
    assert_eq!(client.side, Some(Side::Client));
    assert_eq!(exporter.side, Some(Side::Exporter));
    assert_eq!(
        (client.lease, exporter.lease),
        (Some(lease()), Some(lease()))
    );
    assert_ne!(tokens.pair(&lease()).unwrap().stream, pair.stream);
}

#[test]
fn tokens_of_other_controllers_fit_both_sides() {
    for (algorithm, name) in [
        (Algorithm::HS256, "HS256"),
        (Algorithm::HS384, "HS384"),
        (Algorithm::HS512, "HS512"),
    ] {
        let said = tokens().verify(&sign(&claims(), algorithm, name)).unwrap();
        assert_eq!((said.side, said.lease), (None, None));
        assert_eq!(
            said.stream.to_string(),
            "c56a4180-65aa-42ec-a945-5fd21dec0538"
        );
    }
}

#[test]
fn a_token_opens_streams_for_half_an_hour() {
    let tokens = tokens();
    let token = tokens.pair(&lease()).unwrap().client;
    let at = |minutes: u64| {
        let then = Time::now().after(Duration::from_secs(minutes * 60));
        tokens.verify_at(&token, then)
    };
    assert!(at(29).is_ok());
    assert!(matches!(
        at(31),
        Err(RouterTokenError::Token(TokenError::Ended(_)))
    ));
    let earlier = |seconds: u64| {
        let then = Time::now().before(Duration::from_secs(seconds));
        tokens.verify_at(&token, then)
    };
    // The clock was set back a little, or a lot.
    assert!(earlier(30).is_ok());
    assert!(earlier(600).is_err());
}

#[test]
fn whatever_is_wrong_peers_hear_the_same() {
    let good = sign(&claims(), Algorithm::HS256, "HS256");
    assert!(tokens().verify(&good).is_ok());
    let mut bad = Vec::new();
    for (claim, value) in [
        ("iss", json!("https://mallory.example")),
        ("aud", json!(["https://mallory.example"])),
        ("aud", Value::Null),
        ("exp", json!(1)),
        ("exp", Value::Null),
        ("nbf", json!(Time::now().0 / 1_000_000 + 600)),
        ("iat", json!(Time::now().0 / 1_000_000 + 600)),
        ("sub", json!("")),
        ("sub", json!("not-a-uuid")),
        ("side", json!("router")),
    ] {
        let mut claims = claims();
        claims[claim] = value;
        bad.push(sign(&claims, Algorithm::HS256, "HS256"));
    }
    bad.push(sign(&claims(), Algorithm::HS256, "none"));
    bad.push(sign(&claims(), Algorithm::HS256, "ES256"));
    bad.push(Secret::new("x".to_owned()));
    let other = RouterTokens::with_key(&Secret::new("another".repeat(5))).unwrap();
    bad.push(other.pair(&lease()).unwrap().client);
    for token in bad {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {}", token.expose());
        headers.insert("authorization", value.parse().unwrap());
        let status = tokens()
            .authenticate(&headers, Peer::default())
            .unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.message(), "invalid jwt token", "{}", token.expose());
    }
    let status = tokens()
        .authenticate(&HeaderMap::new(), Peer::default())
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(
        status
            .message()
            .starts_with("missing or invalid authorization: ")
    );
}

#[test]
fn the_key_is_made_once_and_is_text_for_other_routers() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("keys/router.key");
    let token = RouterTokens::open(&path)
        .unwrap()
        .pair(&lease())
        .unwrap()
        .client;
    assert!(RouterTokens::open(&path).unwrap().verify(&token).is_ok());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.trim().len(), 64);
    let elsewhere = RouterTokens::with_key(&Secret::new(text)).unwrap();
    assert!(elsewhere.verify(&token).is_ok());
    assert!(tokens().verify(&token).is_err());
}

#[test]
fn a_key_that_can_be_guessed_is_refused() {
    let key = |length| RouterTokens::with_key(&Secret::new("k".repeat(length)));
    assert!(matches!(key(1), Err(KeysError::ShortRouterKey(1))));
    assert!(matches!(key(15), Err(KeysError::ShortRouterKey(15))));
    assert!(key(16).is_ok());
}

#[test]
fn an_empty_key_is_refused() {
    for empty in ["", " \n"] {
        let refused = RouterTokens::with_key(&Secret::new(empty.to_owned()));
        assert!(matches!(refused, Err(KeysError::EmptyRouterKey)));
    }
}
