//! What the methods of ControllerService refuse, and in which words: programs know them.

use jumpstarter_proto::v1::{
    ExporterStatus, LabelSelector, LabelSelectorRequirement, ReportStatusRequest,
    RequestLeaseRequest,
};
use tonic::Code::{
    FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted, Unavailable, Unknown,
};

use crate::lab::Lab;
use crate::methods::{
    REPORT_STATUS, REQUEST_LEASE, call, create, dial, listen, old_get_lease, release, seconds, wish,
};
use crate::people::plain;

/// A lease that runs on `board`, one that ran, one that waits, and one that never ran.
#[tokio::test]
async fn leases_are_not_for_everybody() {
    let lab = Lab::started();
    let (alice, bob) = (lab.who("Client", "alice"), lab.who("Client", "bob"));
    let _there = lab.board("board").await;
    let (board, other) = (lab.known("Exporter", "board"), lab.who("Exporter", "other"));
    let [alice, bob, board, other] = [alice, bob, board, other].map(|who| who.headers());
    let line = lab.line().await;
    for (id, who) in [
        ("served", &alice),
        ("mine", &alice),
        ("waits", &bob),
        ("past", &bob),
    ] {
        line.ask(who, &create(id, wish("name=board")))
            .await
            .unwrap();
        if matches!(id, "served" | "past") {
            line.ask(who, &release(id)).await.unwrap();
        }
    }
    let nothing = r#"leases.jumpstarter.dev "nothing" not found"#;
    let held = "lease mine is not held by exporter other";
    let (empty, denied) = ("empty lease name", "permission denied");
    for (given, who, call, code, text) in [
        ("no name", &alice, dial(""), Unknown, empty),
        ("no lease", &alice, dial("nothing"), Unknown, nothing),
        (
            "a path",
            &alice,
            dial("../lab/mine"),
            Unknown,
            r#"leases.jumpstarter.dev "../lab/mine" not found"#,
        ),
        ("another's", &bob, dial("mine"), Unknown, denied),
        (
            "one that ended, another's",
            &bob,
            dial("served"),
            Unknown,
            denied,
        ),
        (
            "one that waits",
            &bob,
            dial("waits"),
            Unknown,
            "lease not active",
        ),
        (
            "one that ended",
            &alice,
            dial("served"),
            FailedPrecondition,
            "lease has ended, its exporter is not ready for it",
        ),
        (
            "one that never began",
            &bob,
            dial("past"),
            FailedPrecondition,
            "lease has ended, its exporter is not ready for it",
        ),
        ("no name", &board, listen(""), Unknown, empty),
        ("no lease", &board, listen("nothing"), Unknown, nothing),
        (
            "another exporter's",
            &other,
            listen("mine"),
            Unknown,
            denied,
        ),
        ("one that waits", &board, listen("waits"), Unknown, denied),
        (
            "no lease",
            &alice,
            old_get_lease("nothing"),
            Unknown,
            nothing,
        ),
        (
            "no name",
            &alice,
            old_get_lease(""),
            Unknown,
            r#"leases.jumpstarter.dev "" not found"#,
        ),
        (
            "another's",
            &bob,
            old_get_lease("mine"),
            Unknown,
            "GetLease permission denied",
        ),
        ("no lease", &alice, release("nothing"), Unknown, nothing),
        (
            "another's",
            &bob,
            release("mine"),
            Unknown,
            "ReleaseLease permission denied",
        ),
        (
            "another's that ended",
            &bob,
            release("served"),
            Unknown,
            "ReleaseLease permission denied",
        ),
        (
            "no lease",
            &board,
            release("nothing"),
            NotFound,
            "lease nothing not found",
        ),
        (
            "another exporter's",
            &other,
            release("mine"),
            FailedPrecondition,
            held,
        ),
        (
            "one that waits",
            &board,
            release("waits"),
            FailedPrecondition,
            "lease waits is not held by exporter board",
        ),
    ] {
        let refused = line.refusal(who, &call).await;
        assert_eq!(refused, (code, text.to_owned()), "{}: {given}", call.path);
    }
    // Giving back what was given back is no mistake.
    for who in [&alice, &board] {
        line.ask(who, &release("served")).await.unwrap();
    }
    // Exporters that are not served a lease may say that they give it back.
    let gives_back = ReportStatusRequest {
        status: ExporterStatus::Available.into(),
        release_lease: Some(true),
        ..ReportStatusRequest::default()
    };
    line.ask(&other, &call(REPORT_STATUS, &gives_back))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_exporter_that_cannot_be_dialled_is_not() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let board = lab.board("board").await;
    let line = lab.line().await;
    line.ask(&alice, &create("mine", wish("name=board")))
        .await
        .unwrap();
    let silent = "exporter is not listening on lease mine";
    for (status, code, text) in [
        (
            ExporterStatus::Offline,
            FailedPrecondition,
            "exporter is offline",
        ),
        (
            ExporterStatus::BeforeLeaseHookFailed,
            FailedPrecondition,
            "exporter beforeLease hook failed",
        ),
        (
            ExporterStatus::AfterLeaseHookFailed,
            FailedPrecondition,
            "exporter afterLease hook failed",
        ),
        (ExporterStatus::LeaseReady, Unavailable, silent),
    ] {
        board.says(status).await;
        let refused = line.refusal(&alice, &dial("mine")).await;
        assert_eq!(refused, (code, text.to_owned()), "{status:?}");
    }
    // It listens, and does not read.
    let exporter = lab.known("Exporter", "board").headers();
    let narrow = lab.line_to(lab.ports.grpc, 1).await;
    let listening = crate::line::frame(&listen("mine").message);
    let unread = narrow
        .open(&exporter, crate::methods::LISTEN, listening)
        .await
        .unwrap();
    let mut taken = 0;
    let full = loop {
        match line.ask(&alice, &dial("mine")).await {
            Ok(_) => taken += 1,
            Err(status) => break (status.code(), status.message().to_owned()),
        }
    };
    assert_eq!(
        full,
        (
            ResourceExhausted,
            "listener buffer full on lease mine".to_owned()
        )
    );
    // One or two are on their way.
    assert!((64..=66).contains(&taken), "{taken}");
    drop(unread);
    // Whoever deletes an exporter ends its lease.
    lab.works(&["exporter", "delete", "board"]);
    let refused = line.refusal(&alice, &dial("mine")).await;
    assert_eq!(
        refused,
        (
            FailedPrecondition,
            "lease has ended, its exporter is not ready for it".to_owned()
        )
    );
}

