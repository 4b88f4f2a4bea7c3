//! Tokens of an identity provider, accepted and refused.

use std::time::Duration;

use jumpstarter_client::Secret;
use serde_json::{Value, json};

use super::{Provider, Signer};
use crate::identity::issuers::{AudienceMatch, ClaimRule, Issuers, JwtConfig, Verdict};
use crate::identity::jws::Jws;
use crate::identity::{TokenError, public_key::ALGORITHMS};
use crate::model::Time;

fn of(config: JwtConfig) -> Issuers {
    Issuers::new(&[config], &["https://localhost:8085"]).unwrap()
}

async fn verdict(issuers: &Issuers, token: &Secret<String>) -> Verdict {
    issuers.verify(&Jws::parse(token.expose()).unwrap()).await
}

async fn user(issuers: &Issuers, token: &Secret<String>) -> String {
    match verdict(issuers, token).await {
        Verdict::Accepts(username) => username,
        other => panic!("{other:?}"),
    }
}

async fn refusal(issuers: &Issuers, token: &Secret<String>) -> TokenError {
    match verdict(issuers, token).await {
        Verdict::Refuses(error) => error,
        other => panic!("{other:?}"),
    }
}

fn now() -> i64 {
    Time::now().0 / 1_000_000
}

/// Advances the runtime's clock without waiting; sockets do not notice.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn users_come_with_tokens_of_every_algorithm() {
    let signers: Vec<_> = ALGORITHMS
        .iter()
        .map(|name| Signer::new(name, name))
        .collect();
    let provider = Provider::new(&signers.iter().collect::<Vec<_>>()).await;
    let issuers = of(provider.config("name", "dex:"));
    assert_eq!(provider.site().fetched, 0);
    for signer in &signers {
        let token = signer.sign(&provider.claims("alice"));
        assert_eq!(
            user(&issuers, &token).await,
            "dex:alice",
            "{}",
            signer.algorithm
        );
    }
    assert_eq!(provider.site().fetched, 1);
    let nameless = Signer::new("x", "ES256").nameless();
    let nameless_provider = Provider::new(&[&nameless]).await;
    let issuers = of(nameless_provider.config("name", ""));
    let token = nameless.sign(&nameless_provider.claims("alice"));
    assert_eq!(user(&issuers, &token).await, "alice");
}

#[tokio::test]
async fn tokens_of_others_are_for_others() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let issuers = of(provider.config("name", "dex:"));
    let mut claims = provider.claims("alice");
    for issuer in [
        json!("https://mallory.example"),
        json!(""),
        json!(7),
        Value::Null,
    ] {
        claims["iss"] = issuer;
        let told = verdict(&issuers, &signer.sign(&claims)).await;
        assert!(matches!(told, Verdict::Abstains), "{told:?}");
    }
    // A slash more is another issuer.
    claims["iss"] = json!(format!("{}/", provider.url));
    assert!(matches!(
        verdict(&issuers, &signer.sign(&claims)).await,
        Verdict::Abstains
    ));
    assert_eq!(provider.site().fetched, 0);
}

#[tokio::test]
async fn everything_about_a_token_counts() {
    let signer = Signer::new("a", "RS256");
    let provider = Provider::new(&[&signer]).await;
    let issuers = of(provider.config("name", "dex:"));
    let with = |claim: &str, value: Value| {
        let mut claims = provider.claims("alice");
        claims[claim] = value;
        signer.sign(&claims)
    };
    assert_eq!(
        user(&issuers, &with("nbf", json!(now() + 200))).await,
        "dex:alice"
    );
    let early = refusal(&issuers, &with("nbf", json!(now() + 400))).await;
    assert!(matches!(early, TokenError::Early(_)));
    let old = refusal(&issuers, &with("exp", json!(now() - 1))).await;
    assert!(old.to_string().contains("token is expired"));
    let other = refusal(&issuers, &with("aud", json!("other"))).await;
    assert!(matches!(other, TokenError::Audience { .. }));
    for name in [Value::Null, json!(7), json!(["alice"]), json!("")] {
        let unnamed = refusal(&issuers, &with("name", name)).await;
        assert_eq!(unnamed, TokenError::Claim("name".to_owned()));
    }
    // Signed with another key of the same name; and with a shared secret, or not at all.
    let forged = Signer::new("a", "RS256").sign(&provider.claims("alice"));
    assert_eq!(refusal(&issuers, &forged).await, TokenError::Signature);
    let other_kind = Signer::new("a", "ES256").sign(&provider.claims("alice"));
    assert_eq!(refusal(&issuers, &other_kind).await, TokenError::Signature);
    let token = signer.sign(&provider.claims("alice")).into_exposed();
    let (_, rest) = token.split_once('.').unwrap();
    for (header, rest) in [
        // {"alg":"none"}, {"alg":"HS256"}, {"alg":"EdDSA"}
        ("eyJhbGciOiJub25lIn0", rest),
        ("eyJhbGciOiJIUzI1NiJ9", rest),
        ("eyJhbGciOiJFZERTQSJ9", rest),
    ] {
        let token = Secret::new(format!("{header}.{rest}"));
        assert_eq!(refusal(&issuers, &token).await, TokenError::Algorithm);
    }
}

