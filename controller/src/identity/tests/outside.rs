//! External users, with tokens of an identity provider.

use super::*;
use crate::identity::issuers::tests::{Provider, Signer};

/// A lab with a provider, which makes clients for external users.
async fn house(provisioning: &[&str]) -> (House, Provider, Signer) {
    let rules = Rules {
        provisioning: provisioning.iter().map(|name| (*name).to_owned()).collect(),
        ..Rules::default()
    };
    let house = House::with(rules).await;
    let signer = Signer::new("a", "ES256");
    let provider = Provider::new(&[&signer]).await;
    let config = provider.config("name", "dex:");
    house
        .issuers
        .replace(&[config], &[house.tokens.issuer()])
        .unwrap();
    (house, provider, signer)
}

#[tokio::test]
async fn a_user_acts_as_the_client_of_his_name() {
    let (house, provider, signer) = house(&[]).await;
    house
        .client_of("alice-example-com", Some("dex:Alice@example.com"), None)
        .await;
    let token = signer.sign(&provider.claims("Alice@example.com"));
    for name in ["", "alice-example-com"] {
        let caller = house.lets_in(name, &token).await;
        assert_eq!(caller.object.key.name, "alice-example-com");
        assert_eq!(caller.username, "dex:Alice@example.com");
    }
    let expected = "resource name mismatch: provided \"bob\" but expected \"alice-example-com\" \
                    (derived from OIDC username \"dex:Alice@example.com\")";
    assert_eq!(
        house.hears("bob", &token).await,
        (Code::InvalidArgument, expected.to_owned())
    );
    // Somebody whose name leads to the same client.
    let token = signer.sign(&provider.claims("alice.example.com"));
    let denied = "permission denied for client lab/alice-example-com";
    assert_eq!(
        house.hears("", &token).await,
        (Code::PermissionDenied, denied.to_owned())
    );
}

#[tokio::test]
async fn a_client_is_made_when_its_user_first_comes() {
    let (house, provider, signer) = house(&["lab"]).await;
    let token = signer.sign(&provider.claims("alice"));
    let together = (0..20).map(|_| house.lets_in("", &token));
    let callers = futures_util::future::join_all(together).await;
    let uid = callers[0].object.uid;
    assert!(callers.iter().all(|caller| caller.object.uid == uid));
    assert!(callers[0].object.provisioned);
    assert_eq!(callers[0].object.username.as_deref(), Some("dex:alice"));
    // The second of two users with the same derived name does not get the client of the first.
    let token = signer.sign(&provider.claims("ALICE"));
    assert_eq!(house.hears("", &token).await.0, Code::PermissionDenied);
}

#[tokio::test]
async fn nothing_is_made_for_anybody_else() {
    let (house, provider, signer) = house(&["lab"]).await;
    let alice = house.client("alice").await;
    // Our own tokens, which may name what they like.
    let own = house.token(&alice).await;
    let missing = r#"client lab/bob: clients.jumpstarter.dev "bob" not found"#;
    assert_eq!(
        house.hears("bob", &own).await,
        (Code::Unknown, missing.to_owned())
    );
    // Service accounts, the same.
    let config = provider.config("name", "k8s:");
    house.issuers.replace(&[config], &[]).unwrap();
    let account = signer.sign(&provider.claims("system:serviceaccount:ci:runner"));
    assert_eq!(
        house.hears("bob", &account).await,
        (Code::Unknown, missing.to_owned())
    );
    let required = "resource name required for pre-existing authentication";
    assert_eq!(
        house.hears("", &account).await,
        (Code::InvalidArgument, required.to_owned())
    );
    house
        .client_of("runner", Some("k8s:system:serviceaccount:ci:runner"), None)
        .await;
    house.lets_in("runner", &account).await;
    // Exporters, and other namespaces.
    let carol = signer.sign(&provider.claims("carol"));
    let headers = call("Exporter", "", &carol);
    assert_eq!(
        told(house.authenticator.exporter(&headers, PEER).await).0,
        Code::Unknown
    );
    let mut headers = call("Client", "", &carol);
    headers.insert("jumpstarter-namespace", HeaderValue::from_static("other"));
    assert_eq!(
        told(house.authenticator.client(&headers, PEER).await).0,
        Code::Unknown
    );
    // Users without a name that could be one.
    let nameless = signer.sign(&provider.claims("@@@"));
    assert_eq!(
        house.hears("", &nameless).await,
        (Code::InvalidArgument, required.to_owned())
    );
}

#[tokio::test]
async fn nobody_from_outside_looks_like_one_of_us() {
    let (house, provider, signer) = house(&["lab"]).await;
    let alice = house.client("alice").await;
    house
        .issuers
        .replace(&[provider.config("name", "")], &[])
        .unwrap();
    let name = format!("internal:{}", Subject::client(&alice));
    let token = signer.sign(&provider.claims(&name));
    let (code, text) = house.hears("alice", &token).await;
    assert!(code == Code::Unknown && text.contains("reserved"), "{text}");
    // Nor does one whose issuer claims to be ours.
    let mut claims = house.claims(&alice);
    claims["name"] = json!("alice");
    let (_, text) = house.hears("alice", &signer.sign(&claims)).await;
    assert!(text.contains("failed to verify signature"), "{text}");
    // An administrator's name from outside administers nothing.
    let headers = call(
        "Client",
        "alice",
        &signer.sign(&provider.claims("admin:lab:x:y")),
    );
    assert_eq!(
        told(house.authenticator.admin(&headers, PEER)).0,
        Code::Unknown
    );
}

#[tokio::test]
async fn errors_about_tokens_do_not_say_what_is_there() {
    let (house, provider, signer) = house(&[]).await;
    house.client("alice").await;
    let mut claims = provider.claims("alice");
    claims["exp"] = json!(1);
    let forged = Signer::new("a", "ES256").sign(&provider.claims("alice"));
    for token in [signer.sign(&claims), forged, Secret::new("x".to_owned())] {
        let (_, text) = house.hears("alice", &token).await;
        assert!(!text.contains("alice") && !text.contains("lab"), "{text}");
    }
}
