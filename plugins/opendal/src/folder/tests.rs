//! What a path means, and that none leads out.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use jumpstarter_driver::{Code, Result};
use nix::sys::stat::Mode as Bits;
use nix::unistd::mkfifo;
use tempfile::TempDir;

use super::Folder;
use crate::types::Mode;

/// A directory with a storage in it, and secrets beside that.
struct Place {
    above: TempDir,
    folder: Folder,
}

impl Place {
    fn new() -> Self {
        let above = TempDir::new().unwrap();
        let root = above.path().join("root");
        let folder = Folder::open(&root).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("f.txt"), "hello").unwrap();
        fs::write(root.join("ab.txt"), "x").unwrap();
        fs::write(root.join("a/z.txt"), "y").unwrap();
        fs::write(root.join("a/b/c.txt"), "y").unwrap();
        fs::create_dir(above.path().join("outside")).unwrap();
        fs::write(above.path().join("outside/secret"), "secret").unwrap();
        Self { above, folder }
    }

    fn link(&self, target: &str, name: &str) {
        symlink(target, self.above.path().join("root").join(name)).unwrap();
    }

    fn read(&self, path: &str) -> Result<String> {
        let mut text = String::new();
        self.folder
            .open_file(path, Mode::Read)?
            .read_to_string(&mut text)?;
        Ok(text)
    }

    fn list(&self, path: &str, deep: bool) -> Vec<String> {
        let entries = self.folder.list(path, deep).unwrap();
        let mut paths: Vec<_> = entries.into_iter().flatten().map(Result::unwrap).collect();
        paths.sort();
        paths
    }

    /// Tries everything there is with a path; all of it must be refused.
    fn cannot_be_reached(&self, path: &str) {
        let folder = &self.folder;
        let directory = &format!("{path}/");
        for (what, tried) in [
            ("stat", folder.stat(path).map(drop)),
            ("exists", folder.exists(path).map(drop)),
            ("read", folder.open_file(path, Mode::Read).map(drop)),
            ("write", folder.open_file(path, Mode::Write).map(drop)),
            ("create_dir", folder.create_dir(&format!("{path}/new/"))),
            ("copy from", folder.copy(path, "copy")),
            ("copy to", folder.copy("f.txt", path)),
            ("list", folder.list(directory, false).map(drop)),
            ("scan", folder.list(directory, true).map(drop)),
            ("rename from", folder.rename(&format!("{path}/x"), "moved")),
            ("rename to", folder.rename("f.txt", &format!("{path}/x"))),
            ("delete", folder.delete(&format!("{path}/x"))),
            ("remove_all", folder.remove_all(&format!("{path}/x"))),
        ] {
            let error = tried.expect_err(what);
            assert_eq!(
                error.code(),
                Code::InvalidArgument,
                "{what} {path}: {error}"
            );
            assert!(
                error.message().contains("leads out of the storage"),
                "{what}: {error}"
            );
        }
        assert_eq!(self.read("f.txt").unwrap(), "hello");
        let outside = self.above.path().join("outside");
        assert_eq!(
            fs::read_to_string(outside.join("secret")).unwrap(),
            "secret"
        );
        assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
    }
}

