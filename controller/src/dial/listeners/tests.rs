#![allow(clippy::unwrap_used)]

use super::*;

fn invitation(number: usize) -> Invitation {
    Invitation {
        endpoint: number.to_string(),
        token: Secret::new(String::new()),
        stream: Uuid::from_u128(number as u128),
    }
}

fn lease() -> Uid {
    crate::model::samples::uid("lease")
}

async fn next(listening: &mut Listening) -> Option<String> {
    listening.next().await.map(|invitation| invitation.endpoint)
}

#[tokio::test]
async fn invitations_come_in_order() {
    let listeners = Listeners::default();
    assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Nobody);
    let mut listening = listeners.listen(lease());
    for number in 0..3 {
        assert_eq!(listeners.offer(lease(), invitation(number)), Offered::Taken);
    }
    for number in 0..3 {
        assert_eq!(next(&mut listening).await, Some(number.to_string()));
    }
    drop(listening);
    assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Nobody);
    assert_eq!(listeners.count(), 0);
}

#[tokio::test]
async fn the_newest_listener_gets_what_nobody_has_fetched() {
    let listeners = Listeners::default();
    let mut old = listeners.listen(lease());
    assert_eq!(listeners.offer(lease(), invitation(1)), Offered::Taken);
    let mut new = listeners.listen(lease());
    assert_eq!(listeners.offer(lease(), invitation(2)), Offered::Taken);
    assert_eq!(next(&mut old).await, None);
    // The old one going away takes nothing with it.
    drop(old);
    assert_eq!(next(&mut new).await, Some("1".to_owned()));
    assert_eq!(next(&mut new).await, Some("2".to_owned()));
}

#[tokio::test]
async fn what_a_dead_connection_has_fetched_is_offered_again() {
    let listeners = Listeners::default();
    let mut dead = listeners.listen(lease());
    for number in 1..4 {
        assert_eq!(listeners.offer(lease(), invitation(number)), Offered::Taken);
    }
    for number in 1..3 {
        assert_eq!(next(&mut dead).await, Some(number.to_string()));
    }
    listeners.answered(Uuid::from_u128(1));
    // It takes over while the dead one is still there.
    let mut back = listeners.listen(lease());
    assert_eq!(next(&mut back).await, Some("2".to_owned()));
    assert_eq!(next(&mut back).await, Some("3".to_owned()));
    listeners.answered(Uuid::from_u128(3));
    // It goes before it comes again.
    drop((dead, back));
    assert_eq!(listeners.count(), 0);
    assert_eq!(listeners.offer(lease(), invitation(4)), Offered::Nobody);
    let mut again = listeners.listen(lease());
    assert_eq!(next(&mut again).await, Some("2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_kept_who_waits_no_longer() {
    let listeners = Listeners::default();
    let mut dead = listeners.listen(lease());
    assert_eq!(listeners.offer(lease(), invitation(1)), Offered::Taken);
    assert_eq!(next(&mut dead).await, Some("1".to_owned()));
    tokio::time::advance(KEPT).await;
    drop(dead);
    assert!(listeners.lock().is_empty());
    let mut back = listeners.listen(lease());
    assert_eq!(listeners.offer(lease(), invitation(2)), Offered::Taken);
    assert_eq!(next(&mut back).await, Some("2".to_owned()));
}

#[tokio::test]
async fn a_listener_that_waits_learns_that_it_is_over() {
    let listeners = Listeners::default();
    let mut old = listeners.listen(lease());
    let waiting = tokio::spawn(async move { next(&mut old).await });
    tokio::task::yield_now().await;
    let _new = listeners.listen(lease());
    assert_eq!(waiting.await.unwrap(), None);
}

#[tokio::test]
async fn too_many_are_refused_at_once_and_a_new_listener_is_not_kept_waiting() {
    let listeners = Listeners::default();
    let mut listening = listeners.listen(lease());
    for number in 0..CAPACITY {
        assert_eq!(listeners.offer(lease(), invitation(number)), Offered::Taken);
    }
    assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Full);
    assert!(next(&mut listening).await.is_some());
    assert_eq!(listeners.offer(lease(), invitation(0)), Offered::Taken);
    let mut new = listeners.listen(lease());
    assert_eq!(next(&mut new).await, Some("0".to_owned()));
    assert_eq!(next(&mut new).await, Some("1".to_owned()));
}

#[tokio::test]
async fn a_client_can_wait_for_an_exporter_to_listen() {
    let listeners = Listeners::default();
    let waiting = {
        let listeners = listeners.clone();
        tokio::spawn(async move { listeners.listened(lease()).await })
    };
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let _listening = listeners.listen(lease());
    waiting.await.unwrap();
}

/// Listeners that replace each other while offers are made: every offer that was taken arrives, and
/// what an earlier listener has fetched may arrive twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_between_two_listeners() {
    for _ in 0..20 {
        let listeners = Listeners::default();
        let first = listeners.listen(lease());
        let offering = {
            let listeners = listeners.clone();
            tokio::spawn(async move {
                (0..20)
                    .filter(|number| {
                        listeners.offer(lease(), invitation(*number)) == Offered::Taken
                    })
                    .collect::<Vec<_>>()
            })
        };
        let collect = |mut listening: Listening| {
            tokio::spawn(async move {
                let mut got = Vec::new();
                while let Ok(Some(endpoint)) =
                    tokio::time::timeout(std::time::Duration::from_millis(30), next(&mut listening))
                        .await
                {
                    got.push(endpoint.parse::<usize>().unwrap());
                }
                got
            })
        };
        let old = collect(first);
        let new = collect(listeners.listen(lease()));
        let taken = offering.await.unwrap();
        let mut got = old.await.unwrap();
        got.extend(new.await.unwrap());
        got.sort_unstable();
        got.dedup();
        assert_eq!(got, taken);
        assert!(!got.is_empty());
    }
}
