#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;

fn entry(lease: &str, after_started: bool) -> Entry {
    Entry {
        lease: lease.to_owned(),
        client: "alice".to_owned(),
        after_started,
    }
}

fn exporter(namespace: Option<&str>, name: &str) -> Metadata {
    Metadata {
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

#[test]
fn it_says_what_was_written_last() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(folder.path().join("deep/down/lab.json"));
    assert_eq!(journal.load().unwrap(), None);
    journal.write(&entry("a", false)).unwrap();
    journal.write(&entry("a", true)).unwrap();
    assert_eq!(journal.load().unwrap(), Some(entry("a", true)));
    journal.forget().unwrap();
    journal.forget().unwrap();
    assert_eq!(journal.load().unwrap(), None);
    let left = fs::read_dir(folder.path().join("deep/down")).unwrap();
    assert_eq!(left.count(), 0, "nothing is left behind");
}

#[test]
fn nobody_else_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(folder.path().join("leases/lab.json"));
    journal.write(&entry("a", false)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(journal.path()), 0o600);
    assert_eq!(mode(&folder.path().join("leases")), 0o700);
}

#[test]
fn an_unreadable_one_is_kept_and_does_not_stop_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(folder.path().join("lab.json"));
    for garbage in [
        "",
        "{",
        "[]",
        "{\"lease\":\"\",\"client\":\"\",\"after_started\":false}",
    ] {
        fs::write(journal.path(), garbage).unwrap();
        assert_eq!(journal.load().unwrap(), None, "{garbage}");
        let kept = folder.path().join("lab.unreadable");
        assert_eq!(fs::read_to_string(kept).unwrap(), garbage);
        assert!(!journal.path().exists());
    }
}

#[test]
fn what_the_system_refuses_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let journal = Journal::at(folder.path().join("file/lab.json"));
    let error = journal.write(&entry("a", false)).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot make the folder of the journal of open leases `"),
        "{error}"
    );
    let folder = Journal::at(folder.path());
    let error = folder.load().unwrap_err().to_string();
    assert!(error.contains("cannot read the journal"), "{error}");
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(folder.path().join("lab.json"));
    journal.write(&entry("a", false)).unwrap();
    // Writing into it fails with ENOSPC, as on a full disk.
    std::os::unix::fs::symlink("/dev/full", folder.path().join("lab.new")).unwrap();
    let error = journal.write(&entry("b", false)).unwrap_err().to_string();
    assert!(error.contains("No space left on device"), "{error}");
    assert_eq!(journal.load().unwrap(), Some(entry("a", false)));
    // The draft is gone, so the next one works.
    journal.write(&entry("b", false)).unwrap();
    assert_eq!(journal.load().unwrap(), Some(entry("b", false)));
}

#[test]
fn names_are_harmless() {
    let name = |namespace, name| file_name(&exporter(namespace, name));
    assert_eq!(name(Some("lab"), "board-1"), "lab.board-1.json");
    assert_eq!(name(None, "board-1"), ".board-1.json");
    for strange in ["../../etc/passwd", "a/b", "", "ü", "a b", "\0"] {
        let file = name(Some(strange), strange);
        assert!(!file.contains(['/', '\0']), "{file}");
        assert!(file.ends_with(".json"));
    }
    assert!(name(Some("lab"), &"x".repeat(300)).len() < 100);
}

proptest! {
    #[test]
    fn two_exporters_have_two_files(
        a in ("[a-z.]{0,3}", "[a-z./]{0,3}"),
        b in ("[a-z.]{0,3}", "[a-z./]{0,3}"),
    ) {
        let one = file_name(&exporter(Some(&a.0), &a.1));
        let other = file_name(&exporter(Some(&b.0), &b.1));
        prop_assert_eq!(a == b, one == other);
    }
}
