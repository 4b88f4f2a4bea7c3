//! Leases begin, change, and end.

use super::*;

#[tokio::test]
async fn a_lease_begins_at_once_where_one_is_free() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    assert_eq!(lease.state, LeaseState::Active);
    assert_eq!(lease.exporter.as_ref().unwrap().uid, exporter.uid);
    assert_eq!(
        condition(&lease, ConditionType::Ready),
        Some((true, "Ready"))
    );
    assert_eq!(
        lease.end(),
        lease
            .began
            .map(|began| began.after(Duration::from_secs(60)))
    );
}

#[tokio::test]
async fn a_lease_is_given_back_by_those_who_may() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let (other, _there) = bench.exporter("b", "board=y").await;
    let lease = bench.lease("alice", "board=x").await;
    let release = |by| bench.lab.release_lease(lease.key.clone(), by);
    let exporter_is = |exporter: &Exporter| By::Exporter {
        uid: exporter.uid,
        name: exporter.key.name.clone(),
    };
    let bob = release(By::Client("bob".to_owned())).await.unwrap_err();
    assert_eq!(bob.to_string(), "ReleaseLease permission denied");
    let stranger = release(exporter_is(&other)).await.unwrap_err();
    assert_eq!(
        stranger.to_string(),
        format!("lease {} is not held by exporter b", lease.key.name)
    );
    release(exporter_is(&exporter)).await.unwrap();
    let ended = bench.now(&lease).await;
    assert_eq!(ended.end_reason, Some(EndReason::Released));
    assert_eq!(
        condition(&ended, ConditionType::Ready),
        Some((false, "Released"))
    );
    // Again, and by the others: as before, or no matter.
    release(exporter_is(&exporter)).await.unwrap();
    release(By::Client("alice".to_owned())).await.unwrap();
    assert!(release(By::Client("bob".to_owned())).await.is_err());
    let twice = bench
        .lab
        .delete_lease(lease.key.clone(), By::Client("alice".to_owned()))
        .await;
    assert_eq!(
        twice.unwrap_err().to_string(),
        format!(
            "lease \"namespaces/lab/leases/{}\" has already been released",
            lease.key.name
        )
    );
}

#[tokio::test]
async fn an_exporter_may_give_its_lease_back_with_its_status() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    let after = reported(ExporterStatus::AfterLeaseHook);
    bench.lab.report(exporter.uid, after, true).await.unwrap();
    assert_eq!(
        bench.now(&lease).await.end_reason,
        Some(EndReason::Released)
    );
    let again = reported(ExporterStatus::Available);
    bench.lab.report(exporter.uid, again, true).await.unwrap();
}

#[tokio::test]
async fn a_lease_ends_when_its_time_is_up() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let mut states = bench.lab.watch(exporter.uid);
    let mut new = wanted("alice", "board=x");
    new.wish.duration = Some(Length { micros: 50_000 });
    let lease = bench.lab.create_lease(new).await.unwrap();
    assert_eq!(lease.state, LeaseState::Active);
    states
        .wait_for(|state| state.assignment.is_some())
        .await
        .unwrap();
    states
        .wait_for(|state| state.assignment.is_none())
        .await
        .unwrap();
    let ended = bench.now(&lease).await;
    assert_eq!(ended.end_reason, Some(EndReason::Expired));
    assert!(ended.ended.unwrap() >= lease.end().unwrap());
    assert_eq!(
        condition(&ended, ConditionType::Ready),
        Some((false, "Expired"))
    );
}

#[tokio::test]
async fn a_lease_waits_for_its_time() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (exporter, _present) = bench.exporter("a", "board=x").await;
    let mut states = bench.lab.watch(exporter.uid);
    let mut new = wanted("alice", "board=x");
    new.wish.begin = Some(micros_from_now(100_000));
    let lease = bench.lab.create_lease(new).await.unwrap();
    assert_eq!(lease.state, LeaseState::Scheduled);
    assert_eq!(lease.conditions.iter().len(), 0);
    states
        .wait_for(|state| state.assignment.is_some())
        .await
        .unwrap();
    let begun = bench.now(&lease).await;
    assert!(begun.began >= lease.not_before);
    assert_eq!(
        begun.end(),
        lease
            .not_before
            .map(|begin| begin.after(Duration::from_secs(60)))
    );
}

