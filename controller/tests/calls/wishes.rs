//! Leases that cannot be: times, tags, contexts, changes, and simply too much.

use std::collections::HashMap;

use jumpstarter_proto::client_v1::{CreateLeaseRequest, Lease, UpdateLeaseRequest};
use prost_types::{Duration, Timestamp};
use tonic::Code::{self, FailedPrecondition, InvalidArgument, OutOfRange, Unknown};

use crate::lab::Lab;
use crate::methods::{
    CREATE_LEASE, Call, UPDATE_LEASE, at, call, create, delete, get_lease, lease_named, seconds,
    update, wish,
};

const CONFLICT: &str = "duration conflicts with begin_time and end_time";
const ENDLESS: &str = "duration is required (must specify Duration, or both BeginTime and EndTime)";
/// The last second that protobuf knows.
const LAST: i64 = 253_402_300_799;
const FIRST: i64 = -62_135_596_800;

type Times = (Option<Timestamp>, Option<Timestamp>, Option<Duration>);

fn timed((begin_time, end_time, duration): Times) -> Lease {
    Lease {
        begin_time,
        end_time,
        duration,
        ..wish("a=b")
    }
}

fn nanos(seconds: i64, nanos: i32) -> Option<Duration> {
    Some(Duration { seconds, nanos })
}

