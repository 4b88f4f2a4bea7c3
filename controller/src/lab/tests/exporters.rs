//! Exporters connect, report, and go.

use super::*;

#[tokio::test]
async fn only_labels_with_our_prefix_are_an_exporters_to_tell() {
    let bench = Bench::new().await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let known = bench.lab.exporter(&exporter.key).unwrap();
    assert_eq!(known.all_labels(), labels("board=x,jumpstarter.dev/name=x"));
    assert!(known.is_registered() && known.online);
}

#[tokio::test]
async fn its_streams_see_what_becomes_of_an_exporter() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let mut states = bench.lab.watch(exporter.uid);
    assert_eq!(states.borrow_and_update().assignment, None);
    let lease = bench.lease("alice", "board=x").await;
    states.changed().await.unwrap();
    let assignment = states.borrow_and_update().assignment.clone().unwrap();
    assert_eq!(
        (assignment.lease, assignment.client),
        (lease.key.name.clone(), "alice".to_owned())
    );
    bench.client("bob").await;
    let update = LeaseUpdate {
        owner: Some("bob".to_owned()),
        ..LeaseUpdate::default()
    };
    let by = Some("alice".to_owned());
    bench
        .lab
        .update_lease(lease.key.clone(), by, update)
        .await
        .unwrap();
    states.changed().await.unwrap();
    assert_eq!(
        states
            .borrow_and_update()
            .assignment
            .as_ref()
            .unwrap()
            .client,
        "bob"
    );
    bench.report(&exporter, ExporterStatus::LeaseReady).await;
    states.changed().await.unwrap();
    assert_eq!(
        states.borrow_and_update().reported,
        Some(reported(ExporterStatus::LeaseReady))
    );
    bench
        .lab
        .delete_exporter(exporter.key.clone(), ADMIN)
        .await
        .unwrap();
    states.changed().await.unwrap();
    assert!(states.borrow_and_update().gone);
}

#[tokio::test]
async fn a_goodbye_leaves_the_lease_alone() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    bench
        .lab
        .unregister(exporter.uid, "rebooting".to_owned())
        .await
        .unwrap();
    drop(present);
    let known = bench.lab.exporter(&exporter.key).unwrap();
    assert!(!known.is_registered() && !known.online);
    assert_eq!(known.reported.as_ref().unwrap().message, "rebooting");
    assert_eq!(bench.now(&lease).await.state, LeaseState::Active);
}

#[tokio::test]
async fn an_old_exporter_that_never_says_anything_becomes_leasable_again() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, present) = bench.exporter("a", "board=x").await;
    bench.report(&exporter, ExporterStatus::Offline).await;
    drop(present);
    let lease = bench.lease("alice", "board=x").await;
    assert_eq!(
        condition(&lease, ConditionType::Pending),
        Some((true, "Offline"))
    );
    let _present = bench.lab.arrive(exporter.uid).await.unwrap();
    assert_eq!(bench.lab.exporter(&exporter.key).unwrap().reported, None);
    assert_eq!(bench.now(&lease).await.state, LeaseState::Active);
}

#[tokio::test]
async fn deleting_one_ends_its_lease_and_its_credentials() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let credential = crate::model::Credential {
        jti: "1".to_owned(),
        kind: crate::model::CredentialKind::Exporter,
        owner: exporter.uid,
        label: String::new(),
        key_id: "k".to_owned(),
        issued: Time::now(),
        expires: micros_from_now(60_000_000),
        revoked: None,
    };
    bench
        .lab
        .keep_credential(credential, exporter.key.clone(), None, ADMIN)
        .await
        .unwrap();
    let lease = bench.lease("alice", "board=x").await;
    bench
        .lab
        .delete_exporter(exporter.key.clone(), ADMIN)
        .await
        .unwrap();
    let lease = bench.now(&lease).await;
    assert_eq!(lease.end_reason, Some(EndReason::Deleted));
    assert_eq!(lease.exporter.as_ref().unwrap().name, "a", "for the record");
    assert!(bench.lab.credential("1").is_none());
    let bench = bench.again().await;
    assert!(bench.lab.exporter(&exporter.key).is_none());
    assert!(bench.lab.credential("1").is_none());
}

