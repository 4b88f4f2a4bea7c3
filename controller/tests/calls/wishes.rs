//! Leases that ask for too much, and messages that are too long or not whole.

use std::collections::HashMap;

use jumpstarter_proto::client_v1::{CreateLeaseRequest, Lease, UpdateLeaseRequest};
use tonic::Code::{self, InvalidArgument, OutOfRange, Unknown};

use crate::lab::Lab;
use crate::methods::{CREATE_LEASE, UPDATE_LEASE, call, create, wish};

#[tokio::test]
async fn tags_and_contexts_are_short_and_few() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let many = |count: usize| -> HashMap<String, String> {
        (0..count)
            .map(|at| (format!("k{at}"), "v".to_owned()))
            .collect()
    };
    let one = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
    let rules = "up to 63 letters, digits, '-', '_' or '.', the ends a letter or digit";
    let long = "x".repeat(64);
    let rows = [
        (many(11), "too many tags: 11 (maximum 10)".to_owned()),
        (
            one("metadata.jumpstarter.dev/x", "y"),
            r#"tag key "metadata.jumpstarter.dev/x" must not use reserved prefix"#.to_owned(),
        ),
        (
            one("jumpstarter.dev/x", "y"),
            r#"tag key "jumpstarter.dev/x" must not use reserved prefix"#.to_owned(),
        ),
        (
            one("a/b", "y"),
            r#"tag key "a/b" must not contain '/' (use simple names without prefix)"#.to_owned(),
        ),
        (
            one("", "y"),
            format!("tag key \"\" is not a valid label key: {rules}"),
        ),
        (
            one(&long, "y"),
            format!("tag key \"{long}\" is not a valid label key: {rules}"),
        ),
        (
            one("-a", "y"),
            format!("tag key \"-a\" is not a valid label key: {rules}"),
        ),
        (
            one("a", "b c"),
            format!("tag value for key \"a\" is not a valid label value: {rules}"),
        ),
        (
            one("a", &long),
            format!("tag value for key \"a\" is not a valid label value: {rules}"),
        ),
    ];
    for (tags, text) in rows {
        let lease = Lease {
            tags,
            ..wish("a=b")
        };
        let refused = line.refusal(&alice, &create("", lease)).await;
        assert_eq!(
            refused,
            (InvalidArgument, format!("invalid lease tags: {text}"))
        );
    }
    let short = "context keys max 32 chars, values max 64 chars";
    for (context, text) in [
        (many(9), "too many context entries: 9 (maximum 8)"),
        (one(&"k".repeat(33), "v"), short),
        (one("k", &"v".repeat(65)), short),
    ] {
        let lease = Lease {
            context,
            ..wish("a=b")
        };
        assert_eq!(
            line.refusal(&alice, &create("", lease)).await,
            (Unknown, text.to_owned())
        );
    }
    let lease = Lease {
        tags: many(10),
        context: many(8),
        ..wish("a=b")
    };
    line.ask(&alice, &create("full", lease)).await.unwrap();
    // Pinned to what cannot be, or asking for more than fits on a page.
    let pinned = Lease {
        exporter_name: Some("x".repeat(300)),
        ..wish("")
    };
    let (code, told) = line.refusal(&alice, &create("", pinned)).await;
    assert_eq!(code, Unknown);
    assert!(
        told.starts_with("exporters.jumpstarter.dev \"x") && told.contains("is invalid"),
        "{told}"
    );
    let values: Vec<String> = (0..10_000).map(|at| format!("v{at}")).collect();
    let (code, told) = line
        .refusal(
            &alice,
            &create("", wish(&format!("a in ({})", values.join(",")))),
        )
        .await;
    assert_eq!(
        (code, told.as_str()),
        (
            Unknown,
            "invalid selector: it is longer than 4096 characters"
        )
    );
    let nothing = CreateLeaseRequest {
        parent: "namespaces/lab".to_owned(),
        ..Default::default()
    };
    let refused = line.refusal(&alice, &call(CREATE_LEASE, &nothing)).await;
    assert_eq!(refused, (InvalidArgument, "lease is required".to_owned()));
    let refused = line
        .refusal(&alice, &call(UPDATE_LEASE, &UpdateLeaseRequest::default()))
        .await;
    assert_eq!(refused, (InvalidArgument, "lease is required".to_owned()));
}

#[tokio::test]
async fn messages_are_no_longer_than_they_may_be_and_whole() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let long = crate::methods::dial(&"x".repeat(10 << 20));
    let refused = line.ask(&alice, &long).await.unwrap_err();
    assert!(
        matches!(refused.code(), OutOfRange | Code::ResourceExhausted),
        "{refused:?}"
    );
    let dial = crate::methods::dial("mine");
    let framed = crate::line::frame(&dial.message);
    let mut compressed = framed.to_vec();
    compressed[0] = 1;
    let mut flagged = framed.to_vec();
    flagged[0] = 7;
    let mut claims_more = framed.to_vec();
    claims_more[4] += 1;
    let mut claims_gigabytes = framed.to_vec();
    claims_gigabytes[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
    let twice = [&framed[..], &framed[..]].concat();
    for (given, body) in [
        ("nothing", Vec::new()),
        ("half a frame", framed[..3].to_vec()),
        ("half a message", framed[..framed.len() - 2].to_vec()),
        ("a frame that claims more", claims_more),
        ("a frame that claims gigabytes", claims_gigabytes),
        ("compressed, as it says", compressed),
        ("no flag", flagged),
        ("two messages", twice),
        ("garbage", crate::line::frame(&[0xff; 64]).to_vec()),
        (
            "no text",
            crate::line::frame(&[0x0a, 2, 0xff, 0xfe]).to_vec(),
        ),
        (
            "a length that is not there",
            crate::line::frame(&[0x0a, 0x7f]).to_vec(),
        ),
        ("groups", crate::line::frame(&[0x0b; 4096]).to_vec()),
    ] {
        let refused = line.say(&alice, dial.path, body.into()).await.unwrap_err();
        let told = refused.message().to_lowercase();
        assert!(
            !told.contains("panic") && !told.contains("expired"),
            "{given}: {refused:?}"
        );
        assert_ne!(refused.code(), Code::Cancelled, "{given}: {refused:?}");
    }
    // The connection has outlived it all.
    let told = line.refusal(&alice, &dial).await;
    assert_eq!(
        told,
        (
            Unknown,
            r#"leases.jumpstarter.dev "mine" not found"#.to_owned()
        )
    );
    assert!(!lab.log().contains("panicked"), "{}", lab.log());
}