#[tokio::test]
async fn a_lease_whose_window_has_passed_begins_and_ends() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let mut new = wanted("alice", "board=x");
    new.wish = Wish {
        begin: Some(micros_from_now(-20_000_000)),
        end: Some(micros_from_now(-10_000_000)),
        duration: None,
    };
    let lease = bench.lab.create_lease(new).await.unwrap();
    assert_eq!(lease.end_reason, Some(EndReason::Expired));
    assert!(lease.began.is_some());
    assert_eq!(
        bench.lease("alice", "board=x").await.state,
        LeaseState::Active
    );
}

#[tokio::test]
async fn times_can_be_changed_until_they_have_passed() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    let update = |update| {
        bench
            .lab
            .update_lease(lease.key.clone(), Some("alice".to_owned()), update)
    };
    let longer = update(LeaseUpdate {
        duration: Some(minutes(30)),
        ..LeaseUpdate::default()
    });
    assert_eq!(
        longer.await.unwrap().duration,
        Some(Duration::from_secs(1800))
    );
    let moved = update(LeaseUpdate {
        begin: Some(micros_from_now(1_000_000)),
        ..LeaseUpdate::default()
    });
    assert_eq!(
        moved.await.unwrap_err().to_string(),
        "cannot update BeginTime: lease has already started"
    );
    let negative = update(LeaseUpdate {
        duration: Some(Length { micros: -2_000_000 }),
        ..LeaseUpdate::default()
    });
    assert_eq!(
        negative.await.unwrap_err().to_string(),
        "duration must be positive, got -2s"
    );
    tokio::time::sleep(short()).await;
    let over = update(LeaseUpdate {
        duration: Some(Length { micros: 1 }),
        ..LeaseUpdate::default()
    });
    assert_eq!(over.await.unwrap().end_reason, Some(EndReason::Expired));
    let late = update(LeaseUpdate {
        duration: Some(minutes(5)),
        ..LeaseUpdate::default()
    });
    assert_eq!(late.await.unwrap_err().to_string(), "lease has ended");
    let bob = bench.lab.update_lease(
        lease.key.clone(),
        Some("bob".to_owned()),
        LeaseUpdate::default(),
    );
    assert_eq!(
        bob.await.unwrap_err().to_string(),
        "UpdateLease permission denied"
    );
}

#[tokio::test]
async fn a_lease_is_handed_over_only_to_somebody_who_is_there() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    bench.client("bob").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    let waiting = bench.lease("alice", "board=x").await;
    let hand = |lease: &Lease, to: &str| {
        let update = LeaseUpdate {
            owner: Some(to.to_owned()),
            ..LeaseUpdate::default()
        };
        bench
            .lab
            .update_lease(lease.key.clone(), Some("alice".to_owned()), update)
    };
    assert_eq!(
        hand(&waiting, "bob").await.unwrap_err().to_string(),
        "cannot transfer lease: lease has not started yet"
    );
    let nobody = hand(&lease, "carol").await.unwrap_err().to_string();
    assert!(nobody.starts_with("target client not found: "), "{nobody}");
    assert_eq!(hand(&lease, "bob").await.unwrap().owner, "bob");
    assert!(matches!(
        hand(&lease, "alice").await,
        Err(LabError::NotOwner { .. })
    ));
}