#[tokio::test]
async fn an_email_must_not_be_unverified() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let issuers = of(provider.config("email", "dex:"));
    let mut claims = provider.claims("alice");
    claims["email"] = json!("alice@example.com");
    let good = "dex:alice@example.com";
    assert_eq!(user(&issuers, &signer.sign(&claims)).await, good);
    claims["email_verified"] = json!(true);
    assert_eq!(user(&issuers, &signer.sign(&claims)).await, good);
    for wrong in [json!(false), json!("true"), Value::Null] {
        claims["email_verified"] = wrong;
        assert_eq!(
            refusal(&issuers, &signer.sign(&claims)).await,
            TokenError::Unverified
        );
    }
}

#[tokio::test]
async fn claims_may_be_required() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let mut config = provider.config("name", "dex:");
    config.issuer.audiences.push("lab".to_owned());
    config.issuer.audience_match_policy = Some(AudienceMatch::MatchAny);
    config.claim_validation_rules = vec![ClaimRule {
        claim: Some("hd".to_owned()),
        required_value: Some("example.com".to_owned()),
        ..ClaimRule::default()
    }];
    let issuers = of(config);
    let mut claims = provider.claims("alice");
    claims["aud"] = json!("lab");
    assert_eq!(
        refusal(&issuers, &signer.sign(&claims)).await,
        TokenError::Rule("hd".into())
    );
    claims["hd"] = json!("example.com");
    assert_eq!(user(&issuers, &signer.sign(&claims)).await, "dex:alice");
}

#[tokio::test]
async fn a_provider_that_is_down_is_tried_again() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    provider.site().down = true;
    let issuers = of(provider.config("name", "dex:"));
    let token = signer.sign(&provider.claims("alice"));
    assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
    provider.site().down = false;
    assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
    pass(11).await;
    let mut told = refusal_or_user(&issuers, &token).await;
    while told == "oidc: authenticator not initialized" {
        tokio::task::yield_now().await;
        told = refusal_or_user(&issuers, &token).await;
    }
    assert_eq!(told, "dex:alice");
}

async fn refusal_or_user(issuers: &Issuers, token: &Secret<String>) -> String {
    match verdict(issuers, token).await {
        Verdict::Accepts(username) => username,
        Verdict::Refuses(error) => error.to_string(),
        Verdict::Abstains => "abstains".to_owned(),
    }
}

#[tokio::test]
async fn keys_that_change_are_fetched_again_but_not_for_every_forgery() {
    let (first, second) = (Signer::new("a", "ES256"), Signer::new("b", "ES256"));
    let provider = Provider::new(&[&first]).await;
    let issuers = of(provider.config("name", "dex:"));
    let old = first.sign(&provider.claims("alice"));
    let new = second.sign(&provider.claims("alice"));
    assert_eq!(user(&issuers, &old).await, "dex:alice");
    provider.site().keys = vec![second.published()];
    for _ in 0..50 {
        assert_eq!(refusal(&issuers, &new).await, TokenError::Signature);
    }
    assert_eq!(provider.site().fetched, 1);
    pass(11).await;
    let many = (0..50).map(|_| user(&issuers, &new));
    futures_util::future::join_all(many).await;
    assert_eq!(provider.site().fetched, 2);
    // What the provider withdrew is no longer good.
    assert_eq!(refusal(&issuers, &old).await, TokenError::Signature);
    // While it is away, what was known goes on working.
    provider.site().down = true;
    pass(11).await;
    assert_eq!(refusal(&issuers, &old).await, TokenError::Signature);
    assert_eq!(user(&issuers, &new).await, "dex:alice");
}

