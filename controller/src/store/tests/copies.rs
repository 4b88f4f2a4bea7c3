//! Backups of a database in use, and their restoration.

use super::*;

#[tokio::test]
async fn a_backup_is_of_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(database(&folder)).unwrap();
    fill(&store).await;
    // Two leases that are always written together.
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for at in 0..200 {
                let pair = ["x", "y"].map(|end| ended(&format!("{at:03}{end}"), Time(at)));
                store.commit(pair.into()).await.unwrap();
            }
        }
    });
    let mut counts = Vec::new();
    for at in 0..10 {
        let copy = folder.path().join(format!("copy{at}"));
        store.backup(copy.clone()).await.unwrap();
        let restored = folder.path().join(format!("restored{at}"));
        restore(&copy, &restored).unwrap();
        let leases = all_leases(&Store::open(restored).unwrap()).await.len();
        assert_eq!((leases - 3) % 2, 0, "never half of a pair");
        counts.push(leases);
    }
    writer.await.unwrap();
    assert!(counts.is_sorted() && counts[9] > counts[0], "{counts:?}");
}

#[tokio::test]
async fn nothing_takes_the_place_of_something() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(database(&folder)).unwrap();
    fill(&store).await;
    let copy = folder.path().join("copy");
    store.backup(copy.clone()).await.unwrap();
    let again = store.backup(copy.clone()).await.unwrap_err();
    assert!(
        again
            .to_string()
            .ends_with("is there already; name a new file"),
        "{again}"
    );
    let over = restore(&copy, &database(&folder)).unwrap_err();
    assert!(matches!(over, StoreError::Exists { .. }), "{over}");
    assert_eq!(all_leases(&store).await.len(), 3);
    let nowhere = store
        .backup(folder.path().join("no/copy"))
        .await
        .unwrap_err();
    assert!(
        nowhere.to_string().contains("see that its folder is there"),
        "{nowhere}"
    );
}

#[tokio::test]
async fn only_a_whole_backup_of_a_controller_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(database(&folder)).unwrap();
    let many = (0..500).map(|at| ended(&format!("{at:05}"), Time(at)));
    store.commit(many.collect()).await.unwrap();
    let copy = folder.path().join("copy");
    store.backup(copy.clone()).await.unwrap();
    let mut bytes = std::fs::read(&copy).unwrap();
    // A whole page in the middle.
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&copy, &bytes).unwrap();
    let to = folder.path().join("restored");
    let refused = restore(&copy, &to).unwrap_err().to_string();
    assert!(
        refused.contains("damaged") && refused.contains("restore a backup"),
        "{refused}"
    );
    std::fs::write(&copy, "leases: []").unwrap();
    let refused = restore(&copy, &to).unwrap_err();
    assert!(
        matches!(refused, StoreError::NotADatabase { .. }),
        "{refused}"
    );
    assert!(!to.exists(), "and nothing is left of it");
}

#[tokio::test]
async fn a_backup_is_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(database(&folder)).unwrap();
    let copy = folder.path().join("copy");
    store.backup(copy.clone()).await.unwrap();
    for file in [database(&folder), copy] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_backup_touches_no_file_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(database(&folder)).unwrap();
    let others = ["copy.part", "copy.part-journal"].map(|name| folder.path().join(name));
    for other in &others {
        std::fs::write(other, "somebody else's").unwrap();
    }
    let copy = folder.path().join("copy");
    store.backup(copy.clone()).await.unwrap();
    for other in &others {
        assert_eq!(std::fs::read_to_string(other).unwrap(), "somebody else's");
    }
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("copy"))
        .collect();
    names.sort();
    assert_eq!(names, ["copy", "copy.part", "copy.part-journal"]);
}

#[test]
fn what_came_in_between_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    std::fs::write(&from, "new").unwrap();
    std::fs::write(&to, "old").unwrap();
    let refused = open::settle(&from, &to).unwrap_err();
    assert!(matches!(refused, StoreError::Exists { .. }), "{refused}");
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "old");
}
