//! What signs tokens, and what is on record.

use jumpstarter_client::controller::Controller;
use jumpstarter_proto::client_v1::ListExportersRequest;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::Value;

use crate::lab::Lab;

/// Whether the controller takes the client's token.
async fn is_let_in(client: &Controller) -> Result<(), String> {
    let request = ListExportersRequest {
        parent: "namespaces/lab".to_owned(),
        ..ListExportersRequest::default()
    };
    let answer = client.clients().list_exporters(request).await;
    answer
        .map(drop)
        .map_err(|status| status.message().to_owned())
}

#[tokio::test]
async fn a_key_is_replaced_and_then_forgotten() {
    let lab = Lab::started();
    let before = lab.client("alice");
    let old = lab.works(&["key", "list", "-o", "name"]).trim().to_owned();
    let new = lab.works(&["key", "rotate"]).trim().to_owned();
    assert_ne!(old, new);
    let listed = lab.works(&["key", "list"]);
    assert!(
        listed.contains("verifies what it signed") && listed.contains("signs"),
        "{listed}"
    );
    // What the old one signed is good until it is forgotten; the new one has signed something, too.
    is_let_in(&before).await.unwrap();
    let after = lab.client("bob");
    let told = lab.fails(&["key", "forget", &new]);
    assert!(told.contains("signs new tokens"), "{told}");
    lab.works(&["key", "forget", &old]);
    is_let_in(&after).await.unwrap();
    let told = is_let_in(&before).await.unwrap_err();
    assert!(!told.contains("expired"), "{told}");
    let told = lab.fails(&["key", "forget", "nobody"]);
    assert!(told.contains("(NotFound)"), "{told}");

    let recorded = lab.works(&["audit"]);
    let line = |words: &str| {
        let found = recorded.lines().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words}\n{recorded}"))
    };
    assert!(line("KeyRotated").contains(&new));
    assert!(line("KeyForgotten").contains(&old));
    assert!(line("KeyForgotten").contains("local:"));
    let place = |words| recorded.find(words).unwrap();
    assert!(
        place("KeyRotated") < place("KeyForgotten"),
        "the last comes last:\n{recorded}"
    );
}

#[test]
fn the_key_of_another_controller_is_taken_over() {
    // The same with a controller that runs, and without.
    let mut lab = Lab::new();
    let pem = lab.path("other.pem");
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    std::fs::write(&pem, key.public_key_pem()).unwrap();
    let import = [
        "key",
        "import",
        "kubernetes",
        "--file",
        pem.to_str().unwrap(),
    ];
    for runs in [false, true] {
        if runs {
            lab.start();
        }
        let told = lab.works(&import);
        assert_eq!(
            told,
            "Imported key 'kubernetes' of https://localhost:8085\n"
        );
        let listed = lab.works(&["key", "list"]);
        assert!(
            listed.contains("verifies tokens of https://localhost:8085"),
            "{listed}"
        );
        lab.works(&["key", "forget", "kubernetes"]);
        let left = lab.works(&["key", "list", "-o", "json"]);
        let left: Vec<Value> = serde_json::from_str(&left).unwrap();
        assert_eq!(left.len(), 1);
    }
    std::fs::write(&pem, "nothing").unwrap();
    let told = lab.fails(&import);
    assert!(told.contains("cannot import `kubernetes`"), "{told}");
}

#[test]
fn the_record_is_searched_by_object() {
    let lab = Lab::started();
    lab.works(&["client", "create", "alice"]);
    lab.works(&["client", "create", "bob"]);
    lab.works(&["client", "label", "alice", "team=a"]);
    let about = lab.works(&["audit", "client", "alice", "-o", "json"]);
    let about: Vec<Value> = serde_json::from_str(&about).unwrap();
    let what: Vec<&str> = about
        .iter()
        .map(|it| it["what"].as_str().unwrap())
        .collect();
    assert_eq!(what.first(), Some(&"ClientCreated"), "{about:?}");
    assert!(what.len() >= 2, "{about:?}");
    assert!(about.iter().all(|it| it["name"] == "alice"), "{about:?}");
    let ids = lab.works(&["audit", "--limit", "1", "-o", "name"]);
    let last: i64 = ids.trim().parse().unwrap();
    let before = lab.works(&["audit", "--before", &last.to_string(), "-o", "name"]);
    assert!(before.lines().all(|id| id.parse::<i64>().unwrap() < last));
    let wrong = lab.run(&["audit", "client"]);
    assert_eq!(wrong.status.code(), Some(2));
}