#[test]
fn dots_do_not_lead_out() {
    let place = Place::new();
    for path in [
        "..",
        "../outside",
        "a/../../outside",
        "/../outside",
        "./../outside",
        "a/b/../../..",
    ] {
        place.cannot_be_reached(path);
    }
    place.cannot_be_reached("missing/../../outside");
    place.cannot_be_reached("missing/x/../../../root/../outside");
    assert!(!place.folder.exists("missing").unwrap());
    for path in ["../outside/secret", "a/../../outside/secret"] {
        let error = place.folder.delete(path).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        let error = place.folder.remove_all(path).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
    assert_eq!(place.read("a/../f.txt").unwrap(), "hello");
    assert_eq!(place.read("a/b/../../f.txt").unwrap(), "hello");
}

#[test]
fn links_do_not_lead_out() {
    let place = Place::new();
    let outside = place.above.path().join("outside");
    place.link("../outside", "relative");
    place.link(outside.to_str().unwrap(), "absolute");
    place.link("a/../../outside", "winding");
    place.link("relative", "twice");
    place.link("/", "system");
    for path in [
        "relative",
        "absolute",
        "winding",
        "twice",
        "system",
        "a/../relative",
    ] {
        place.cannot_be_reached(path);
    }
    place.link("../outside/new", "dangling");
    let error = place.folder.open_file("dangling", Mode::Write).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}

#[test]
fn links_within_are_followed() {
    let place = Place::new();
    let root = place.above.path().join("root").canonicalize().unwrap();
    place.link("a", "ln");
    place.link(root.join("a/b").to_str().unwrap(), "absolute");
    place.link("../../f.txt", "a/b/up");
    place.link("loop", "loop");
    assert_eq!(place.read("ln/z.txt").unwrap(), "y");
    assert_eq!(place.read("absolute/c.txt").unwrap(), "y");
    assert_eq!(place.read("a/b/up").unwrap(), "hello");
    assert_eq!(place.read("absolute/../z.txt").unwrap(), "y");
    assert!(place.folder.stat("ln").unwrap().mode.entry_is_dir);
    let error = place.read("loop").unwrap_err();
    assert!(error.message().contains("(os error 40)"), "{error}");
    assert_eq!(place.list("ln/", false), ["ln/", "ln/b/", "ln/z.txt"]);
}

#[test]
fn links_are_removed_and_not_what_they_point_to() {
    let place = Place::new();
    place.link("../outside", "out");
    place.link("../../outside", "a/out");
    place.folder.delete("out").unwrap();
    place.folder.remove_all("a").unwrap();
    assert!(!place.folder.exists("a").unwrap());
    assert!(place.above.path().join("outside/secret").exists());
    assert_eq!(place.list("/", true), ["/", "ab.txt", "f.txt"]);
}

#[test]
fn a_directory_that_is_swapped_for_a_link_all_the_time_never_leads_out() {
    let place = Arc::new(Place::new());
    let root = place.above.path().join("root");
    fs::create_dir(root.join("real")).unwrap();
    fs::write(root.join("real/secret"), "inside").unwrap();
    fs::create_dir(root.join("door")).unwrap();
    fs::write(root.join("door/secret"), "inside").unwrap();
    place.link("../outside", "trap");
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
            let (door, trap) = (root.join("door"), root.join("trap"));
            while !stop.load(Ordering::Relaxed) {
                let flags = RenameFlags::RENAME_EXCHANGE;
                renameat2(AT_FDCWD, &door, AT_FDCWD, &trap, flags).unwrap();
            }
        }
    });
    let mut seen = [0, 0];
    for _ in 0..5000 {
        match place.read("door/secret") {
            Ok(text) => {
                assert_eq!(text, "inside");
                seen[0] += 1;
            }
            Err(_) => seen[1] += 1,
        }
        drop(place.folder.remove_all("door/nothing"));
        if let Ok(Some(mut entries)) = place.folder.list("door/", true) {
            assert!(entries.all(|path| path.is_ok()));
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().unwrap();
    assert!(seen[0] > 0 && seen[1] > 0, "nothing was swapped: {seen:?}");
}

#[test]
fn lists_are_those_clients_know() {
    let place = Place::new();
    assert_eq!(place.list("/", false), ["/", "a/", "ab.txt", "f.txt"]);
    assert_eq!(place.list("", false), place.list("/", false));
    assert_eq!(place.list("a/", false), ["a/", "a/b/", "a/z.txt"]);
    assert_eq!(place.list("a/b", false), ["a/b/"]);
    assert_eq!(place.list("a", false), ["a/", "ab.txt"]);
    assert_eq!(place.list("f.txt", false), ["f.txt"]);
    for missing in ["missing", "missing/", "missing/x", "f.txt/"] {
        assert_eq!(place.list(missing, false), [""; 0], "{missing}");
        assert_eq!(place.list(missing, true), [""; 0], "{missing}");
    }
    let everything = ["/", "a/", "a/b/", "a/b/c.txt", "a/z.txt", "ab.txt", "f.txt"];
    assert_eq!(place.list("/", true), everything);
    assert_eq!(
        place.list("a/", true),
        ["a/", "a/b/", "a/b/c.txt", "a/z.txt"]
    );
}

#[test]
fn a_scan_tells_directories_after_what_is_in_them() {
    let place = Place::new();
    let entries = place.folder.list("a/", true).unwrap().unwrap();
    let paths: Vec<_> = entries.map(Result::unwrap).collect();
    let at = |path: &str| paths.iter().position(|found| found == path).unwrap();
    assert!(at("a/b/c.txt") < at("a/b/"));
    assert_eq!(at("a/"), paths.len() - 1);
}

#[test]
fn very_deep_directories_end_with_an_error() {
    let place = Place::new();
    let root = place.above.path().join("root");
    fs::create_dir_all(root.join("d/".repeat(300))).unwrap();
    let mut entries = place.folder.list("d/", true).unwrap().unwrap();
    let error = entries.find_map(Result::err).unwrap();
    assert!(error.message().contains("name too long"), "{error}");
}

#[test]
fn a_path_cannot_use_up_all_descriptors() {
    let place = Place::new();
    // The first is refused for its length, the second for where it leads.
    for names in [5000, 300] {
        let error = place.folder.create_dir(&"n/".repeat(names)).unwrap_err();
        assert!(error.message().contains("name too long"), "{error}");
    }
    // Whatever was made can be removed.
    place.folder.remove_all("/").unwrap();
    assert_eq!(place.list("/", true), ["/"]);
}

#[test]
fn what_is_neither_file_nor_device_is_not_opened() {
    let place = Place::new();
    let pipe = place.above.path().join("root/pipe");
    mkfifo(&pipe, Bits::S_IRWXU).unwrap();
    // It must not wait for the other end.
    for mode in [Mode::Read, Mode::Write] {
        assert_eq!(
            place.folder.open_file("pipe", mode).unwrap_err().code(),
            Code::Unknown
        );
    }
    for (path, mode) in [
        ("a", Mode::Read),
        ("a/", Mode::Read),
        ("a", Mode::Write),
        ("", Mode::Read),
    ] {
        let error = place.folder.open_file(path, mode).unwrap_err();
        assert!(
            error.message().starts_with("IsADirectory (permanent) at "),
            "{error}"
        );
    }
}

#[test]
fn copying_a_file_onto_itself_keeps_it() {
    let place = Place::new();
    fs::hard_link(
        place.above.path().join("root/f.txt"),
        place.above.path().join("root/same"),
    )
    .unwrap();
    place.link("f.txt", "ln");
    for (from, to) in [
        ("f.txt", "f.txt"),
        ("f.txt", "same"),
        ("f.txt", "ln"),
        ("ln", "f.txt"),
    ] {
        let error = place.folder.copy(from, to).unwrap_err();
        assert!(error.message().starts_with("IsSameFile"), "{error}");
    }
    assert_eq!(place.read("f.txt").unwrap(), "hello");
}

#[test]
fn the_root_stays() {
    let place = Place::new();
    assert_eq!(place.folder.delete("/").unwrap_err().code(), Code::Unknown);
    assert!(place.folder.rename("a/..", "moved").is_err());
    place.folder.remove_all("/").unwrap();
    assert_eq!(place.list("/", true), ["/"]);
}
