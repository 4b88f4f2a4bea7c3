//! `jmp get`, what all commands at a controller have in common, and a controller that answers over TLS.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod desk;
mod fake;
mod program;

use std::collections::HashMap;

use desk::{Desk, Issuer, exporter, lease, token};
use jumpstarter_proto::client_v1::{Exporter, Lease};
use jumpstarter_proto::v1::{Condition, ExporterStatus, Time};
use serde_json::{Value, json};
use tonic::Status;

fn condition(r#type: &str, status: &str) -> Condition {
    Condition {
        r#type: Some(r#type.to_owned()),
        status: Some(status.to_owned()),
        observed_generation: Some(3),
        last_transition_time: Some(Time {
            seconds: Some(5),
            nanos: Some(1),
        }),
        reason: Some("Because".to_owned()),
        message: None,
    }
}

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

/// 2033-05-18 03:33:20 UTC.
const BEGIN: i64 = 2_000_000_000;

fn two_boards(desk: &Desk) {
    desk.lab(|lab| {
        lab.exporters = vec![
            Exporter {
                status: ExporterStatus::Available.into(),
                deprecated_labels: HashMap::from([
                    ("site".to_owned(), "use `place`".to_owned()),
                    ("board".to_owned(), String::new()),
                ]),
                ..exporter("rack-1", &[("site", "north"), ("board", "imx8")])
            },
            Exporter {
                enabled: Some(false),
                ..exporter("rack-2", &[])
            },
        ];
        lab.leases = vec![Lease {
            exporter: Some("namespaces/lab/exporters/rack-1".to_owned()),
            effective_begin_time: at(BEGIN),
            conditions: vec![condition("Ready", "True")],
            ..lease("l1", "board=imx8", "bob")
        }];
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn exporters_are_listed_for_people() {
    let desk = Desk::new().await;
    two_boards(&desk);
    let outcome = desk.jmp("get exporters -l board=imx8 -l !x").run().await;
    outcome
        .succeeds()
        .prints("NAME    LABELS               \nrack-1  board=imx8,site=north\n")
        .says(
            "Warning: label 'board' on exporter 'rack-1' is deprecated\n\
             Warning: label 'site' on exporter 'rack-1' is deprecated: use `place`\n",
        );
    assert_eq!(
        desk.calls(),
        ["ListExporters namespaces/lab 100 \"board=imx8,!x\" false"]
    );
    let outcome = desk
        .jmp("get exporter --with status,online --with leases --allow-disabled --page-size 1")
        .arg("--show-hidden-labels")
        .run()
        .await;
    let lines: Vec<&str> = outcome
        .succeeds()
        .stdout
        .lines()
        .map(str::trim_end)
        .collect();
    assert_eq!(
        lines,
        [
            "NAME    ENABLED  ONLINE  STATUS     LABELS                 LEASED BY  LEASE STATUS  \
             RELEASE TIME",
            "rack-1  yes      no      AVAILABLE  board=imx8,site=north  bob        In-Use        \
             2033-05-18 04:33:20",
            "rack-2  no       no      UNKNOWN                                      Available",
        ]
    );
    assert_eq!(
        desk.calls(),
        [
            "ListExporters namespaces/lab 1 \"\" true",
            "ListExporters namespaces/lab 1 \"\" true",
            "ListLeases namespaces/lab 1 \"\" Some(true) \"\"",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exporters_are_listed_for_programs() {
    let desk = Desk::new().await;
    two_boards(&desk);
    let outcome = desk.jmp("get exporters -o name").run().await;
    outcome.succeeds().prints("rack-1\n");
    let outcome = desk
        .jmp("get exporters -o json --with status,leases")
        .run()
        .await;
    let shown: Value = serde_json::from_str(&outcome.succeeds().stdout).unwrap();
    assert_eq!(shown["exporters"][0]["status"], json!(2));
    assert_eq!(shown["exporters"][0]["lease"]["duration"], json!(3600.0));
    assert_eq!(
        shown["exporters"][0]["lease"]["conditions"][0],
        json!({
            "type": "Ready", "status": "True", "observedGeneration": "3",
            "lastTransitionTime": {"seconds": "5", "nanos": 1}, "reason": "Because",
        })
    );
    assert!(shown["exporters"][0].get("enabled").is_none());
    assert!(shown["exporters"][0].get("online").is_none());
    assert!(
        outcome
            .stdout
            .starts_with("{\n    \"exporters\": [\n        {\n")
    );
    let outcome = desk.jmp("get exporters -o yaml").run().await;
    outcome.succeeds().prints(
        "exporters:\n- deprecated_labels:\n    board: ''\n    site: use `place`\n  labels:\n    \
         board: imx8\n    site: north\n  name: rack-1\n  namespace: lab\n\n",
    );
    desk.lab(|lab| lab.exporters.clear());
    let outcome = desk.jmp("get exporters").run().await;
    outcome.succeeds().prints("No resources found.\n");
    desk.jmp("get exporters -o name")
        .run()
        .await
        .succeeds()
        .prints("");
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_ones_own_unless_asked_for_all() {
    let desk = Desk::new().await;
    desk.lab(|lab| {
        let mine = Lease {
            exporter: Some("namespaces/lab/exporters/rack-1".to_owned()),
            effective_begin_time: at(BEGIN),
            tags: HashMap::from([("b".into(), "2".into()), ("a".into(), "1".into())]),
            deprecated_labels: HashMap::from([("old".into(), "use new".into())]),
            ..lease("mine", "board=sa,!nonexistent", "me")
        };
        let over = Lease {
            effective_end_time: at(1_000_000_000),
            ..lease("over", "x", "me")
        };
        lab.leases = vec![mine, lease("bobs", "board=sa", "bob"), over];
    });
    let names = async |words: &str| desk.jmp(&format!("get leases -o name {words}")).run().await;
    names("").await.succeeds().prints("mine\nover\n");
    names("-A").await.succeeds().prints("mine\nbobs\nover\n");
    names("--page-size 1 -A").await.prints("mine\nbobs\nover\n");
    names("-l board=sa,!production").await.prints("mine\n");
    names("-l board=sa,!board").await.prints("");
    names("-a --tag-filter build=1 -l board=sa")
        .await
        .prints("mine\n");
    assert_eq!(
        desk.calls().last().unwrap(),
        "ListLeases namespaces/lab 100 \"board=sa\" Some(false) \"build=1\""
    );
    let outcome = desk
        .jmp("get leases --selector board=doesnotexist")
        .run()
        .await;
    outcome.succeeds().prints("No resources found.\n");
    let outcome = desk.jmp("get lease").run().await;
    outcome
        .succeeds()
        .complains("Warning: selector label 'old' on lease 'mine' is deprecated: use new\n");
    let lines: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|it| !it.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(
        lines[0],
        [
            "NAME",
            "SELECTOR",
            "EXPIRES AT",
            "REMAINING",
            "CLIENT",
            "EXPORTER",
            "TAGS"
        ]
    );
    assert_eq!(lines[1][2], "2033-05-18 04:33:20");
    assert!(lines[1][3].contains('d'), "{lines:?}");
    assert_eq!(lines[1][4..], ["me", "rack-1", "a=1,b=2"]);
    assert_eq!(
        lines[2],
        ["over", "x", "2001-09-09 01:46:40", "expired", "me"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_controller_refuses_is_told() {
    let desk = Desk::new().await;
    for (status, expected) in [
        (
            Status::unavailable("being restarted"),
            "grpc error: being restarted",
        ),
        (
            Status::unknown("cannot be satisfied"),
            "grpc controller responded: cannot be satisfied",
        ),
        (
            Status::permission_denied("not yours"),
            "grpc error (Caused by: PERMISSION_DENIED: not yours)",
        ),
        // A lease, not the token.
        (
            Status::failed_precondition("the lease expired"),
            "grpc error (Caused by: FAILED_PRECONDITION: the lease expired)",
        ),
    ] {
        desk.lab(|lab| lab.broken = Some(status));
        let outcome = desk.jmp("get leases").run().await;
        outcome
            .fails(1)
            .prints("")
            .says(&format!("Error: {expected}\n"));
    }
    desk.client("away", "token: t\n");
    let path = desk.path("clients/away.yaml");
    let text = desk
        .read("clients/away.yaml")
        .replace(&desk.endpoint, "localhost:1");
    std::fs::write(path, text).unwrap();
    let outcome = desk.jmp("get leases --client away").run().await;
    outcome
        .fails(1)
        .complains("Error: grpc error: failed connecting to `localhost:1`");
    desk.lab(|lab| {
        lab.broken = None;
        lab.leases = vec![Lease {
            name: "l1".to_owned(),
            ..Lease::default()
        }];
    });
    let outcome = desk.jmp("get leases").run().await;
    outcome
        .fails(1)
        .complains("incorrect number of segments in identifier, expecting 4, got 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_one_place() {
    let desk = Desk::empty().await;
    let outcome = desk.jmp("get leases").run().await;
    outcome.fails(1).says(
        "Error: none of --client, --client-config is specified, and default config is not set\n",
    );
    assert!(desk.read("config.yaml").contains("current-client: null"));
    let path = desk.path("clients/nope.yaml");
    let outcome = desk.jmp("get leases --client nope").run().await;
    outcome.fails(1).says(&format!(
        "Error: Failed to load config: Client config '{}' does not exist.\n",
        path.display()
    ));
    let outcome = desk.jmp("get leases --client-config /nope").run().await;
    outcome
        .fails(1)
        .says("Error: Failed to load config: [Errno 2] No such file or directory: '/nope'\n");
    desk.client("poor", "");
    let outcome = desk.jmp("get leases --client poor").run().await;
    outcome
        .fails(1)
        .says("Error: endpoint or token not set in client config\n");
    desk.client("odd", "tokn: x\n");
    let outcome = desk.jmp("get leases --client odd").run().await;
    outcome
        .fails(1)
        .complains("Error: Failed to load config: ")
        .complains("tokn");
    // A whole client in the environment needs no file, and wins over the current one.
    desk.current("odd");
    let program = desk.jmp("get leases -o name").env("JMP_NAMESPACE", "lab");
    let program = program.env("JMP_NAME", "me").env("JMP_TOKEN", "t");
    let program = program
        .env("JMP_ENDPOINT", &desk.endpoint)
        .env("JMP_GRPC_INSECURE", "1");
    program.run().await.succeeds().prints("");
    // A file's gaps are filled.
    let outcome = desk
        .jmp("get leases -o name --client poor")
        .env("JMP_TOKEN", "t")
        .run()
        .await;
    outcome.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_written_cannot_move_the_cursor() {
    let desk = Desk::new().await;
    desk.lab(|lab| {
        lab.leases = vec![Lease {
            tags: HashMap::from([("why".to_owned(), "\x1b[2Jbecause\nmine".to_owned())]),
            ..lease("l1", "", "eve\x1b[31m")
        }];
    });
    let outcome = desk.jmp("get leases -A").run().await;
    let shown = &outcome.succeeds().stdout;
    assert!(shown.contains("eve\\u{1b}[31m"), "{outcome:?}");
    assert!(!shown.contains('\x1b'), "{outcome:?}");
    assert_eq!(shown.lines().count(), 2, "{outcome:?}");
    // Programs get it as it is.
    let outcome = desk.jmp("get leases -A -o json").run().await;
    let shown: Value = serde_json::from_str(&outcome.succeeds().stdout).unwrap();
    assert_eq!(shown["leases"][0]["client"], "eve\x1b[31m");
    desk.lab(|lab| lab.broken = Some(Status::unknown("a\x1b[2J\r\n\tb")));
    let outcome = desk.jmp("get leases").run().await;
    outcome
        .fails(1)
        .says("Error: grpc controller responded: a\\u{1b}[2J\n\tb\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_once() {
    let desk = Desk::new().await;
    let issuer = Issuer::new().await;
    let old = token(json!({"iss": issuer.url, "exp": 1}));
    let new = token(json!({"iss": issuer.url, "exp": 2_000_000_000}));
    desk.client("lab", &format!("token: {old}\nrefresh_token: r1\n"));
    desk.lab(|lab| {
        lab.expired = vec![old.clone()];
        lab.leases = vec![lease("mine", "x=1", "me")];
    });
    issuer.answers(200, json!({"access_token": new}));
    let outcome = issuer
        .trusted_by(desk.jmp("get leases -o name"))
        .run()
        .await;
    outcome.succeeds().says("").prints(
        "Token is expired, triggering re-authentication\nRe-authenticated, retrying...\nmine\n",
    );
    assert_eq!(
        issuer.forms(),
        [
            "grant_type=refresh_token&refresh_token=r1&scope=openid+profile+offline_access\
          &client_id=jumpstarter-cli"
        ]
    );
    let text = desk.read("clients/lab.yaml");
    assert!(
        text.contains(&format!("token: {new}\nrefresh_token: r1\n")),
        "{text}"
    );

    // A new token that has expired, too, is not renewed again.
    desk.lab(|lab| lab.expired.push(new.clone()));
    issuer.answers(200, json!({"access_token": new}));
    let outcome = issuer
        .trusted_by(desk.jmp("get leases -o name"))
        .run()
        .await;
    outcome
        .fails(1)
        .complains("Error: grpc error (Caused by: UNAUTHENTICATED: invalid token: ");
    assert_eq!(outcome.stdout.matches("Re-authenticated").count(), 1);

    desk.client("lab", "token: opaque\n");
    desk.lab(|lab| lab.expired.push("opaque".to_owned()));
    let outcome = desk.jmp("get leases").run().await;
    outcome
        .fails(1)
        .complains("Error: Re-authentication failed: Failed to decode JWT issuer: Invalid JWT");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_spellings_show_the_same_help() {
    for (one, other) in [
        ("get exporters", "g exporter"),
        ("get leases", "get lease"),
        ("create lease", "c leases"),
        ("update lease", "update leases"),
        ("delete leases", "del lease"),
    ] {
        let help = async |words: &str| program::jmp().words(words).arg("--help").run().await;
        let (one, other) = (help(one).await, help(other).await);
        assert_eq!(one.succeeds().stdout, other.succeeds().stdout);
        assert!(one.stdout.contains("Examples:"), "{one:?}");
    }
}
