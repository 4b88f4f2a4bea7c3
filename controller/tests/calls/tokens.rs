//! Tokens, each bad in its own way, and how they are replaced.

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tonic::Code::{self, Unknown};

use crate::lab::Lab;
use crate::methods::{dial, list_exporters, of_exporters, rotate};
use crate::people::{Mint, Who, sign};

/// Tokens of every bad kind; which of them say that they are over.
fn tokens(lab: &Lab, alice: &Who) -> Vec<(&'static str, String, String)> {
    let mint = Mint::of(lab);
    let claims = alice.claims();
    let but = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        claims
    };
    let now = claims["iat"].as_i64().unwrap();
    let oidc = |text: &str| format!("oidc: verify token: {text}");
    let foreign = "failed to authenticate token".to_owned();
    let unsigned = oidc("failed to verify signature: no key of the issuer matches");
    let algorithm = oidc("oidc: malformed jwt: unexpected signature algorithm");
    let unknown = oidc("token is not known here; ask an administrator for a new one");
    let (head, rest) = alice.token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    // What everybody may know of our key, taken for a secret.
    let public = lab.path("data/ca/ca.pem");
    let shared = EncodingKey::from_secret(&std::fs::read(public).unwrap());
    let none = format!("{}.{body}.", crate::people::encode(&mint.header("none")));
    let upper = format!(
        "{}.{body}.{signature}",
        crate::people::encode(&mint.header("es256"))
    );
    let mut endless = claims.clone();
    endless.as_object_mut().unwrap().remove("exp");
    let mut nobody = claims.clone();
    nobody.as_object_mut().unwrap().remove("sub");
    let router = "https://jumpstarter.dev/router";
    vec![
        ("forged", mint.stranger().sign(&claims), unsigned.clone()),
        (
            "of another issuer",
            mint.sign(&but("iss", json!("https://elsewhere"))),
            foreign.clone(),
        ),
        (
            "of no issuer",
            mint.sign(&but("iss", Value::Null)),
            foreign.clone(),
        ),
        ("unsigned", none, algorithm.clone()),
        ("with a spelling of its own", upper, algorithm.clone()),
        (
            "with our public words as a secret",
            sign(&mint.header("HS256"), &claims, &shared, Algorithm::HS256),
            algorithm.clone(),
        ),
        ("cut", format!("{head}.{body}"), foreign.clone()),
        (
            "cut within the signature",
            format!("{head}.{body}.{}", &signature[..40]),
            unsigned.clone(),
        ),
        (
            "of other words",
            format!(
                "{head}.{}.{signature}",
                crate::people::encode(&but("exp", json!(now + 9_000_000)))
            ),
            unsigned.clone(),
        ),
        (
            "for somebody else",
            mint.sign(&but("aud", json!([router]))),
            oidc(&format!(
                r#"oidc: expected audience ["jumpstarter"] got ["{router}"]"#
            )),
        ),
        (
            "for nobody",
            mint.sign(&but("aud", Value::Null)),
            oidc(r#"oidc: expected audience ["jumpstarter"] got []"#),
        ),
        (
            "without an end",
            mint.sign(&endless),
            oidc("oidc: token has no expiry"),
        ),
        (
            "with a strange end",
            mint.sign(&but("exp", json!("soon"))),
            oidc("claim `exp` is missing or malformed"),
        ),
        (
            "of the future",
            mint.sign(&but("nbf", json!(now + 3600))),
            "oidc: verify token: oidc: current time is before the nbf (not before) time: "
                .to_owned(),
        ),
        (
            "over",
            mint.sign(&but("exp", json!(now - 1))),
            "oidc: verify token: oidc: token is expired (Token Expiry: ".to_owned(),
        ),
        (
            "that we never issued",
            mint.sign(&but("jti", json!("11111111-1111-4111-8111-111111111111"))),
            unknown.clone(),
        ),
        (
            "without id",
            mint.sign(&but("jti", Value::Null)),
            unknown.clone(),
        ),
        (
            "of another incarnation",
            mint.sign(&but(
                "sub",
                json!("client:lab:alice:11111111-1111-4111-8111-111111111111"),
            )),
            unknown.clone(),
        ),
        (
            "of an administrator's sort",
            mint.sign(&but(
                "sub",
                json!(
                    claims["sub"]
                        .as_str()
                        .unwrap()
                        .replacen("client", "admin", 1)
                ),
            )),
            unknown,
        ),
        (
            "without subject",
            mint.sign(&nobody),
            oidc("claim `sub` is missing or malformed"),
        ),
        ("garbage", "x.y.z".to_owned(), foreign.clone()),
        ("a list", "W10.W10.W10".to_owned(), foreign.clone()),
        ("dots", "...".to_owned(), foreign),
    ]
}

