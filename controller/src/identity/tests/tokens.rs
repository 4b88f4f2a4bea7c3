//! Our own tokens, and forgeries.

use rcgen::KeyPair;

use super::*;

const UNSIGNED: &str =
    "oidc: verify token: failed to verify signature: no key of the issuer matches";
const FOREIGN: &str = "failed to authenticate token";
const ALGORITHM: &str = "oidc: verify token: oidc: malformed jwt: unexpected signature algorithm";

fn unknown(text: &str) -> (Code, String) {
    (Code::Unknown, text.to_owned())
}

#[tokio::test]
async fn a_token_lets_its_owner_in() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await;
    let caller = house.lets_in("alice", &token).await;
    assert_eq!(caller.object, alice);
    assert_eq!(
        caller.username,
        format!("internal:client:lab:alice:{}", alice.uid)
    );
    assert_eq!(caller.peer.to_string(), "192.0.2.7");

    let board = house.exporter("board").await;
    let (token, credential) = house.tokens.for_exporter(&board, HOUR).unwrap();
    house.keep(credential, None).await;
    let headers = call("Exporter", "board", &token);
    let caller = house.authenticator.exporter(&headers, PEER).await.unwrap();
    assert_eq!(caller.object, board);
    let either = house.authenticator.anyone(&headers, PEER).await.unwrap();
    assert!(matches!(either, Anyone::Exporter(_)));
}

#[tokio::test]
async fn a_token_says_what_peers_read_in_it() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let (token, credential) = house.tokens.for_client(&alice, HOUR).unwrap();
    let (other, _) = house.tokens.for_client(&alice, HOUR).unwrap();
    assert_ne!(token.expose(), other.expose());
    let parts: Vec<&str> = token.expose().split('.').collect();
    let decode = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let (header, claims) = (decode(parts[0]), decode(parts[1]));
    assert_eq!(header["alg"], "ES256");
    assert_eq!(header["kid"], credential.key_id.as_str());
    assert_eq!(claims["iss"], "https://localhost:8085");
    assert_eq!(claims["aud"], json!(["jumpstarter"]));
    assert_eq!(claims["sub"], format!("client:lab:alice:{}", alice.uid));
    assert_eq!(claims["jti"], credential.jti.as_str());
    let (issued, end) = (
        claims["iat"].as_i64().unwrap(),
        claims["exp"].as_i64().unwrap(),
    );
    assert!((3600..=3601).contains(&(end - issued)));
    assert_eq!(credential.expires, Time(end * 1_000_000));
}

#[tokio::test]
async fn a_token_that_the_lab_does_not_know_is_not_enough() {
    let house = House::new().await;
    let (alice, bob) = (house.client("alice").await, house.client("bob").await);
    let (token, credential) = house.tokens.for_client(&alice, HOUR).unwrap();
    let (code, text) = house.hears("alice", &token).await;
    assert!(
        code == Code::Unknown && text.contains("not known here"),
        "{text}"
    );
    house.keep(credential.clone(), None).await;
    house.lets_in("alice", &token).await;

    // Our key, but ids that belong to nobody, to somebody else, or to nothing.
    let mut claims = house.claims(&bob);
    for jti in [
        json!(credential.jti),
        json!("made-up"),
        json!(7),
        Value::Null,
    ] {
        claims["jti"] = jti;
        let (code, text) = house.hears("bob", &house.sign(&claims)).await;
        assert!(
            code == Code::Unknown && text.contains("not known here"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn rotated_tokens_end_after_their_grace() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let first = house.token(&alice).await;
    let (second, credential) = house.tokens.for_client(&alice, HOUR).unwrap();
    house.keep(credential, Some(HOUR)).await;
    house.lets_in("alice", &first).await;
    house.lets_in("alice", &second).await;
    let (third, credential) = house.tokens.for_client(&alice, HOUR).unwrap();
    house.keep(credential, Some(Duration::ZERO)).await;
    for old in [&first, &second] {
        let (code, text) = house.hears("alice", old).await;
        assert!(code == Code::Unknown && text.contains("revoked"), "{text}");
        assert!(!text.contains("expired"), "{text}");
    }
    house.lets_in("alice", &third).await;
    let revoked = house
        .lab
        .revoke_credentials(alice.uid, None, key("alice"), ADMIN);
    assert_eq!(revoked.await.unwrap(), 1);
    assert!(house.hears("alice", &third).await.1.contains("revoked"));
}

#[tokio::test]
async fn a_token_ends_with_the_object_it_was_for() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await;
    house.lab.delete_client(key("alice"), ADMIN).await.unwrap();
    house.client("alice").await;
    let (code, text) = house.hears("alice", &token).await;
    assert!(
        code == Code::Unknown && text.contains("not known here"),
        "{text}"
    );
}

#[tokio::test]
async fn tokens_of_a_retired_key_are_good_until_it_is_forgotten() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await;
    let first = house.keys.list()[0].id.clone();
    house.keys.rotate().unwrap();
    house.lets_in("alice", &token).await;
    let newer = house.token(&alice).await;
    house.keys.forget(&first).unwrap();
    assert_eq!(house.hears("alice", &token).await, unknown(UNSIGNED));
    house.lets_in("alice", &newer).await;
}

#[tokio::test]
async fn times_and_audiences_count() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let mut claims = house.claims(&alice);
    claims["exp"] = json!(1_787_306_400);
    let (code, text) = house.hears("alice", &house.sign(&claims)).await;
    assert_eq!(code, Code::Unknown);
    assert!(
        text.starts_with("oidc: verify token: oidc: token is expired (Token Expiry: "),
        "{text}"
    );

    let mut claims = house.claims(&alice);
    claims["nbf"] = json!(now() + 1000);
    let (_, text) = house.hears("alice", &house.sign(&claims)).await;
    assert!(text.contains("before the nbf"), "{text}");

    let mut claims = house.claims(&alice);
    claims["aud"] = json!("somebody-else");
    let expected =
        r#"oidc: verify token: oidc: expected audience ["jumpstarter"] got ["somebody-else"]"#;
    assert_eq!(
        house.hears("alice", &house.sign(&claims)).await,
        unknown(expected)
    );

    let mut claims = house.claims(&alice);
    claims.as_object_mut().unwrap().remove("exp");
    let (_, text) = house.hears("alice", &house.sign(&claims)).await;
    assert!(
        text.contains("no expiry") && !text.contains("expired"),
        "{text}"
    );
}

