//! Everything that is about paths rather than open files.

use jumpstarter_driver::{Code, Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Storage;
use crate::capability::Capability;

/// A call with one or two paths.
fn call<T: DeserializeOwned>(storage: &Storage, method: &str, args: &[&str]) -> Result<T> {
    match args {
        [one] => storage.driver.call(method, (one,)),
        [one, two] => storage.driver.call(method, (one, two)),
        _ => panic!("no method has {args:?}"),
    }
}

#[test]
fn stat_has_the_shape_that_clients_know() {
    let storage = Storage::new();
    storage.write("f.txt", "hello");
    let stat = |path: &str| storage.driver.call::<Value>("stat", (path,));
    assert_eq!(
        stat("f.txt").unwrap(),
        json!({
            "content_disposition": null, "content_length": 5, "content_md5": null,
            "content_type": null, "etag": null,
            "mode": {"entry_is_file": true, "entry_is_dir": false},
        })
    );
    storage.driver.call::<()>("create_dir", ("d/",)).unwrap();
    let directory = json!({"entry_is_file": false, "entry_is_dir": true});
    for path in ["d", "d/", "/", ""] {
        assert_eq!(stat(path).unwrap()["mode"], directory, "{path}");
    }
    let error = stat("f.txt/").unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(
        error
            .message()
            .contains("expected a directory, but found a file")
    );
    assert_eq!(
        stat("missing").unwrap_err(),
        Error::unknown(
            "NotFound (permanent) at stat => entity not found\n\n\
             Context:\n   service: fs\n   path: missing\n\n\
             Source:\n   No such file or directory (os error 2)"
        )
    );
}

#[test]
fn hashes_are_those_of_the_content() {
    let storage = Storage::new();
    storage.write("f.txt", "hello");
    let hash = |args: &[&str]| call::<String>(&storage, "hash", args);
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(
        hash(&["f.txt", "md5"]).unwrap(),
        "5d41402abc4b2a76b9719d911017c592"
    );
    assert_eq!(hash(&["f.txt", "sha256"]).unwrap(), sha256);
    assert_eq!(hash(&["f.txt"]).unwrap(), sha256);
    assert_eq!(
        hash(&["f.txt", "sha1"]).unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(hash(&["missing"]).unwrap_err().code(), Code::Unknown);
}

#[test]
fn files_are_copied_moved_and_removed() {
    let storage = Storage::new();
    let driver = &storage.driver;
    let exists = |path: &str| driver.call::<bool>("exists", (path,)).unwrap();
    storage.write("f.txt", "hello");
    driver.call::<()>("copy", ("f.txt", "new/copy")).unwrap();
    assert_eq!(storage.content("new/copy"), "hello");
    driver
        .call::<()>("rename", ("new/copy", "other/moved"))
        .unwrap();
    assert!(!exists("new/copy") && exists("other/moved"));
    driver.call::<()>("delete", ("other/moved",)).unwrap();
    assert!(!exists("other/moved") && exists("other/") && exists("other"));
    driver.call::<()>("delete", ("missing/path",)).unwrap();
    driver.call::<()>("delete", ("other/",)).unwrap();
    assert!(!exists("other"));

    for (method, from, to, text) in [
        ("copy", "missing", "to", "NotFound (permanent) at read"),
        ("copy", "f.txt", "f.txt", "IsSameFile (permanent) at copy"),
        (
            "copy",
            "new/",
            "to",
            "IsADirectory (permanent) at copy => from path is a directory",
        ),
        (
            "copy",
            "f.txt",
            "new/",
            "IsADirectory (permanent) at copy => to path is a directory",
        ),
        ("copy", "f.txt", "new", "Is a directory (os error 21)"),
        ("rename", "missing", "to", "NotFound (permanent) at rename"),
        (
            "rename",
            "f.txt",
            "f.txt",
            "IsSameFile (permanent) at rename",
        ),
        ("rename", "f.txt", "new", "Is a directory (os error 21)"),
    ] {
        let error = driver.call::<()>(method, (from, to)).unwrap_err();
        assert_eq!(error.code(), Code::Unknown);
        assert!(
            error.message().contains(text),
            "{method} {from} {to}: {error}"
        );
    }
    assert!(!exists("to"));
}

#[test]
fn directories_are_made_and_removed_with_what_is_in_them() {
    let storage = Storage::new();
    let driver = &storage.driver;
    for path in ["a/b/c/", "d/e/", "a/b/", "/"] {
        driver.call::<()>("create_dir", (path,)).unwrap();
    }
    assert_eq!(storage.list("list", "/"), ["/", "a/", "d/"]);
    let all = ["/", "a/", "a/b/", "a/b/c/", "d/", "d/e/"];
    assert_eq!(storage.list("scan", "/"), all);
    let error = driver.call::<()>("create_dir", ("x",)).unwrap_err();
    let text = "NotADirectory (permanent) at create_dir => \
                the path trying to create should end with `/`";
    assert!(error.message().starts_with(text), "{error}");
    let error = driver.call::<()>("delete", ("a/",)).unwrap_err();
    assert!(error.message().contains("Directory not empty"), "{error}");

    storage.write("a/f.txt", "hello");
    let error = driver.call::<()>("create_dir", ("a/f.txt/",)).unwrap_err();
    assert!(error.message().starts_with("AlreadyExists"), "{error}");
    driver.call::<()>("remove_all", ("a",)).unwrap();
    driver.call::<()>("remove_all", ("a/",)).unwrap();
    assert_eq!(storage.list("scan", "/"), ["/", "d/", "d/e/"]);
    storage.write("f.txt", "hello");
    driver.call::<()>("remove_all", ("f.txt",)).unwrap();
    assert_eq!(storage.list("list", "/"), ["/", "d/"]);
}

#[test]
fn long_lists_are_whole() {
    let storage = Storage::new();
    for at in 0..300 {
        std::fs::write(storage.path(&format!("{at:03}")), "").unwrap();
    }
    let list = storage.list("list", "/");
    assert_eq!(list.len(), 301);
    assert_eq!(list[300], "299");
    // Left early.
    let mut paths = storage.driver.stream::<String>("list", ("/",)).unwrap();
    assert_eq!(paths.next().unwrap().unwrap(), "/");
}

#[test]
fn nothing_leads_out() {
    let storage = Storage::new();
    storage.write("f.txt", "hello");
    std::os::unix::fs::symlink("/", storage.path("system")).unwrap();
    for path in ["../x", "system/etc/passwd"] {
        let directory = format!("{path}/");
        for (method, args) in [
            ("open", vec![path, "rb"]),
            ("open", vec![path, "wb"]),
            ("stat", vec![path]),
            ("hash", vec![path]),
            ("exists", vec![path]),
            ("copy", vec![path, "stolen"]),
            ("copy", vec!["f.txt", path]),
            ("rename", vec![path, "stolen"]),
            ("rename", vec!["f.txt", path]),
            ("delete", vec![path]),
            ("remove_all", vec![path]),
            ("create_dir", vec![directory.as_str()]),
        ] {
            let error = call::<Value>(&storage, method, &args).unwrap_err();
            assert_eq!(
                error.code(),
                Code::InvalidArgument,
                "{method} {path}: {error}"
            );
            assert_eq!(
                error.message(),
                format!(
                    "path `{}` leads out of the storage; paths are relative to its root",
                    if method == "create_dir" {
                        format!("{path}/")
                    } else {
                        path.to_owned()
                    }
                )
            );
        }
        for method in ["list", "scan"] {
            let paths = storage
                .driver
                .stream::<String>(method, (format!("{path}/"),));
            let first = paths.and_then(|mut paths| paths.next().unwrap());
            assert_eq!(first.unwrap_err().code(), Code::InvalidArgument);
        }
    }
    let created = storage
        .driver
        .call::<Vec<String>>("get_created_resources", ());
    assert_eq!(created.unwrap(), ["f.txt"]);
}

#[test]
fn what_a_directory_can_do_is_told() {
    let storage = Storage::new();
    let all: Value = storage.driver.call("capability", ()).unwrap();
    assert_eq!(all.as_object().unwrap().len(), 33);
    let capability: Capability = serde_json::from_value(all).unwrap();
    assert_eq!(capability, Capability::folder());
    assert!(capability.copy && !capability.presign_read && capability.blocking);
    for method in ["presign_stat", "presign_read", "presign_write"] {
        let error = storage
            .driver
            .call::<Value>(method, ("f.txt", 60))
            .unwrap_err();
        assert_eq!(error.code(), Code::Unknown);
        let text = "Unsupported (permanent) at presign => operation is not supported";
        assert!(error.message().starts_with(text), "{error}");
    }
}
