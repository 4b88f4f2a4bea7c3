//! What the log says about refused callers, and what it must not say.

use std::io::Write;
use std::sync::Mutex;

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::identity::router::RouterTokens;

/// Collects everything that is logged until it is dropped.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<u8>>>);

// === impl Journal ===

impl Journal {
    fn keep(&self) -> DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The fields of all lines about authentication.
    fn failures(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let is_failure = |line: &Value| {
            let message = line["fields"]["message"].as_str().unwrap_or_default();
            message.ends_with("authentication failed")
        };
        lines.filter(is_failure).collect()
    }
}

impl Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_failure_is_one_line_with_peer_and_error() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let token = house.token(&alice).await;
    let journal = Journal::default();
    let _kept = journal.keep();
    let caller = house.lets_in("alice", &token).await;
    assert_eq!(journal.failures(), [json!(null); 0]);

    house.hears("bob", &token).await;
    let headers = call("Exporter", "board", &token);
    told(house.authenticator.anyone(&headers, Peer::default()).await);
    told(caller.in_namespace("other"));
    let router = RouterTokens::with_key(&Secret::new("k".repeat(32))).unwrap();
    told(router.authenticate(&headers, PEER));

    let failures = journal.failures();
    let said: Vec<_> = failures
        .iter()
        .map(|line| {
            let field = |name: &str| line["fields"][name].as_str().unwrap_or_default();
            assert_eq!(line["level"], "INFO");
            let part = field("message").starts_with("router");
            let part = if part { "router" } else { "controller" };
            assert_eq!(line["target"], format!("jumpstarter_controller::{part}"));
            (
                field("message"),
                field("peer"),
                field("error"),
                field("client"),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            (
                "client authentication failed",
                "192.0.2.7",
                r#"client lab/bob: clients.jumpstarter.dev "bob" not found"#,
                ""
            ),
            (
                "exporter authentication failed",
                "unknown",
                r#"exporter lab/board: exporters.jumpstarter.dev "board" not found"#,
                ""
            ),
            (
                "client authentication failed",
                "192.0.2.7",
                "namespace mismatch",
                "alice"
            ),
            (
                "router authentication failed",
                "192.0.2.7",
                "invalid jwt token",
                ""
            ),
        ]
    );
}

#[tokio::test]
async fn no_part_of_a_token_is_logged() {
    let house = House::new().await;
    let alice = house.client("alice").await;
    let journal = Journal::default();
    let _kept = journal.keep();
    let good = house.token(&alice).await;
    let mut claims = house.claims(&alice);
    claims["secret"] = json!("hush-hush");
    claims["exp"] = json!(1);
    let bad = house.sign(&claims);
    house.lets_in("alice", &good).await;
    let router = RouterTokens::with_key(&Secret::new("k".repeat(32))).unwrap();
    for token in [&good, &bad, &Secret::new("hush-hush".to_owned())] {
        house.hears("bob", token).await;
        house.hears("", token).await;
        told(router.authenticate(&call("Client", "alice", token), PEER));
        told(
            house
                .authenticator
                .admin(&call("Client", "alice", token), PEER),
        );
    }
    let text = journal.text();
    assert!(journal.failures().len() >= 10);
    for token in [&good, &bad] {
        for part in token.expose().split('.') {
            assert!(!text.contains(part));
            assert!(!text.contains(&part[..12]), "{text}");
        }
    }
    assert!(!text.contains("hush"));
}
