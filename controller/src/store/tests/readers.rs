//! Many reads at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::READERS;
use super::*;

#[tokio::test]
async fn so_many_read_at_once_and_the_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("lab.db")).unwrap();
    let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let reads = (0..4 * READERS).map(|_| {
        let (store, now, most) = (store.clone(), Arc::clone(&now), Arc::clone(&most));
        tokio::spawn(async move {
            let read = store.read(move |_| {
                let reading = 1 + now.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(reading, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(10));
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            });
            read.await.unwrap();
        })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
    let most = most.load(Ordering::SeqCst);
    assert!((1..=READERS).contains(&most), "{most}");
    // The lab does not wait with them.
    let turns = store.readers.acquire_many(READERS as u32).await.unwrap();
    store.load().await.unwrap();
    drop(turns);
}
