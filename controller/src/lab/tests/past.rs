//! Old records are deleted without anybody asking for it.

use super::*;
use crate::model::{Credential, CredentialKind, Uid};

#[tokio::test]
async fn what_need_not_be_kept_is_forgotten() {
    let bench = Bench::new().await;
    bench.client("alice").await;
    let (_exporter, _present) = bench.exporter("a", "board=x").await;
    let lease = bench.lease("alice", "board=x").await;
    bench.release(&lease).await;
    let mut long = wanted("alice", "board=x");
    long.wish.duration = Some(minutes(60));
    let open = bench.lab.create_lease(long).await.unwrap();
    let long_ago = Time(0);
    let credential = Credential {
        jti: "old".to_owned(),
        kind: CredentialKind::Client,
        owner: Uid::random(),
        label: String::new(),
        key_id: "k".to_owned(),
        issued: long_ago,
        expires: long_ago,
        revoked: None,
    };
    let kept = bench
        .lab
        .keep_credential(credential, key("alice"), None, ADMIN);
    kept.await.unwrap();
    bench.lab.retain(Retention {
        leases: Duration::ZERO,
        ..Retention::default()
    });
    // Only now: the thread that writes does not live by this clock.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    while bench.lab.lease(&lease.key).await.unwrap().is_some()
        || bench.lab.credential("old").is_some()
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(bench.now(&open).await.state, LeaseState::Active);
}
