//! Databases that were damaged on disk.

use std::fs;

use proptest::prelude::*;

use super::*;

/// The bytes of a closed database.
fn healthy() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&path).unwrap();
        fill(&store).await;
        let many = (0..60).map(|at| ended(&format!("{at:05}"), Time(at)));
        store.commit(many.collect()).await.unwrap();
        store.backup(folder.path().join("copy")).await.unwrap();
    });
    fs::read(folder.path().join("copy")).unwrap()
}

/// Does everything that can be done with a database; each error says what to do.
fn work_on(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    fs::write(&path, bytes).unwrap();
    let check = |error: StoreError| {
        let text = error.to_string();
        assert!(text.contains("; "), "what to do about: {text}");
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = match Store::open(&path) {
            Ok(store) => store,
            Err(error) => return check(error),
        };
        store.load().await.map(drop).unwrap_or_else(check);
        let key = Key::new("lab", "00007");
        store.lease(key).await.map(drop).unwrap_or_else(check);
        let query = LeaseQuery {
            namespace: "lab".to_owned(),
            ..LeaseQuery::default()
        };
        store.leases(query).await.map(drop).unwrap_or_else(check);
        let audit = AuditQuery {
            most: 10,
            ..AuditQuery::default()
        };
        store.audit(audit).await.map(drop).unwrap_or_else(check);
        let change = [ended("new", Time(1)), happened("new", Time(1))];
        store.commit(change.into()).await.unwrap_or_else(check);
        let forgotten = store.forget(Retention::default(), Time::now()).await;
        forgotten.map(drop).unwrap_or_else(check);
        let copy = folder.path().join("copy");
        if store.backup(copy.clone()).await.map_err(check).is_ok() {
            restore(&copy, &folder.path().join("restored")).unwrap_or_else(check);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damage_is_met_with_words(
        places in proptest::collection::vec((any::<prop::sample::Index>(), 1..200_usize), 1..8),
        seed in any::<u64>(),
    ) {
        static HEALTHY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(healthy);
        let mut bytes = HEALTHY.clone();
        let mut state = seed | 1;
        for (place, length) in places {
            let at = place.index(bytes.len());
            for byte in bytes.iter_mut().skip(at).take(length) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = state as u8;
            }
        }
        work_on(&bytes);
    }

    #[test]
    fn an_end_that_is_missing_is_met_with_words(length in any::<prop::sample::Index>()) {
        static HEALTHY: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(healthy);
        work_on(&HEALTHY[..length.index(HEALTHY.len())]);
    }
}