#[tokio::test]
async fn the_first_callers_wait_for_the_same_fetch() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let issuers = of(provider.config("name", "dex:"));
    let token = signer.sign(&provider.claims("alice"));
    let many = (0..50).map(|_| user(&issuers, &token));
    let users = futures_util::future::join_all(many).await;
    assert!(users.iter().all(|user| user == "dex:alice"));
    assert_eq!(provider.site().fetched, 1);
}

#[tokio::test]
async fn the_document_must_be_that_of_the_issuer() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    provider.site().issuer = "https://mallory.example".to_owned();
    let issuers = of(provider.config("name", "dex:"));
    let token = signer.sign(&provider.claims("alice"));
    assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
}

#[tokio::test]
async fn documents_may_have_moved() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    provider.site().moved = true;
    let token = signer.sign(&provider.claims("alice"));
    assert_eq!(
        user(&of(provider.config("name", "dex:")), &token).await,
        "dex:alice"
    );
    let mut config = provider.config("name", "dex:");
    let elsewhere = provider.url.replace("/dex", "/elsewhere");
    config.issuer.discovery_url = Some(elsewhere);
    assert_eq!(user(&of(config), &token).await, "dex:alice");
}

#[tokio::test]
async fn providers_that_misbehave_are_not_ready() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let token = signer.sign(&provider.claims("alice"));
    let keys = signer.published();
    for nonsense in [
        String::new(),
        "[".repeat(100_000),
        json!({"keys": []}).to_string(),
        json!({"keys": [7, null, {"kty": "oct", "k": "AAAA"}]}).to_string(),
        // What is good about it comes after more than anybody reads.
        json!({"padding": "x".repeat(2_000_000), "keys": [keys]}).to_string(),
    ] {
        provider.site().nonsense = Some(nonsense);
        let issuers = of(provider.config("name", "dex:"));
        assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
    }
    provider.site().nonsense = None;
    provider.site().circling = true;
    provider.site().moved = true;
    let issuers = of(provider.config("name", "dex:"));
    assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
    provider.site().circling = false;
    assert_eq!(
        user(&of(provider.config("name", "dex:")), &token).await,
        "dex:alice"
    );
}

#[tokio::test]
async fn a_silent_provider_is_given_up() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    provider.site().silent = true;
    let issuers = of(provider.config("name", "dex:"));
    let token = signer.sign(&provider.claims("alice"));
    tokio::time::pause();
    assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
}

#[tokio::test]
async fn the_authority_may_be_a_file_that_changes() {
    let signer = Signer::new("a", "ES256");
    let (provider, other) = (Provider::new(&[&signer]).await, Provider::new(&[]).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &other.ca).unwrap();
    let mut config = provider.config("name", "dex:");
    config.issuer.certificate_authority = Some(file.to_str().unwrap().to_owned());
    let issuers = of(config);
    let token = signer.sign(&provider.claims("alice"));
    assert_eq!(refusal(&issuers, &token).await, TokenError::NotReady);
    std::fs::write(&file, &provider.ca).unwrap();
    pass(11).await;
    while refusal_or_user(&issuers, &token).await != "dex:alice" {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn keys_for_other_things_do_not_sign() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let token = signer.sign(&provider.claims("alice"));
    for (field, value) in [
        ("use", "enc"),
        ("alg", "ES384"),
        ("kty", "oct"),
        ("crv", "P-384"),
    ] {
        let mut key = signer.published();
        key[field] = json!(value);
        provider.site().keys = vec![key, Signer::new("b", "ES256").published()];
        let issuers = of(provider.config("name", "dex:"));
        assert_eq!(
            refusal(&issuers, &token).await,
            TokenError::Signature,
            "{field}"
        );
    }
}

#[tokio::test]
async fn providers_can_be_replaced_while_others_call() {
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let issuers = of(provider.config("name", "dex:"));
    let token = signer.sign(&provider.claims("alice"));
    assert_eq!(user(&issuers, &token).await, "dex:alice");
    issuers
        .replace(&[provider.config("name", "corp:")], &[])
        .unwrap();
    assert_eq!(user(&issuers, &token).await, "corp:alice");
    let mut wrong = provider.config("name", "x:");
    wrong.issuer.audiences.clear();
    assert!(issuers.replace(&[wrong], &[]).is_err());
    assert_eq!(user(&issuers, &token).await, "corp:alice");
    issuers.replace(&[], &[]).unwrap();
    assert!(matches!(verdict(&issuers, &token).await, Verdict::Abstains));
}
