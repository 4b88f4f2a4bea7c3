//! Everything that can be wrong with a file.

use std::fs;

use rusqlite::Connection;

use super::*;

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = refusal(folder.path());
    assert!(refused.ends_with("is not a file, so it cannot be a database; name another path"));
    assert!(refusal(Path::new("/dev/full")).contains("is not a file"));
    let nowhere = refusal(&folder.path().join("no/controller.db"));
    assert!(nowhere.contains("No such file or directory"), "{nowhere}");
    assert!(
        nowhere.contains("see that its folder is there"),
        "{nowhere}"
    );
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    for text in ["x", "SQLite format 3\0", &"a long text ".repeat(500)] {
        fs::write(&path, text).unwrap();
        let refused = refusal(&path);
        assert!(
            refused.contains("is not a database; name another path"),
            "{refused}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_foreign_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let foreign = Connection::open(&path).unwrap();
    foreign
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(foreign);
    let before = fs::read(&path).unwrap();
    let refused = refusal(&path);
    assert!(
        refused.contains("not one of a controller; name another path"),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    used(&path).await;
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let refused = refusal(&path);
    assert!(
        refused.contains("is of version 99, this program knows versions up to 1"),
        "{refused}"
    );
    assert!(
        refused.contains("install the newer program again"),
        "{refused}"
    );
    let version: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn an_emptied_database_is_not_taken_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    used(&path).await;
    fs::write(&path, "").unwrap();
    let refused = refusal(&path);
    assert!(
        refused.contains("has lost its content; restore a backup"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_a_killed_first_start_has_left_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    fs::write(folder.path().join("controller.db.1.part"), "half of it").unwrap();
    let store = Store::open(&path).unwrap();
    fill(&store).await;
    assert_eq!(all_leases(&store).await.len(), 3);
}

#[tokio::test]
async fn a_locked_database_is_waited_for_and_then_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = Store::open(&path).unwrap();
    fill(&store).await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store
        .commit([ended("4", Time(1))].into())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("database is locked; another program holds it, perhaps a `sqlite3`"),
        "{refused}"
    );
    assert!(refused.contains(path.to_str().unwrap()), "{refused}");
    assert_eq!(all_leases(&store).await.len(), 3, "reading goes on");
    other.execute_batch("COMMIT").unwrap();
    store.commit([ended("4", Time(1))].into()).await.unwrap();
    assert_eq!(all_leases(&store).await.len(), 4);
}

/// Another program that uses the database; the test for it starts this one, and ends it.
#[test]
#[ignore = "runs in a process of its own"]
fn holds_the_database() {
    if let Some(path) = std::env::var_os("STORE_PATH") {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
        println!("\nit is held");
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

#[tokio::test]
async fn a_database_that_another_program_holds_is_refused_at_the_start() {
    use std::io::BufRead;
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    used(&path).await;
    let mut other = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["store::tests::faults::holds_the_database", "--exact"])
        .args(["--ignored", "--nocapture"])
        .env("STORE_PATH", &path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Kept until it has ended, as it says something then, too.
    let mut lines = std::io::BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "it is held"));
    let refused = refusal(&path);
    for word in [path.to_str().unwrap(), "locked", "`sqlite3`", "fuser -v"] {
        assert!(refused.contains(word), "{refused}");
    }
    // Its transaction ends with it.
    drop(other.stdin.take());
    lines.for_each(drop);
    assert!(other.wait().unwrap().success());
    assert_eq!(all_leases(&Store::open(&path).unwrap()).await.len(), 3);
}

/// A small file system of its own, which only root can mount.
struct Disk(TempDir);

impl Disk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self(folder);
        disk.mount("size=1m").then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(self.0.path());
        mount.stderr(std::process::Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let umount = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0.path())
            .status();
        drop(umount);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_nothing_is_lost() {
    let Some(disk) = Disk::new() else {
        println!("skipped: nobody but root can make a small disk");
        return;
    };
    let path = database(&disk.0);
    let store = Store::open(&path).unwrap();
    fill(&store).await;
    let filler = disk.0.path().join("filler");
    // What does not fit any more is not written; how much that is does not matter.
    drop(fs::write(&filler, vec![0; 2 << 20]));
    let mut written = 3;
    let refused = loop {
        match store
            .commit([ended(&format!("full{written}"), Time(1))].into())
            .await
        {
            Ok(()) => written += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(
        refused.contains("full; free some space") || refused.contains("look at `df`"),
        "{refused}"
    );
    assert_eq!(all_leases(&store).await.len(), written);
    let backup = store.backup(disk.0.path().join("copy")).await.unwrap_err();
    assert!(backup.to_string().contains("full"), "{backup}");
    assert!(
        !disk.0.path().join("copy.part").exists(),
        "nor does it fill the disk"
    );
    fs::remove_file(filler).unwrap();
    store
        .commit([ended("afterwards", Time(1))].into())
        .await
        .unwrap();
    assert_eq!(all_leases(&store).await.len(), written + 1);
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_is_refused() {
    let Some(disk) = Disk::new() else {
        println!("skipped: nobody but root can make a small disk");
        return;
    };
    let path = database(&disk.0);
    used(&path).await;
    assert!(disk.mount("remount,ro"));
    let refused = refusal(&path);
    assert!(
        refused.contains("see that the controller's user may write"),
        "{refused}"
    );
    let new = refusal(&disk.0.path().join("another.db"));
    assert!(
        new.contains("Read-only file system") && new.contains("may read and write"),
        "{new}"
    );
}

/// What a user other than root meets; the test for it starts this one as such a user.
#[test]
#[ignore = "runs in a process of its own"]
fn opens_as_somebody_else() {
    if let Some(path) = std::env::var_os("STORE_PATH") {
        println!("answer: {}", refusal(Path::new(&path)));
    }
}

#[tokio::test]
async fn missing_permissions_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    used(&path).await;
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let meets = |path: &Path| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let test = "store::tests::faults::opens_as_somebody_else";
        child
            .args([test, "--exact", "--ignored", "--nocapture"])
            .env("STORE_PATH", path);
        if nix::unistd::geteuid().is_root() {
            child.uid(65534).gid(65534);
        }
        let output = child.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // Nobody may look into the folder.
    mode(folder.path(), 0o000).unwrap();
    let hidden = meets(&path);
    // The file can be read and not be written.
    mode(folder.path(), 0o555).unwrap();
    mode(&path, 0o444).unwrap();
    let fixed = meets(&path);
    let new = meets(&folder.path().join("another.db"));
    mode(&path, 0o000).unwrap();
    let locked = meets(&path);
    mode(folder.path(), 0o755).unwrap();
    for (what, met) in [("hidden", hidden), ("new", new), ("locked", locked)] {
        assert!(
            met.contains("answer: cannot use the database"),
            "{what}: {met}"
        );
        assert!(
            met.contains("Permission denied") && met.contains("may read and write"),
            "{met}"
        );
    }
    assert!(
        fixed.contains("may write the file and its folder"),
        "{fixed}"
    );
}

#[tokio::test]
async fn remains_of_another_database_do_not_get_into_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = database(&folder);
    let store = Store::open(&path).unwrap();
    let copy = folder.path().join("copy");
    fill(&store).await;
    store.backup(copy.clone()).await.unwrap();
    // Its program is killed, and somebody takes the file away.
    let journal = open::beside(&path, "-wal");
    let left = std::fs::read(&journal).unwrap();
    assert!(!left.is_empty());
    closed(store).await;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&journal, &left).unwrap();
    let why = refusal(&path);
    assert!(
        why.contains("controller.db-wal") && why.contains("move"),
        "{why}"
    );
    let why = restore(&copy, &path).unwrap_err().to_string();
    assert!(why.contains("controller.db-wal"), "{why}");
    assert_eq!(std::fs::read(&journal).unwrap(), left);
    assert!(!path.exists());
    std::fs::remove_file(&journal).unwrap();
    let new = Store::open(&path).unwrap();
    assert_eq!(all_leases(&new).await, Vec::<String>::new());
}
