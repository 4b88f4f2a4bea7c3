//! Retention, and reading what is left of the past.

use std::time::Duration;

use super::*;

const NOW: Time = Time(1_000_000_000);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A retention that keeps everything.
fn all() -> Retention {
    Retention {
        leases: Duration::MAX,
        most_leases: usize::MAX,
        names: Duration::MAX,
        audit: Duration::MAX,
        most_audit: usize::MAX,
        credentials: Duration::MAX,
    }
}

/// Leases `000`, `001` and so on, that ended one second after the other, the last of them now.
async fn lab(folder: &TempDir, count: usize) -> Store {
    let store = Store::open(database(folder)).unwrap();
    let changes = (0..count).flat_map(|at| {
        let time = NOW.before(seconds((count - 1 - at) as u64));
        let name = format!("{at:05}");
        [ended(&name, time), happened(&name, time)]
    });
    store.commit(changes.collect()).await.unwrap();
    fill(&store).await;
    store
}

#[tokio::test]
async fn leases_that_ended_long_ago_are_forgotten_a_little_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = lab(&folder, 250).await;
    let retention = Retention {
        leases: seconds(10),
        ..all()
    };
    let mut left = Vec::new();
    while store.forget(retention, NOW).await.unwrap() {
        left.push(all_leases(&store).await.len());
    }
    // Eleven that ended within ten seconds, and two that have not ended.
    assert_eq!(left, [153, 53]);
    let names = all_leases(&store).await;
    assert_eq!((names.len(), names[0].as_str()), (13, "00239"));
    assert_eq!(names[11..], ["1", "2"]);
}

#[tokio::test]
async fn of_many_leases_the_latest_are_kept_and_those_whose_names_are_reserved() {
    let folder = tempfile::tempdir().unwrap();
    let store = lab(&folder, 100).await;
    let retention = Retention {
        most_leases: 5,
        names: seconds(10),
        ..all()
    };
    assert!(!store.forget(retention, NOW).await.unwrap());
    let names = all_leases(&store).await;
    assert_eq!((names.len(), names[0].as_str()), (11 + 5 + 2, "00084"));
    let everything = Retention {
        most_leases: 0,
        names: Duration::ZERO,
        ..all()
    };
    let later = NOW.after(seconds(1));
    store.forget(everything, later).await.unwrap();
    assert_eq!(
        all_leases(&store).await,
        ["1", "2"],
        "what has not ended stays"
    );
}

#[tokio::test]
async fn records_are_forgotten_by_age_and_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = lab(&folder, 100).await;
    let query = || AuditQuery {
        most: 1000,
        ..AuditQuery::default()
    };
    let old = Retention {
        audit: seconds(50),
        ..all()
    };
    store.forget(old, NOW).await.unwrap();
    // One of them was recorded last, but is of long ago by its clock.
    assert_eq!(store.audit(query()).await.unwrap().len(), 51);
    let many = Retention {
        most_audit: 7,
        ..all()
    };
    store.forget(many, NOW).await.unwrap();
    let left = store.audit(query()).await.unwrap();
    let names: Vec<_> = left.iter().map(|record| &record.object.name).collect();
    assert_eq!(names.first().unwrap().as_str(), "00099");
    assert!(names.len() <= 7, "{names:?}");
}

#[tokio::test]
async fn records_are_read_page_by_page_and_by_object() {
    let folder = tempfile::tempdir().unwrap();
    let store = lab(&folder, 10).await;
    let page = |before| AuditQuery {
        before,
        most: 4,
        ..AuditQuery::default()
    };
    let mut all = Vec::new();
    loop {
        let before = all.last().map(|record: &Recorded| record.id);
        let records = store.audit(page(before)).await.unwrap();
        if records.is_empty() {
            break;
        }
        all.extend(records);
    }
    assert_eq!(all.len(), 11);
    assert!(all.is_sorted_by(|one, next| one.id > next.id));
    let of = AuditQuery {
        object: Some(("lease".to_owned(), Key::new("lab", "00003"))),
        most: 10,
        ..AuditQuery::default()
    };
    let [record] = &store.audit(of).await.unwrap()[..] else {
        panic!("one record");
    };
    assert_eq!(
        (
            record.what.as_str(),
            record.actor.as_str(),
            record.detail.as_str()
        ),
        ("LeaseCreated", "admin:test", "by hand")
    );
    assert_eq!(record.at, NOW.before(seconds(6)));
}
