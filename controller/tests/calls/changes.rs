//! What can be changed of a lease, by whom, and how far.

use jumpstarter_proto::client_v1::Lease;
use tonic::Code::{self, FailedPrecondition, InvalidArgument, Unknown};

use crate::lab::Lab;
use crate::methods::{Call, at, create, delete, get_lease, lease_named, seconds, update, wish};

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
        duration: Some(prost_types::Duration {
            seconds: 0,
            nanos: 1_000,
        }),
        ..lease_named("mine")
    };
    let lease: Lease = line.get(&bob, &update(shorter, &["duration"])).await;
    assert!(lease.effective_end_time.is_some(), "{lease:?}");
    let lease: Lease = line
        .get(&alice, &get_lease("namespaces/lab/leases/later"))
        .await;
    assert!(lease.effective_begin_time.is_some(), "{lease:?}");
}