#[tokio::test]
async fn old_clients_ask_for_something() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let ask = |labels: &[(&str, &str)], expressions: &[(&str, &str, &[&str])], length: i64| {
        let text = |text: &&str| (*text).to_owned();
        let expressions =
            expressions
                .iter()
                .map(|(key, operator, values)| LabelSelectorRequirement {
                    key: text(key),
                    operator: text(operator),
                    values: values.iter().map(text).collect(),
                });
        let labels = labels.iter().map(|(key, value)| (text(key), text(value)));
        let selector = LabelSelector {
            match_expressions: expressions.collect(),
            match_labels: labels.collect(),
        };
        let duration = Some(length).filter(|length| *length != 0);
        call(
            REQUEST_LEASE,
            &RequestLeaseRequest {
                duration: duration.and_then(seconds),
                selector: Some(selector),
            },
        )
    };
    let a = ("a", "b");
    let endless = "duration is required (must specify Duration, or both BeginTime and EndTime)";
    let value = r#"invalid selector: "b c" is not a valid value for the label "a""#;
    for (given, call, code, text) in [
        ("no duration", ask(&[a], &[], 0), Unknown, endless),
        (
            "a negative one",
            ask(&[a], &[], -2),
            Unknown,
            "duration must be positive, got -2s",
        ),
        (
            "nothing",
            ask(&[], &[], 9),
            Unknown,
            "one of selector or exporterRef.name is required",
        ),
        (
            "a strange operator",
            ask(&[], &[("a", "Gt", &["1"])], 9),
            InvalidArgument,
            "unsupported label selector operator: Gt",
        ),
        (
            "a key that cannot be",
            ask(&[("a b", "c")], &[], 9),
            Unknown,
            r#"invalid selector: "a b" is not a valid label key"#,
        ),
        (
            "a value that cannot be",
            ask(&[("a", "b c")], &[], 9),
            Unknown,
            value,
        ),
        (
            "an expression's value",
            ask(&[], &[("a", "In", &["b c"])], 9),
            Unknown,
            value,
        ),
        (
            "no values",
            ask(&[], &[("a", "In", &[])], 9),
            Unknown,
            "`In` for label `a` needs values",
        ),
        (
            "needless values",
            ask(&[], &[("a", "Exists", &["b"])], 9),
            Unknown,
            "`Exists` for label `a` takes no values",
        ),
    ] {
        let (heard, told) = line.refusal(&alice, &call).await;
        assert_eq!(heard, code, "{given}: {told}");
        assert!(told.contains(text), "{given}: {told}");
    }
    let good = ask(
        &[a],
        &[("c", "In", &["d", "e"]), ("f", "DoesNotExist", &[])],
        60,
    );
    line.ask(&alice, &good).await.unwrap();
}

#[tokio::test]
async fn what_nobody_serves_is_told() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    for path in [
        "jumpstarter.v1.ControllerService/Nothing",
        "jumpstarter.v1.ExporterService/GetReport",
        "nothing.at.All/Nothing",
        "nothing",
    ] {
        let unknown = crate::methods::Call {
            path,
            message: Vec::new(),
        };
        let (code, _) = line.refusal(&alice, &unknown).await;
        assert_eq!(code, tonic::Code::Unimplemented, "{path}");
    }
    // A caller without any headers is refused like all others.
    let (code, text) = line.refusal(&plain(), &dial("mine")).await;
    assert_eq!(
        (code, text.as_str()),
        (tonic::Code::Unauthenticated, "missing authorization header")
    );
}
