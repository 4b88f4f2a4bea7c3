//! When the controller itself is in trouble: what callers hear, and what they must not.

use tonic::Code;

use crate::lab::Lab;
use crate::methods::{create, dial, get_lease, wish};

/// Another program holds the database.
#[tokio::test]
async fn a_database_that_is_held_is_not_available() {
    let lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let line = lab.line().await;
    let path = lab.path("data/controller.db");
    let thief = rusqlite::Connection::open(&path).unwrap();
    thief.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = "the database is not available; try again, and look at the controller's log";
    let refused = (Code::Unavailable, told.to_owned());
    let creating = create("mine", wish("a=b"));
    assert_eq!(line.refusal(&alice, &creating).await, refused);
    // What needs no database goes on.
    line.ask(&alice, &crate::methods::list_exporters("", 0, ""))
        .await
        .unwrap();
    thief.execute_batch("ROLLBACK").unwrap();
    drop(thief);
    // Nothing is left of what was refused.
    let missing = (
        Code::Unknown,
        r#"leases.jumpstarter.dev "mine" not found"#.to_owned(),
    );
    assert_eq!(
        line.refusal(&alice, &get_lease("namespaces/lab/leases/mine"))
            .await,
        missing
    );
    line.ask(&alice, &creating).await.unwrap();
    let log = lab.log();
    assert!(
        log.contains("database is locked") && log.contains("controller.db"),
        "{log}"
    );
}

/// Calls that wait, and streams, when the controller is told to stop.
#[tokio::test]
async fn callers_are_told_that_it_stops() {
    let mut lab = Lab::started();
    let alice = lab.who("Client", "alice").headers();
    let mut board = lab.board("board").await;
    let line = lab.line().await;
    line.ask(&alice, &create("mine", wish("name=board")))
        .await
        .unwrap();
    assert!(board.next().await.leased);
    // Its exporter has not noticed the lease yet.
    let calling = line.clone();
    let dialling = tokio::spawn(async move { calling.ask(&alice, &dial("mine")).await });
    let begun = line.clone();
    while !begun.is_open() || dialling.is_finished() {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(lab.stop().success());
    let refused = dialling.await.unwrap().unwrap_err();
    assert!(
        matches!(refused.code(), Code::Unavailable | Code::Cancelled),
        "{refused:?}"
    );
    // An end without error would be answered by coming again at once, for ever.
    let ended = board.heard().await.unwrap_err();
    assert!(
        matches!(ended.code(), Code::Unavailable | Code::Unknown),
        "{ended:?}"
    );
    assert!(!lab.log().contains("panicked"), "{}", lab.log());
}
