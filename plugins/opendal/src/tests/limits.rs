//! Disks that are full, and targets that cannot be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use jumpstarter_driver::Code;
use jumpstarter_driver::test::Host;
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::unistd::Uid;
use serde_json::json;

use super::Storage;
use crate::Opendal;

#[test]
fn a_full_disk_is_told_and_the_file_can_still_be_closed() {
    let host = Host::new();
    // `/dev/full` takes nothing, and says so as a disk does.
    let config = json!({"scheme": "fs", "kwargs": {"root": "/dev"}});
    let driver = host.open::<Opendal>(config).unwrap();
    let fd: String = driver.call("open", ("full", "wb")).unwrap();
    for _ in 0..2 {
        let data = host.data("x".repeat(4 * 1024 * 1024));
        let error = driver.call::<()>("file_write", (&fd, &data)).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert_eq!(
            error.message(),
            "cannot write `full`: No space left on device (os error 28)"
        );
    }
    driver.call::<()>("file_close", (&fd,)).unwrap();
    assert!(driver.call::<bool>("file_closed", (&fd,)).unwrap());
}

#[test]
fn devices_are_written_and_read() {
    let host = Host::new();
    let config = json!({"scheme": "fs", "kwargs": {"root": "/dev"}});
    let driver = host.open::<Opendal>(config).unwrap();
    let fd: String = driver.call("open", ("null", "wb")).unwrap();
    let data = host.data("into the void");
    driver.call::<()>("file_write", (&fd, &data)).unwrap();
    driver.call::<()>("file_close", (&fd,)).unwrap();
    let fd: String = driver.call("open", ("null", "rb")).unwrap();
    let data = host.data("");
    driver.call::<()>("file_read", (&fd, &data)).unwrap();
    assert_eq!(data.written().unwrap(), b"");
}

#[test]
fn what_cannot_be_written_is_told_when_it_is_opened() {
    let storage = Storage::new();
    fs::create_dir(storage.path("locked")).unwrap();
    let refused = |path: &str, reason: &str| {
        let error = storage
            .driver
            .call::<String>("open", (path, "wb"))
            .unwrap_err();
        assert_eq!(error.code(), Code::Unknown);
        assert!(error.message().contains(reason), "{error}");
    };
    refused("locked", "write path is a directory");
    let target = "f/under/a/file";
    fs::write(storage.path("f"), "").unwrap();
    refused(target, "Not a directory (os error 20)");
    // Permissions mean nothing to root.
    if !Uid::effective().is_root() {
        fs::set_permissions(storage.path("locked"), Permissions::from_mode(0o500)).unwrap();
        refused("locked/f", "Permission denied (os error 13)");
        fs::set_permissions(storage.path("locked"), Permissions::from_mode(0o700)).unwrap();
    }
    let proc = json!({"scheme": "fs", "kwargs": {"root": "/proc/self"}});
    let driver = storage.host.open::<Opendal>(proc).unwrap();
    let error = driver.call::<String>("open", ("new", "wb")).unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert_eq!(
        driver
            .call::<Vec<String>>("get_created_resources", ())
            .unwrap(),
        [""; 0]
    );
}

#[test]
fn a_root_that_cannot_be_made_is_told() {
    let host = Host::new();
    let open = |config| {
        host.open::<Opendal>(config)
            .unwrap_err()
            .message()
            .to_owned()
    };
    let text = open(json!({"scheme": "fs", "kwargs": {"root": "/proc/nope"}}));
    assert!(text.contains("create root dir failed"), "{text}");
    assert!(text.contains("root: /proc/nope"), "{text}");
    let text = open(json!({"scheme": "fs", "kwargs": {}}));
    assert_eq!(
        text,
        "ConfigInvalid (permanent) at  => root is not specified"
    );
    let text = open(json!({"scheme": "ftp", "kwargs": {}}));
    let start = "Unsupported (permanent) at  => scheme is not enabled or supported\n";
    assert!(text.starts_with(start), "{text}");
    let text = open(json!({"scheme": "fs", "kwargs": {"root": "/tmp"}, "rot": 1}));
    assert!(text.contains("unknown field `rot`"), "{text}");
}

#[test]
fn transfers_that_take_their_time_do_not_keep_others_waiting() {
    let host = Host::new();
    let terminal = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname_r(&terminal).unwrap();
    let (folder, name) = name.rsplit_once('/').unwrap();
    let config = json!({"scheme": "fs", "kwargs": {"root": folder}});
    let driver = host.open::<Opendal>(config).unwrap();
    let fd: String = driver.call("open", (name, "wb")).unwrap();
    // More than the plugin has threads for work that blocks, and nobody reads what they write.
    let slow: Vec<_> = (0..100)
        .map(|_| {
            let data = host.data("x".repeat(1 << 20));
            driver.start("file_write", (&fd, &data)).unwrap()
        })
        .collect();
    let found = driver.call_within::<bool>(Duration::from_secs(20), "exists", (name,));
    assert!(found.unwrap());
    drop(terminal);
    for call in slow {
        assert_eq!(call.wait::<()>().unwrap_err().code(), Code::Internal);
    }
}