#[tokio::test]
async fn forgeries_are_refused() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let (good, credential) = house.tokens.for_client(&alice, HOUR).unwrap();
    house.keep(credential.clone(), None).await;
    let mut claims = house.claims(&alice);
    claims["jti"] = json!(credential.jti);
    // As it is, it is good; so what follows is refused for the one thing that is wrong with it.
    house.lets_in("alice", &house.sign(&claims)).await;
    let ring = house.keys.ring();
    let ours = ring.signing().unwrap();
    let mallory = KeyPair::generate().unwrap();
    let mallorys = EncodingKey::from_ec_der(&mallory.serialize_der());

    // Somebody else's key under our name, under its own, and under none.
    for header in [
        json!({"alg": "ES256", "kid": ours.id}),
        json!({"alg": "ES256", "kid": "default"}),
        json!({"alg": "ES256"}),
    ] {
        let token = forge(&header, &claims, &mallorys, Algorithm::ES256);
        assert_eq!(house.hears("alice", &token).await, unknown(UNSIGNED));
    }
    // A key that the token itself brings along.
    let jwk = json!({"kty": "EC", "crv": "P-256"});
    let header = json!({"alg": "ES256", "jwk": jwk, "jku": "https://mallory.example"});
    let token = forge(&header, &claims, &mallorys, Algorithm::ES256);
    assert_eq!(house.hears("alice", &token).await, unknown(UNSIGNED));

    // No signature, in all spellings, with and without one.
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({"alg": alg, "kid": ours.id});
        for signature in ["", good.expose().rsplit('.').next().unwrap()] {
            let token = format!("{}.{}.{signature}", encode(&header), encode(&claims));
            let heard = house.hears("alice", &Secret::new(token)).await;
            assert_eq!(heard, unknown(ALGORITHM), "{alg}");
        }
    }
    // Our public key, as if it were a secret that we share.
    let pair = own_pair(&house);
    let (pem, point) = (pair.public_key_pem(), pair.public_key_raw());
    for secret in [pem.as_bytes(), pem.trim().as_bytes(), point] {
        let secret = EncodingKey::from_secret(secret);
        let header = json!({"alg": "HS256", "kid": ours.id});
        let token = forge(&header, &claims, &secret, Algorithm::HS256);
        assert_eq!(house.hears("alice", &token).await, unknown(ALGORITHM));
    }
    // The signature of another token.
    let mut others = claims.clone();
    others["exp"] = json!(now() + 7200);
    let signature = good.expose().rsplit('.').next().unwrap();
    let header = json!({"alg": "ES256", "kid": ours.id});
    let token = Secret::new(format!(
        "{}.{}.{signature}",
        encode(&header),
        encode(&others)
    ));
    assert_eq!(house.hears("alice", &token).await, unknown(UNSIGNED));

    // Of an issuer that nobody knows, however it is signed; too long; not a token.
    let mut others = claims.clone();
    others["iss"] = json!("https://mallory.example");
    assert_eq!(
        house.hears("alice", &house.sign(&others)).await,
        unknown(FOREIGN)
    );
    let mut long = claims.clone();
    long["padding"] = json!("x".repeat(20_000));
    assert_eq!(
        house.hears("alice", &house.sign(&long)).await,
        unknown(FOREIGN)
    );
    for text in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        let heard = house.hears("alice", &Secret::new(text.to_owned())).await;
        assert_eq!(heard, unknown(FOREIGN), "{text}");
    }
}

