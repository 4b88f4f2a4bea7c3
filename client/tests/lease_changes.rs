//! `jmp create`, `update` and `delete`, and a controller that answers over TLS.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod desk;
mod fake;
mod program;

use std::time::{Duration, SystemTime};

use desk::{Desk, lease};
use jumpstarter_client::config::ClientConfig;
use jumpstarter_client::lease::{Leases, Request};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_created_as_asked() {
    let desk = Desk::new().await;
    let outcome = desk
        .jmp("create lease -l old=1 -n rack-1 --duration 1h30m --begin-time 2033-05-18T03:33:20Z")
        .words("--lease-id mine --tag a=b=c --allow-disabled --context k=v --context x=y -o json")
        .run()
        .await;
    outcome.succeeds().says(
        "Warning: selector label 'old' is deprecated: use new\n\
         Warning: selector label 'older' is deprecated\n",
    );
    assert_eq!(
        desk.calls(),
        [
            "CreateLease namespaces/lab \"mine\" \"old=1\" Some(\"rack-1\") Some((5400, 0)) \
             Some(2000000000) {\"a\": \"b=c\"} [(\"k\", \"v\"), (\"x\", \"y\")] true"
        ]
    );
    let shown: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let keys: Vec<&String> = shown.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "namespace",
            "name",
            "selector",
            "exporter_name",
            "tags",
            "context",
            "duration",
            "effective_duration",
            "begin_time",
            "client",
            "exporter",
            "conditions",
            "effective_begin_time",
            "effective_end_time",
            "deprecated_labels",
        ]
    );
    assert_eq!(shown["begin_time"], "2033-05-18T03:33:20Z");
    assert_eq!(shown["context"], json!({"k": "v", "x": "y"}));
    assert_eq!(
        (&shown["client"], &shown["exporter"]),
        (&json!("me"), &json!(""))
    );

    let outcome = desk
        .jmp("create leases -l a=b --duration 1.5 -o name")
        .run()
        .await;
    outcome.succeeds().prints("new\n").says("");
    let call = desk.calls().remove(0);
    // A name of our own, so that the lease can be found if the answer gets lost.
    let id = call.split('"').nth(1).unwrap();
    assert_eq!(id.len(), 36, "{call}");
    assert_eq!(
        call.replace(id, "ours"),
        "CreateLease namespaces/lab \"ours\" \"a=b\" Some(\"\") Some((1, 500000000)) None {} [] false"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_make_no_sense_never_reach_the_controller() {
    let desk = Desk::new().await;
    for (words, expected) in [
        (
            "create lease --duration 1h",
            "one of --selector/-l or --name/-n is required",
        ),
        ("create lease -l a", "Missing option '--duration'."),
        (
            "create lease -l a --duration 1h30",
            "Invalid value for '--duration': '1h30' is not a valid duration (e.g., '30m', '3h30m', \
             '1d', '1d3h40m', 'PT1H30M', '01:30:00')",
        ),
        (
            "create lease -l a --duration 999999999999999999",
            "Invalid value for '--duration': '999999999999999999' exceeds the maximum allowed \
             duration",
        ),
        (
            "create lease -l a --duration 1h --begin-time soon",
            "Invalid value for '--begin-time': 'soon' is not a valid datetime",
        ),
        (
            "create lease -l a --duration 1h --tag x",
            "Invalid tag format: 'x' (expected key=value)",
        ),
        (
            "create lease -l a --duration 1h --context x",
            "Invalid context format: 'x' (expected key=value)",
        ),
        (
            "update lease l1",
            "At least one of --duration, --begin-time, or --to-client must be specified",
        ),
        ("update lease", "Missing argument 'NAME'."),
        (
            "get exporters --with x,leases",
            "Invalid value for '--with': Invalid value(s) ['x']. Allowed values are: leases, \
             online, status",
        ),
        (
            "get exporters -o wide",
            "Invalid value for '-o' / '--output': 'wide' is not one of 'json', 'yaml', 'name'.",
        ),
        (
            "delete leases -o yaml",
            "Invalid value for '-o' / '--output': 'yaml' is not 'name'.",
        ),
        (
            "get leases --page-size 0",
            "Invalid value for '--page-size': 0 is not in the range x>=1.",
        ),
        (
            "get leases --client a --client-config b",
            "Invalid value: only one of --client, --client-config should be specified",
        ),
        ("get e", "No such command 'e'."),
    ] {
        let outcome = desk.jmp(words).run().await;
        outcome
            .fails(2)
            .prints("")
            .complains(&format!("\n\nError: {expected}\n"));
    }
    assert_eq!(desk.calls(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_changed_by_what_is_given() {
    let desk = Desk::new().await;
    let outcome = desk
        .jmp("update lease l1 --duration 2h --begin-time 2000000000 --to-client bob -o yaml")
        .run()
        .await;
    assert!(
        outcome.succeeds().stdout.contains("\nclient: bob\n"),
        "{outcome:?}"
    );
    let outcome = desk
        .jmp("update leases l1 --begin-time 2000000000 -o name")
        .run()
        .await;
    outcome.succeeds().prints("l1\n");
    assert_eq!(
        desk.calls(),
        [
            "UpdateLease namespaces/lab/leases/l1 Some([\"duration\", \"begin_time\", \"client\"]) \
             Some(7200) Some(2000000000) Some(\"namespaces/lab/clients/bob\")",
            "UpdateLease namespaces/lab/leases/l1 Some([\"begin_time\"]) None Some(2000000000) None",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_deleted_one_by_one() {
    let desk = Desk::new().await;
    desk.lab(|lab| {
        lab.leases = vec![
            lease("a", "x=1", "me"),
            lease("b", "x=1", "bob"),
            lease("c", "y=1", "me"),
        ];
    });
    let run = async |words: &str| desk.jmp(&format!("delete leases {words}")).run().await;
    run("z a")
        .await
        .succeeds()
        .prints("lease \"z\" deleted\nlease \"a\" deleted\n");
    run("-o name a").await.succeeds().prints("a\n");
    run("-o name --all").await.succeeds().prints("a\nc\n");
    run("-o name -A").await.succeeds().prints("a\nb\nc\n");
    run("-o name -l x=1").await.succeeds().prints("a\n");
    run("-o name -l x=1 -A").await.succeeds().prints("a\nb\n");
    desk.calls();
    run("z nope a")
        .await
        .fails(1)
        .prints("lease \"z\" deleted\n")
        .says("Error: grpc error (Caused by: NOT_FOUND: leases \"nope\" not found)\n");
    assert_eq!(desk.calls().len(), 2);
    run("-l z=1")
        .await
        .fails(1)
        .says("Error: no leases found matching the criteria\n");
    run("")
        .await
        .fails(1)
        .says("Error: One of NAMES, --selector, --all or --all-clients must be specified\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_nobody_waits_for_touches_no_exporter() {
    let desk = Desk::new().await;
    desk.lab(|lab| lab.mute = 1);
    let config = ClientConfig::load(&desk.path("clients/lab.yaml")).unwrap();
    let controller = config.unwrap().controller().unwrap().unwrap();
    let leases = Leases::new(controller, "lab", "me");
    let request = Request {
        lease_id: Some("mine".to_owned()),
        ..Request::matching("a=b")
    };
    let calls = async |wanted: &str| {
        loop {
            let calls = desk.lab.lock().unwrap().calls.clone();
            if calls.iter().any(|call| call.starts_with(wanted)) {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        held = leases.hold(request) => panic!("{held:?}"),
        _ = calls("CreateLease") => {}
    }
    // It may be on its way still, so its name is taken, for a time that never comes.
    let calls = calls("DeleteLease").await;
    let [first, again, deleted] = &calls[..] else {
        panic!("{calls:#?}");
    };
    let begin = |call: &str| {
        let rest = call.strip_prefix(
            "CreateLease namespaces/lab \"mine\" \"a=b\" Some(\"\") Some((1800, 0)) ",
        );
        rest.unwrap()
            .strip_suffix(" {} [] false")
            .unwrap()
            .to_owned()
    };
    assert_eq!(begin(first), "None");
    let later = begin(again);
    let later = later
        .strip_prefix("Some(")
        .unwrap()
        .strip_suffix(')')
        .unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let ahead = later.parse::<u64>().unwrap() - now.unwrap().as_secs();
    assert!((3500..=3600).contains(&ahead), "{ahead}");
    assert_eq!(deleted, "DeleteLease namespaces/lab/leases/mine");
}