#[tokio::test]
async fn a_token_has_to_be_good() {
    let lab = Lab::started();
    let (alice, board) = (lab.who("Client", "alice"), lab.who("Exporter", "board"));
    let line = lab.line().await;
    let mut all = tokens(&lab, &alice);
    let revoked = lab.works(&["token", "issue", "client", "alice"]);
    lab.works(&["token", "revoke", "client", "alice"]);
    let text = "oidc: verify token: token has been revoked; ask an administrator for a new one";
    all.push(("taken back", revoked.trim().to_owned(), text.to_owned()));
    all.push((
        "taken back with the others",
        alice.token.clone(),
        text.to_owned(),
    ));
    for (given, token, text) in &all {
        let (code, told) = line
            .refusal(&alice.with(token), &list_exporters("", 0, ""))
            .await;
        assert_eq!(code, Unknown, "{given}");
        assert!(
            told == *text || text.ends_with(": ") && told.starts_with(text),
            "{given}: {told}"
        );
        let over = told.contains("token is expired");
        assert_eq!(over, *given == "over", "{given}: {told}");
        assert_eq!(
            told.to_lowercase().contains("expired"),
            over,
            "{given}: {told}"
        );
        assert!(!told.contains("alice"), "{given}: {told}");
        // At the exporters' methods, and at the router, it is no better.
        let posing = Who {
            name: "board".to_owned(),
            kind: "Exporter",
            ..alice.clone()
        };
        let (code, _) = line.refusal(&posing.with(token), &of_exporters()[0]).await;
        assert_eq!(code, Unknown, "{given}");
    }
    let fresh = lab.works(&["token", "issue", "client", "alice"]);
    line.ask(&alice.with(fresh.trim()), &list_exporters("", 0, ""))
        .await
        .unwrap();
    line.ask(&board.headers(), &of_exporters()[0])
        .await
        .unwrap();

    // A token that is longer than headers can be ends its own connection at most.
    let own = lab.line().await;
    let long = format!("{}.{}.x", "a".repeat(600_000), "b".repeat(400_000));
    let refused = own.ask(&alice.with(long), &dial("mine")).await.unwrap_err();
    assert_ne!(refused.code(), Code::Ok);
    let within = format!("{}.{}.x", "a".repeat(6_000), "b".repeat(6_000));
    let refused = line.refusal(&alice.with(within), &dial("mine")).await;
    assert_eq!(
        refused,
        (Unknown, "failed to authenticate token".to_owned())
    );
    line.ask(&alice.with(fresh.trim()), &list_exporters("", 0, ""))
        .await
        .unwrap();

    let log = lab.log();
    for (_, token, _) in &all {
        for part in token.split('.').filter(|part| part.len() > 12) {
            assert!(!log.contains(&part[..12]), "{part}\n{log}");
        }
    }
    let failures: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| {
            line["msg"]
                .as_str()
                .unwrap()
                .ends_with("authentication failed")
        })
        .collect();
    assert!(failures.len() >= 2 * all.len(), "{log}");
    for line in failures {
        assert_eq!(line["peer"], "127.0.0.1", "{line}");
        assert_eq!(line["component"], "controller", "{line}");
        assert_eq!(line["level"], "info", "{line}");
        assert!(line["error"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn a_token_is_replaced_and_both_are_good_for_a_while() {
    use jumpstarter_proto::client_v1::RotateTokenResponse;
    let lab = Lab::started();
    let alice = lab.who("Client", "alice");
    let line = lab.line().await;
    let call = rotate("namespaces/lab");
    let first: RotateTokenResponse = line.get(&alice.headers(), &call).await;
    let second: RotateTokenResponse = line.get(&alice.headers(), &call).await;
    assert_ne!(first.token, second.token);
    for token in [&alice.token, &first.token, &second.token] {
        line.ask(&alice.with(token), &list_exporters("", 0, ""))
            .await
            .unwrap();
    }
    let renewed = Who {
        token: second.token,
        ..alice.clone()
    };
    assert_eq!(renewed.claims()["exp"], second.expiry.unwrap().seconds);
    assert_eq!(renewed.claims()["sub"], alice.claims()["sub"]);
    // Whoever does so all day long fills nothing.
    let mut newest = renewed.token.clone();
    for _ in 0..100 {
        let next: RotateTokenResponse = line.get(&alice.with(&newest), &call).await;
        newest = next.token;
    }
    let listed = lab.works(&["token", "list", "client", "alice", "-o", "name"]);
    assert!(listed.lines().count() <= 66, "{listed}");
    // One that is deleted and made again is somebody else.
    lab.works(&["client", "delete", "alice"]);
    let again = lab.who("Client", "alice");
    let (code, told) = line.refusal(&renewed.headers(), &call).await;
    assert_eq!(code, Unknown);
    assert!(told.contains("token is not known here"), "{told}");
    line.ask(&again.headers(), &call).await.unwrap();
}

/// The configuration names an identity provider that cannot be reached.
#[tokio::test]
async fn an_issuer_that_is_away_is_not_ready_and_nobody_else_waits() {
    let lab = Lab::started_with(
        "authentication:\n  jwt:\n  - issuer: {url: 'https://127.0.0.1:1', audiences: [lab]}\n    \
         claimMappings: {username: {claim: sub, prefix: 'dex:'}}\n",
    );
    let alice = lab.who("Client", "alice");
    let line = lab.line().await;
    let mut claims = alice.claims();
    claims["iss"] = json!("https://127.0.0.1:1");
    let outside = Mint::of(&lab).sign(&claims);
    let call = list_exporters("", 0, "");
    let not_ready = (Unknown, "oidc: authenticator not initialized".to_owned());
    assert_eq!(line.refusal(&alice.with(&outside), &call).await, not_ready);
    // It is not asked again for everybody who comes.
    assert_eq!(line.refusal(&alice.with(&outside), &call).await, not_ready);
    line.ask(&alice.headers(), &call).await.unwrap();
    claims["exp"] = json!(1);
    let (code, told) = line
        .refusal(&alice.with(Mint::of(&lab).sign(&claims)), &call)
        .await;
    assert_eq!(code, Unknown);
    assert!(told.contains("token is expired"), "{told}");
}