/// Our key pair, from its file.
fn own_pair(house: &House) -> KeyPair {
    let id = &house.keys.list()[0].id;
    let path = house._folder.path().join("keys").join(format!("{id}.pem"));
    KeyPair::from_pem(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_cut_and_flip_of_a_token_is_refused() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await.into_exposed();
    for end in 0..token.len() {
        assert!(
            house
                .tokens
                .verify(&Secret::new(token[..end].to_owned()))
                .is_err()
        );
    }
    for place in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = Secret::new(String::from_utf8(bytes).unwrap());
        assert!(house.tokens.verify(&changed).is_err(), "{place}");
    }
    assert!(house.tokens.verify(&Secret::new(token)).is_ok());
}

#[tokio::test]
async fn administrators_have_tokens_of_their_own() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let uid = Uid::random();
    let (token, credential) = house.tokens.for_admin(key("ops"), uid, HOUR).unwrap();
    assert_eq!(credential.label, "ops");
    house.keep(credential, None).await;
    let mut headers = call("Client", "alice", &token);
    assert_eq!(
        house.authenticator.admin(&headers, PEER).unwrap().key,
        key("ops")
    );
    // It administers, it does not act as others.
    let heard = told(house.authenticator.client(&headers, PEER).await);
    assert_eq!(
        heard,
        (
            Code::PermissionDenied,
            "permission denied for client lab/alice".into()
        )
    );
    headers = call("Client", "alice", &house.token(&alice).await);
    let (code, text) = told(house.authenticator.admin(&headers, PEER));
    assert!(
        code == Code::PermissionDenied && text.contains("administrator"),
        "{text}"
    );
}

/// The machine's clock is set by a day while tokens are in use.
#[tokio::test]
async fn tokens_follow_the_clock_wherever_it_goes() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await;
    let jws = super::jws::Jws::parse(token.expose()).unwrap();
    let day = 24 * HOUR;
    let verify = |now: Time| house.tokens.verify_parsed(&jws, now).unwrap();
    let now = Time::now();
    assert!(verify(now).is_ok());
    // Ahead, an hour is over.
    assert!(matches!(verify(now.after(day)), Err(TokenError::Ended(_))));
    // Back again, it is not; and behind the time of its making it is good, too: whoever sets the
    // clock back does not lock everybody out.
    assert!(verify(now).is_ok());
    assert!(verify(now.before(day)).is_ok());
    // One of somebody else that says from when on it is good has to be taken at its word.
    let mut claims = house.claims(&alice);
    claims["nbf"] = claims["iat"].clone();
    let strict = house.sign(&claims);
    let jws = super::jws::Jws::parse(strict.expose()).unwrap();
    let early = house.tokens.verify_parsed(&jws, now.before(day)).unwrap();
    assert!(matches!(early, Err(TokenError::Early(_))));
}

#[tokio::test]
async fn a_token_that_was_taken_back_stays_so_when_the_clock_is_set_back() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let (revoked, replaced) = (house.token(&alice).await, house.token(&alice).await);
    let now = Time::now();
    let taken = house
        .lab
        .revoke_credentials(alice.uid, jti(&revoked), key("alice"), ADMIN);
    assert_eq!(taken.await.unwrap(), 1);
    let (fresh, credential) = house.tokens.for_client(&alice, HOUR).unwrap();
    house.keep(credential, Some(Duration::ZERO)).await;
    for time in [now.after(HOUR / 2), now, now.before(24 * HOUR)] {
        let verify = |token: &Secret<String>| {
            let jws = super::jws::Jws::parse(token.expose()).unwrap();
            house.tokens.verify_parsed(&jws, time).unwrap()
        };
        assert_eq!(verify(&revoked), Err(TokenError::Revoked));
        assert_eq!(verify(&replaced), Err(TokenError::Revoked));
        assert!(verify(&fresh).is_ok());
    }
}

fn jti(token: &Secret<String>) -> Option<String> {
    let jws = super::jws::Jws::parse(token.expose()).unwrap();
    jws.text("jti").map(str::to_owned)
}
