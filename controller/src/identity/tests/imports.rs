//! Tokens of an installation that a lab was moved from.

use rcgen::KeyPair;

use super::*;

/// The reference's tokens: no `kid`, no `jti`, its own uids.
fn legacy(pair: &KeyPair, sub: &str, aud: &str) -> Secret<String> {
    let claims = json!({
        "iss": "https://localhost:8085",
        "aud": [aud],
        "sub": sub,
        "iat": now(),
        "exp": now() + 3600,
    });
    let key = EncodingKey::from_ec_der(&pair.serialize_der());
    forge(
        &json!({"alg": "ES256", "typ": "JWT"}),
        &claims,
        &key,
        Algorithm::ES256,
    )
}

fn import(name: &str, public_key: String) -> Import {
    Import {
        name: name.to_owned(),
        issuer: "https://localhost:8085".to_owned(),
        audience: "jumpstarter".to_owned(),
        public_key,
    }
}

fn jwks(pair: &KeyPair) -> String {
    let point = pair.public_key_raw();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": "default",
        "x": encode(&point[1..33]), "y": encode(&point[33..]),
    });
    json!({"keys": [{"kty": "oct", "k": "AAAA"}, key]}).to_string()
}

#[tokio::test]
async fn moved_objects_keep_their_tokens() {
    let house = House::new().await;
    let moved = Migrated {
        namespace: Some("jumpstarter-lab".to_owned()),
        uid: Some("old-uid".to_owned()),
    };
    house.client_of("alice", None, Some(moved)).await;
    let bob = house.client("bob").await;
    let pair = KeyPair::generate().unwrap();
    let sub = "client:jumpstarter-lab:alice:old-uid";
    let token = legacy(&pair, sub, "jumpstarter");
    assert!(
        house
            .hears("alice", &token)
            .await
            .1
            .contains("failed to verify signature")
    );
    house
        .keys
        .import(import("old", pair.public_key_pem()))
        .unwrap();
    assert_eq!(
        house.lets_in("alice", &token).await.username,
        format!("internal:{sub}")
    );

    // They are good for what they name, and nothing else.
    let denied = "permission denied for client lab/bob";
    assert_eq!(
        house.hears("bob", &token).await,
        (Code::PermissionDenied, denied.to_owned())
    );
    let moved_wrong = legacy(&pair, "client:lab:alice:old-uid", "jumpstarter");
    assert_eq!(
        house.hears("alice", &moved_wrong).await.0,
        Code::PermissionDenied
    );
    let other_audience = legacy(&pair, sub, "x");
    assert!(
        house
            .hears("alice", &other_audience)
            .await
            .1
            .contains("expected audience")
    );
    // One that names an object of ours by our uid is as good as the key that was imported.
    let ours = legacy(&pair, &Subject::client(&bob).to_string(), "jumpstarter");
    house.lets_in("bob", &ours).await;
    // Whoever administered the other installation does not administer this one.
    let admin = legacy(&pair, "admin:lab:root:x", "jumpstarter");
    let headers = call("Client", "alice", &admin);
    assert_eq!(
        told(house.authenticator.admin(&headers, PEER)).0,
        Code::PermissionDenied
    );

    assert!(house.keys.forget_import("old").unwrap());
    assert!(!house.keys.forget_import("old").unwrap());
    assert!(
        house
            .hears("alice", &token)
            .await
            .1
            .contains("failed to verify signature")
    );
}

/// Methods for which the token alone says who calls.
#[tokio::test]
async fn moved_exporters_tell_their_log_for_themselves() {
    let house = House::new().await;
    house.exporter("other").await;
    let new = NewExporter {
        key: key("board"),
        labels: Labels::new(),
        username: None,
        migrated: Some(Migrated {
            namespace: Some("jumpstarter-lab".to_owned()),
            uid: Some("old-uid".to_owned()),
        }),
    };
    house.lab.create_exporter(new, ADMIN).await.unwrap();
    let pair = KeyPair::generate().unwrap();
    house
        .keys
        .import(import("old", pair.public_key_pem()))
        .unwrap();
    let hears = |sub: &str| {
        let headers = call("", "", &legacy(&pair, sub, "jumpstarter"));
        house.authenticator.exporter_by_token(&headers, PEER.into())
    };
    let moved = hears("exporter:jumpstarter-lab:board:old-uid").unwrap();
    assert_eq!(moved, key("board"));
    for (sub, code, text) in [
        (
            "exporter:lab:board:old-uid",
            Code::PermissionDenied,
            "permission denied for exporter lab/board",
        ),
        (
            "exporter:lab:other:old-uid",
            Code::PermissionDenied,
            "permission denied for exporter lab/other",
        ),
        (
            "exporter:lab:nothing:old-uid",
            Code::Unknown,
            r#"exporter lab/nothing: exporters.jumpstarter.dev "nothing" not found"#,
        ),
        (
            "client:lab:board:old-uid",
            Code::PermissionDenied,
            "token is not an exporter token",
        ),
        (
            "board",
            Code::PermissionDenied,
            "token is not an exporter token",
        ),
    ] {
        assert_eq!(told(hears(sub)), (code, text.to_owned()), "{sub}");
    }
}

#[tokio::test]
async fn an_import_outlives_the_program() {
    let house = House::new().await;
    let pair = KeyPair::generate().unwrap();
    house.keys.import(import("old", jwks(&pair))).unwrap();
    let again = Keys::open(&house._folder.path().join("keys")).unwrap();
    assert_eq!(again.list(), house.keys.list());
    let tokens = Tokens::new(again, TokenRules::default(), house.lab.clone());
    let token = legacy(&pair, "client:lab:alice:x", "jumpstarter");
    assert_eq!(tokens.verify(&token).unwrap().subject, "client:lab:alice:x");
}

#[tokio::test]
async fn what_is_not_a_key_is_not_imported() {
    let house = House::new().await;
    let pair = KeyPair::generate().unwrap();
    let ed = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    for text in [
        String::new(),
        "{}".to_owned(),
        r#"{"keys": [{"kty": "oct", "k": "AAAA"}]}"#.to_owned(),
        pair.serialize_pem(),
        ed.public_key_pem(),
        pair.public_key_pem().replace('A', "*"),
    ] {
        let error = house.keys.import(import("old", text.clone())).unwrap_err();
        assert!(matches!(error, KeysError::Import { .. }), "{text}: {error}");
    }
    let outside = house.keys.import(import("../old", pair.public_key_pem()));
    assert!(outside.is_err());
    assert_eq!(house.keys.list().len(), 1);
}
