//! Who may open a stream through the router, and who not.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use jsonwebtoken::{Algorithm, EncodingKey};
use jumpstarter_proto::v1::{DialResponse, ExporterStatus, ListenRequest};
use serde_json::{Value, json};
use tonic::Code::{self, Unauthenticated, Unavailable, Unimplemented, Unknown};

use crate::lab::Lab;
use crate::methods::{Call, STREAM, create, dial, list_exporters, of_exporters, release, wish};
use crate::people::{bearer, encode, plain, sign};

const OPEN: Call = Call {
    path: STREAM,
    message: Vec::new(),
};

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_stream_needs_the_token_that_was_made_for_it() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice");
    let board = lab.board("board").await;
    let line = lab.line().await;
    line.ask(&alice.headers(), &create("mine", wish("name=board")))
        .await
        .unwrap();
    board.says(ExporterStatus::LeaseReady).await;
    let listen = ListenRequest {
        lease_name: "mine".to_owned(),
    };
    let mut listening = board
        .controller
        .service()
        .listen(listen)
        .await
        .unwrap()
        .into_inner();
    let dialled: DialResponse = line.get(&alice.headers(), &dial("mine")).await;
    let invited = listening.message().await.unwrap().unwrap();
    let (mine, theirs) = (dialled.router_token, invited.router_token);
    // Two sides of one stream, and nothing that is secret.
    assert_eq!(claims(&mine)["sub"], claims(&theirs)["sub"]);
    assert_eq!(
        (&claims(&mine)["side"], &claims(&theirs)["side"]),
        (&json!("client"), &json!("exporter"))
    );

    let key = std::fs::read_to_string(lab.path("data/router.key")).unwrap();
    let key = EncodingKey::from_secret(key.trim().as_bytes());
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let but = |name: &str, value: Value| {
        let mut claims = claims(&mine);
        claims[name] = value;
        claims
    };
    let signed = |claims: &Value| bearer(&sign(&header, claims, &key, Algorithm::HS256));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let other = EncodingKey::from_secret(&[7; 32]);
    let none = format!(
        "{}.{}.",
        encode(&json!({"alg": "none"})),
        encode(&claims(&mine))
    );
    let mut two = bearer(&mine);
    two.append("authorization", "Bearer x".parse().unwrap());
    let mut basic = plain();
    basic.insert("authorization", "Basic YTpi".parse().unwrap());
    let mut compressed = bearer(&mine);
    compressed.insert("grpc-encoding", "gzip".parse().unwrap());
    let invalid = (Unauthenticated, "invalid jwt token");
    let no_header = |text| (Unauthenticated, text);
    let over = (Unavailable, "lease has ended");
    let rows: Vec<(&str, HeaderMap, (Code, &str))> = vec![
        (
            "no token",
            plain(),
            no_header("missing or invalid authorization: missing authorization header"),
        ),
        (
            "two tokens",
            two,
            no_header("missing or invalid authorization: multiple authorization headers"),
        ),
        (
            "a password",
            basic,
            no_header("missing or invalid authorization: malformed authorization header"),
        ),
        ("garbage", bearer("x.y.z"), invalid),
        ("a client's token", bearer(&alice.token), invalid),
        (
            "an exporter's token",
            bearer(&lab.known("Exporter", "board").token),
            invalid,
        ),
        (
            "forged",
            bearer(&sign(&header, &claims(&mine), &other, Algorithm::HS256)),
            invalid,
        ),
        ("unsigned", bearer(&none), invalid),
        ("cut", bearer(&mine[..mine.len() - 3]), invalid),
        ("over", signed(&but("exp", json!(now - 3600))), invalid),
        (
            "of the future",
            signed(&but("nbf", json!(now + 3600))),
            invalid,
        ),
        (
            "issued in the future",
            signed(&but("iat", json!(now + 3600))),
            invalid,
        ),
        ("without an end", signed(&but("exp", Value::Null)), invalid),
        (
            "of another issuer",
            signed(&but("iss", json!("https://localhost:8085"))),
            invalid,
        ),
        (
            "for somebody else",
            signed(&but("aud", json!(["jumpstarter"]))),
            invalid,
        ),
        ("of no stream", signed(&but("sub", json!("mine"))), invalid),
        (
            "of a third side",
            signed(&but("side", json!("router"))),
            invalid,
        ),
        (
            "of no lease",
            signed(&but("lease", json!("lab/nothing"))),
            over,
        ),
        (
            "of a lease elsewhere",
            signed(&but("lease", json!("abc/mine"))),
            over,
        ),
        (
            "compressed",
            compressed,
            (
                Unimplemented,
                "the router takes no compressed messages; turn compression off for this channel",
            ),
        ),
    ];
    let router = lab.line_to(lab.ports.router, 1 << 20).await;
    for (given, headers, (code, text)) in rows {
        let refused = router.refusal(&headers, &OPEN).await;
        assert_eq!(refused, (code, text.to_owned()), "{given}");
    }
    // At the controller they are nothing.
    for token in [&mine, &theirs] {
        for (who, call) in [
            (&alice, list_exporters("", 0, "")),
            (&lab.known("Exporter", "board"), of_exporters().remove(0)),
        ] {
            let refused = line.refusal(&who.with(token), &call).await;
            assert_eq!(
                refused,
                (Unknown, "failed to authenticate token".to_owned())
            );
        }
    }
    let log = lab.log();
    assert!(
        log.contains("router authentication failed") && log.contains("\"component\":\"router\""),
        "{log}"
    );
    for token in [&mine, &theirs] {
        assert!(
            token
                .split('.')
                .all(|part| !log.contains(&part[..12]) || part.starts_with("eyJ0eXAiOiJK")),
            "{log}"
        );
    }

    // The stream that they are for is still to be had, until its lease is over.
    let opened = router
        .open(&bearer(&theirs), STREAM, bytes::Bytes::new())
        .await
        .unwrap();
    assert_eq!(opened.status(), http::StatusCode::OK);
    line.ask(&alice.headers(), &release("mine")).await.unwrap();
    board.says(ExporterStatus::Available).await;
    drop(opened);
    // After the grace.
    loop {
        let again: DialResponse = match line.ask(&alice.headers(), &dial("mine")).await {
            Ok(_) => panic!("the lease is over"),
            Err(status) => {
                assert_eq!(
                    status.message(),
                    "lease has ended, its exporter is not ready for it"
                );
                DialResponse {
                    router_token: mine.clone(),
                    ..Default::default()
                }
            }
        };
        match router.ask(&bearer(&again.router_token), &OPEN).await {
            Err(status) if status.message() == "lease has ended" => break,
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}
