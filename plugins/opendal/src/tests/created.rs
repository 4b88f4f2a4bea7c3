//! What was created, and what is left of it.

use std::fs;
use std::os::unix::fs::symlink;

use jumpstarter_driver::test::Host;
use serde_json::json;

use super::Storage;
use crate::Opendal;

fn created(storage: &Storage) -> Vec<String> {
    storage.driver.call("get_created_resources", ()).unwrap()
}

#[test]
fn what_was_created_is_known() {
    let storage = Storage::new();
    let driver = &storage.driver;
    fs::write(storage.path("there"), "").unwrap();
    storage.open("there", "rb");
    assert_eq!(created(&storage), [""; 0]);
    storage.write("there", "");
    driver.call::<()>("create_dir", ("d//e/",)).unwrap();
    driver.call::<()>("copy", ("there", "./copy")).unwrap();
    driver
        .call::<()>("register_path", ("by\\others/",))
        .unwrap();
    assert_eq!(created(&storage), ["by/others", "copy", "d/e", "there"]);
    driver.call::<()>("rename", ("copy", "moved")).unwrap();
    driver.call::<()>("delete", ("there",)).unwrap();
    driver.call::<()>("remove_all", ("d/",)).unwrap();
    assert_eq!(created(&storage), ["by/others", "d/e", "moved"]);
}

#[test]
fn nothing_is_removed_unless_told_so() {
    let storage = Storage::new();
    storage.write("f.txt", "hello");
    storage.driver.close().unwrap();
    assert_eq!(storage.content("f.txt"), "hello");
}

#[test]
fn what_was_created_is_removed_at_the_end_and_nothing_else() {
    let storage = Storage::with(json!({"remove_created_on_close": true}));
    let driver = &storage.driver;
    fs::write(storage.path("mine"), "").unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "").unwrap();
    symlink(outside.path(), storage.path("link")).unwrap();
    storage.write("implied/f.txt", "hello");
    storage.write("f.txt", "hello");
    driver.call::<()>("create_dir", ("d/e/",)).unwrap();
    driver.call::<()>("register_path", ("d",)).unwrap();
    fs::write(storage.path("d/inside"), "").unwrap();
    for path in [
        "",
        "/",
        ".",
        " ",
        "x/..",
        "../above",
        "link/secret",
        "missing",
        "link",
    ] {
        driver.call::<()>("register_path", (path,)).unwrap();
    }
    driver.close().unwrap();
    let mut left: Vec<_> = fs::read_dir(storage.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    // Directories that came with a file stay, as they always have.
    assert_eq!(left, ["implied", "mine"]);
    assert!(outside.path().join("secret").exists());
    let messages = storage.host.messages();
    let failed = messages
        .iter()
        .filter(|line| line.starts_with("cannot remove"));
    assert_eq!(failed.count(), 2, "{messages:?}");
}

#[test]
fn other_storages_say_that_they_do_not_clean_up() {
    let host = Host::new();
    let config = json!({"scheme": "memory", "kwargs": {}, "remove_created_on_close": true});
    host.open::<Opendal>(config).unwrap().close().unwrap();
    let text = "Cleanup not supported for scheme 'memory' - only 'fs' is supported";
    assert_eq!(host.messages(), [text]);
}