#[tokio::test]
async fn a_lease_is_handed_over_only_to_somebody_whom_a_policy_allows() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    for (name, team) in [("bob", "team=ci"), ("carol", "team=apps")] {
        let new = NewClient {
            key: key(name),
            labels: labels(team),
            username: None,
            migrated: None,
            provisioned: false,
        };
        bench.lab.create_client(new, ADMIN).await.unwrap();
    }
    let rule = |from: &str, most: u64| Rule {
        from: vec![from.parse().unwrap()],
        maximum: Some(Duration::from_secs(most)),
        ..Rule::default()
    };
    let apply = |rules: Vec<Rule>| {
        let policy = NewPolicy {
            key: key("teams"),
            exporters: "".parse().unwrap(),
            rules,
        };
        bench.lab.apply_policy(policy, ADMIN)
    };
    apply(vec![rule("team=apps", 600)]).await.unwrap();
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    let hand = |to: &str| {
        let update = LeaseUpdate {
            owner: Some(to.to_owned()),
            ..LeaseUpdate::default()
        };
        let by = Some("alice".to_owned());
        bench.lab.update_lease(lease.key.clone(), by, update)
    };
    let refused = "no policy allows the exporter a for 1m0s";
    assert_eq!(hand("bob").await.unwrap_err().to_string(), refused);
    // Allowed, but not for so long.
    let brief = vec![rule("team=apps", 600), rule("team=ci", 30)];
    apply(brief).await.unwrap();
    assert_eq!(hand("bob").await.unwrap_err().to_string(), refused);
    assert_eq!(bench.now(&lease).await.owner, "alice");
    assert_eq!(hand("carol").await.unwrap().owner, "carol");
}

#[tokio::test]
async fn names_are_used_once() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let named = || NewLease {
        name: Some("nightly".to_owned()),
        ..wanted("alice", "board=x")
    };
    let (first, second) = tokio::join!(
        bench.lab.create_lease(named()),
        bench.lab.create_lease(named())
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let lease = first.or(second).unwrap();
    bench.release(&lease).await;
    let ended = bench.lab.create_lease(named()).await.unwrap_err();
    assert_eq!(
        ended.to_string(),
        "leases.jumpstarter.dev \"nightly\" already exists"
    );
    let bench = bench.again().await;
    assert!(bench.lab.create_lease(named()).await.is_err(), "for ever");
}

#[tokio::test]
async fn lists_are_filtered_by_what_was_asked_for_and_by_tags() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let mut tagged = wanted("alice", "board=x,rack in (1,2)");
    tagged.tags = labels("job=7");
    let first = bench.lab.create_lease(tagged).await.unwrap();
    assert_eq!(
        condition(&first, ConditionType::Unsatisfiable),
        Some((true, "NoAccess"))
    );
    let second = bench.lease("alice", "board=x").await;
    let names = |text: &str, ended: bool, page: Page| {
        let query = LeaseQuery {
            namespace: "lab".to_owned(),
            labels: text.parse().unwrap(),
            ended,
            page,
        };
        let lab = bench.lab.clone();
        async move {
            let leases = lab.leases(query).await.unwrap();
            leases
                .iter()
                .map(|lease| lease.key.name.clone())
                .collect::<Vec<_>>()
        }
    };
    let (one, two) = (first.key.name.clone(), second.key.name.clone());
    let all = Page::default;
    assert_eq!(names("", false, all()).await, std::slice::from_ref(&two));
    assert_eq!(names("", true, all()).await, [one.clone(), two.clone()]);
    assert_eq!(
        names("board=x", true, all()).await,
        [one.clone(), two.clone()]
    );
    assert_eq!(
        names("metadata.jumpstarter.dev/job=7", true, all()).await,
        std::slice::from_ref(&one)
    );
    assert_eq!(
        names("jumpstarter.dev/lease-ended=true", true, all()).await,
        std::slice::from_ref(&one)
    );
    let page = |after: Option<String>| Page {
        after,
        most: Some(1),
    };
    assert_eq!(
        names("", true, page(None)).await,
        std::slice::from_ref(&one)
    );
    assert_eq!(
        names("", true, page(Some(one))).await,
        std::slice::from_ref(&two)
    );
    assert!(names("", true, page(Some(two))).await.is_empty());
}