#[tokio::test]
async fn names_and_labels_that_cannot_be_are_refused() {
    let bench = Bench::new().await;
    let new = |name: &str, text: &str| NewExporter {
        key: key(name),
        labels: labels(text),
        username: None,
        migrated: None,
    };
    for (name, text) in [
        ("A", "a=b"),
        ("", "a=b"),
        ("a/b", "a=b"),
        ("a", "a b=c"),
        ("a", "a=b c"),
    ] {
        let refused = bench.lab.create_exporter(new(name, text), ADMIN).await;
        assert!(
            matches!(refused, Err(LabError::Invalid(_))),
            "{name} {text}: {refused:?}"
        );
    }
    bench
        .lab
        .create_exporter(new("a", "a=b"), ADMIN)
        .await
        .unwrap();
    let twice = bench.lab.create_exporter(new("a", "a=b"), ADMIN).await;
    assert_eq!(
        twice.unwrap_err().to_string(),
        "exporters.jumpstarter.dev \"a\" already exists"
    );
}

#[tokio::test]
async fn two_who_change_different_labels_do_not_undo_each_other() {
    let bench = Bench::new().await;
    let (exporter, _present) = bench.exporter("a", "board=x,old=1").await;
    let alter = |changes: &[(&str, Option<&str>)]| {
        let labels = changes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)));
        let change = ExporterChange {
            labels: labels.collect(),
            ..ExporterChange::default()
        };
        bench
            .lab
            .alter_exporter(exporter.key.clone(), change, ADMIN)
    };
    let rename = ExporterChange {
        username: Some(Some("dex:a".to_owned())),
        ..ExporterChange::default()
    };
    let (room, old, rename) = tokio::join!(
        alter(&[("room", Some("7"))]),
        alter(&[("old", None)]),
        bench
            .lab
            .alter_exporter(exporter.key.clone(), rename, ADMIN),
    );
    for altered in [room, old, rename] {
        altered.unwrap();
    }
    let known = bench.lab.exporter(&exporter.key).unwrap();
    assert_eq!(known.labels, labels("board=x,room=7"));
    assert!(alter(&[("no label", Some("7"))]).await.is_err());
}

#[tokio::test]
async fn the_record_says_who_did_what() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    bench.client("bob").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let lab = &bench.lab;
    let change = ExporterChange {
        labels: [("room".to_owned(), Some("7".to_owned()))].into(),
        enabled: Some(false),
        username: Some(Some("dex:a".to_owned())),
    };
    let altered = lab.alter_exporter(exporter.key.clone(), change, ADMIN);
    altered.await.unwrap();
    let mut new = wanted("alice", "");
    new.pinned = Some("a".to_owned());
    new.allow_disabled = true;
    let lease = lab.create_lease_for(new, "admin:root").await.unwrap();
    let update = LeaseUpdate {
        duration: Some(minutes(3)),
        owner: Some("bob".to_owned()),
        ..LeaseUpdate::default()
    };
    let altered = lab.alter_lease(lease.key.clone(), update, "admin:root");
    altered.await.unwrap();
    let query = crate::store::AuditQuery {
        most: 100,
        ..Default::default()
    };
    let record = lab.store().audit(query).await.unwrap();
    let said = |what: &str| {
        let event = record.iter().find(|event| event.what == what).unwrap();
        format!("{}: {}", event.actor, event.detail)
    };
    assert_eq!(
        said("ExporterChanged"),
        "admin:test: labels +room=7; enabled true -> false; username - -> dex:a"
    );
    assert_eq!(said("LeaseCreated"), "admin:root: of client alice");
    assert_eq!(
        said("LeaseUpdated"),
        "admin:root: duration 1m0s -> 3m0s; client alice -> bob"
    );
}

#[tokio::test]
async fn a_namespace_can_be_read_wherever_it_is_told() {
    let bench = Bench::new().await;
    for namespace in ["a/b", "a:b", "", "A", "a b"] {
        let new = NewExporter {
            key: Key::new(namespace, "board"),
            labels: Labels::new(),
            username: None,
            migrated: None,
        };
        let refused = bench.lab.create_exporter(new, ADMIN).await.unwrap_err();
        assert!(refused.to_string().starts_with("namespace \""), "{refused}");
    }
}