fn moment(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

#[tokio::test]
async fn times_have_to_make_sense() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let long = "duration must be at most 876000h0m0s, got ";
    let (length, begin, end) = (
        "duration is out of range",
        "begin_time is out of range",
        "end_time is out of range",
    );
    let rows: [(&str, Times, &str); 25] = [
        ("nothing", (None, None, None), ENDLESS),
        ("a beginning", (at(1_000), None, None), ENDLESS),
        ("an end", (None, at(1_000), None), ENDLESS),
        (
            "three that differ",
            (at(1_000), at(2_000), seconds(3_000)),
            CONFLICT,
        ),
        (
            "no time at all",
            (None, None, seconds(0)),
            "duration must be positive, got 0s",
        ),
        (
            "less than none",
            (None, None, seconds(-2)),
            "duration must be positive, got -2s",
        ),
        (
            "less than can be told",
            (None, None, nanos(0, 999)),
            "duration must be positive, got 0s",
        ),
        (
            "an end before the beginning",
            (at(2_000), at(1_000), None),
            "duration must be positive, got -16m40s",
        ),
        (
            "an end at the beginning",
            (at(1_000), at(1_000), None),
            "duration must be positive, got 0s",
        ),
        ("too much", (None, None, seconds(876_000 * 3600 + 1)), long),
        ("too much between two times", (at(0), at(LAST), None), long),
        (
            "more than protobuf knows",
            (None, None, seconds(315_576_000_001)),
            length,
        ),
        (
            "more than there is",
            (None, None, seconds(i64::MAX)),
            length,
        ),
        (
            "less than there is",
            (None, None, seconds(i64::MIN)),
            length,
        ),
        (
            "too many nanoseconds",
            (None, None, nanos(1, 1_000_000_000)),
            length,
        ),
        (
            "nanoseconds of another sign",
            (None, None, nanos(1, -1)),
            length,
        ),
        (
            "a beginning in the year 10000",
            (at(LAST + 1), None, seconds(1)),
            begin,
        ),
        (
            "a beginning in the year 0",
            (at(FIRST - 1), None, seconds(1)),
            begin,
        ),
        (
            "a beginning beyond all",
            (at(i64::MAX), None, seconds(1)),
            begin,
        ),
        (
            "a beginning with many nanoseconds",
            (moment(1, 1_000_000_000), None, seconds(1)),
            begin,
        ),
        (
            "a beginning with negative ones",
            (moment(1, -1), None, seconds(1)),
            begin,
        ),
        (
            "an end in the year 10000",
            (None, at(LAST + 1), seconds(1)),
            end,
        ),
        ("an end before all", (at(0), at(i64::MIN), None), end),
        (
            "beyond the year 9999",
            (at(LAST), None, seconds(1)),
            "the lease would end after the year 9999",
        ),
        (
            "before the year 1",
            (None, at(FIRST), seconds(1)),
            "the lease would begin before the year 1",
        ),
    ];
    for (given, times, text) in &rows {
        let (code, told) = line.refusal(&alice, &create("", timed(*times))).await;
        assert_eq!(code, Unknown, "{given}: {told}");
        if text.ends_with(' ') {
            assert!(told.starts_with(text), "{given}: {told}");
        } else {
            assert_eq!(told, *text, "{given}");
        }
    }
    // The same words when a lease is changed.
    line.ask(
        &alice,
        &create("mine", timed((at(LAST - 9_000), None, seconds(60)))),
    )
    .await
    .unwrap();
    for (given, (begin_time, end_time, duration), text) in &rows[9..] {
        let change = Lease {
            begin_time: *begin_time,
            end_time: *end_time,
            duration: *duration,
            ..lease_named("mine")
        };
        let (code, told) = line.refusal(&alice, &update(change, &[])).await;
        assert_eq!(code, Unknown, "{given}: {told}");
        assert!(told.starts_with(text.trim_end()), "{given}: {told}");
    }
    // Strange, and good.
    for times in [
        (at(-1_000), None, seconds(1)),
        (None, at(1_000), seconds(600)),
        (at(LAST - 60), None, seconds(60)),
        (at(1_000), at(2_000), seconds(1_000)),
        (at(1_000), at(2_000), seconds(0)),
        (moment(1_000, 999_999_999), None, nanos(0, 1_000)),
        (None, None, seconds(876_000 * 3600)),
    ] {
        line.ask(&alice, &create("", timed(times)))
            .await
            .unwrap_or_else(|status| panic!("{times:?}: {status}"));
    }
}

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
async fn leases_are_changed_by_their_owners_within_reason() {
    let lab = Lab::started();
    let (alice, bob) = (
        lab.who("Client", "alice").headers(),
        lab.who("Client", "bob").headers(),
    );
    let _board = lab.board("board").await;
    let line = lab.line().await;
    line.ask(&alice, &create("mine", wish("name=board")))
        .await
        .unwrap();
    line.ask(&alice, &create("later", wish("name=board")))
        .await
        .unwrap();
    line.ask(&bob, &create("over", wish("name=board")))
        .await
        .unwrap();
    line.ask(&bob, &delete("namespaces/lab/leases/over"))
        .await
        .unwrap();
    let to = |name: &str, client: &str| Lease {
        client: Some(client.to_owned()),
        ..lease_named(name)
    };
    let longer = |name: &str| Lease {
        duration: seconds(7200),
        ..lease_named(name)
    };
    let nothing = r#"leases.jumpstarter.dev "nothing" not found"#;
    let released = r#"lease "namespaces/lab/leases/over" has already been released"#;
    let target = r#"target client not found: clients.jumpstarter.dev "carol" not found"#;
    let strange = "invalid update_mask: there is no `selector` to be changed; `begin_time`, `client`, `duration` and `end_time` are";
    let rows: [(&str, &http::HeaderMap, Call, Code, &str); 13] = [
        (
            "no lease",
            &alice,
            update(longer("nothing"), &[]),
            Unknown,
            nothing,
        ),
        (
            "another's",
            &bob,
            update(longer("mine"), &[]),
            Unknown,
            "UpdateLease permission denied",
        ),
        (
            "another's that is over",
            &alice,
            update(longer("over"), &[]),
            Unknown,
            "UpdateLease permission denied",
        ),
        (
            "one that is over",
            &bob,
            update(longer("over"), &[]),
            FailedPrecondition,
            "lease has ended",
        ),
        (
            "a beginning that was",
            &alice,
            update(
                Lease {
                    begin_time: at(1),
                    ..longer("mine")
                },
                &[],
            ),
            Unknown,
            "cannot update BeginTime: lease has already started",
        ),
        (
            "nobody",
            &alice,
            update(to("mine", "namespaces/lab/clients/carol"), &[]),
            Unknown,
            target,
        ),
        (
            "elsewhere",
            &alice,
            update(to("mine", "namespaces/abc/clients/bob"), &[]),
            Unknown,
            "cannot transfer lease to client in different namespace",
        ),
        (
            "no name",
            &alice,
            update(to("mine", "bob"), &[]),
            InvalidArgument,
            r#"invalid number of segments in identifier "bob", expecting 4, got 1"#,
        ),
        (
            "too early",
            &alice,
            update(to("later", "namespaces/lab/clients/bob"), &[]),
            Unknown,
            "cannot transfer lease: lease has not started yet",
        ),
        (
            "a mask of something else",
            &alice,
            update(longer("mine"), &["duration", "selector"]),
            InvalidArgument,
            strange,
        ),
        (
            "no lease",
            &alice,
            delete("namespaces/lab/leases/nothing"),
            Unknown,
            nothing,
        ),
        (
            "another's",
            &bob,
            delete("namespaces/lab/leases/mine"),
            Unknown,
            "DeleteLease permission denied",
        ),
        (
            "one that was given back",
            &bob,
            delete("namespaces/lab/leases/over"),
            FailedPrecondition,
            released,
        ),
    ];
    for (given, who, call, code, text) in &rows {
        let refused = line.refusal(who, call).await;
        assert_eq!(
            refused,
            (*code, (*text).to_owned()),
            "{}: {given}",
            call.path
        );
    }
    // A mask says which of the fields count.
    let change = Lease {
        client: Some("namespaces/lab/clients/bob".to_owned()),
        ..longer("mine")
    };
    let lease: Lease = line
        .get(&alice, &update(change.clone(), &["duration"]))
        .await;
    assert_eq!(
        (lease.client.as_deref(), lease.duration),
        (Some("namespaces/lab/clients/alice"), seconds(7200))
    );
    let lease: Lease = line.get(&alice, &update(change.clone(), &["*"])).await;
    assert_eq!(lease.client.as_deref(), Some("namespaces/lab/clients/bob"));
    // It is not hers any more.
    let refused = line.refusal(&alice, &update(longer("mine"), &[])).await;
    assert_eq!(
        refused,
        (Unknown, "UpdateLease permission denied".to_owned())
    );
    let refused = line.refusal(&alice, &crate::methods::dial("mine")).await;
    assert_eq!(refused, (Unknown, "permission denied".to_owned()));
    // One that becomes shorter than it has been is over.
    let shorter = Lease {
        duration: nanos(0, 1_000),
        ..lease_named("mine")
    };
    let lease: Lease = line.get(&bob, &update(shorter, &["duration"])).await;
    assert!(lease.effective_end_time.is_some(), "{lease:?}");
    let lease: Lease = line
        .get(&alice, &get_lease("namespaces/lab/leases/later"))
        .await;
    assert!(lease.effective_begin_time.is_some(), "{lease:?}");
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
