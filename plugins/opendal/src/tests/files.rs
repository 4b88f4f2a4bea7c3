//! Opening, reading, writing and moving about in files.

use jumpstarter_driver::{Code, Error};
use serde_json::{Value, json};

use super::Storage;

#[test]
fn what_is_written_is_read() {
    let storage = Storage::new();
    storage.write("deep/down/f.txt", "hello");
    assert_eq!(storage.content("deep/down/f.txt"), "hello");
    let fd = storage.open("deep/down/f.txt", "rb");
    assert_eq!(storage.read(&fd), "hello");
    assert_eq!(storage.read(&fd), "");
    storage.write("deep/down/f.txt", "bye");
    assert_eq!(storage.content("deep/down/f.txt"), "bye");
}

#[test]
fn a_large_file_comes_through_unchanged() {
    let storage = Storage::new();
    let content = "0123456789abcde\n".repeat(256 * 1024);
    storage.write("large", &content);
    assert!(storage.content("large") == content);
    assert!(storage.read(&storage.open("large", "rb")) == content);
}

#[test]
fn writes_follow_each_other_and_the_file_is_there_before_it_is_closed() {
    let storage = Storage::new();
    let fd = storage.open("f.txt", "wb");
    assert!(storage.driver.call::<bool>("exists", ("f.txt",)).unwrap());
    for part in ["one ", "two ", "", "three"] {
        let data = storage.host.data(part);
        storage
            .driver
            .call::<()>("file_write", (&fd, &data))
            .unwrap();
    }
    assert_eq!(storage.content("f.txt"), "one two three");
    assert_eq!(storage.read(&fd), "");
}

#[test]
fn properties_depend_on_the_mode_until_the_file_is_closed() {
    let storage = Storage::new();
    for (mode, readable) in [("wb", false), ("rb", true)] {
        let fd = storage.open("f.txt", mode);
        let ask = |method| storage.driver.call::<bool>(method, (&fd,)).unwrap();
        assert!(!ask("file_closed"));
        assert_eq!(ask("file_readable"), readable);
        assert_eq!(ask("file_seekable"), readable);
        assert_eq!(ask("file_writable"), !readable);
        for _ in 0..2 {
            storage.driver.call::<()>("file_close", (&fd,)).unwrap();
            assert!(ask("file_closed"));
            assert!(!ask("file_readable") && !ask("file_seekable") && !ask("file_writable"));
        }
        assert_eq!(storage.read(&fd), "");
    }
}

#[test]
fn seeking_works_from_all_three_places() {
    let storage = Storage::new();
    storage.write("f.txt", "hello");
    let fd = &storage.open("f.txt", "rb");
    let driver = &storage.driver;
    let seek = |pos: i64, whence: i64| driver.call::<Value>("file_seek", (fd, pos, whence));
    assert_eq!(seek(-3, 2).unwrap(), json!(2));
    assert_eq!(driver.call::<Value>("file_tell", (fd,)).unwrap(), json!(2));
    assert_eq!(storage.read(fd), "llo");
    assert_eq!(driver.call::<u64>("file_seek", (fd, 1)).unwrap(), 1);
    assert_eq!(seek(1, 1).unwrap(), json!(2));
    assert_eq!(seek(10, 0).unwrap(), json!(10));
    assert_eq!(storage.read(fd), "");

    let error = seek(0, 3).unwrap_err();
    assert_eq!(error, Error::invalid_argument("invalid whence"));
    let negative = Error::internal("invalid seek to a negative position");
    for (pos, whence) in [(-1, 0), (-11, 1), (-6, 2)] {
        assert_eq!(seek(pos, whence).unwrap_err(), negative);
    }
}

#[test]
fn what_a_mode_does_not_allow_is_told() {
    let storage = Storage::new();
    let told = |method: &str, fd: &str| storage.driver.call::<u64>(method, (fd, 0)).unwrap_err();
    let tell = |fd: &str| storage.driver.call::<u64>("file_tell", (fd,)).unwrap_err();
    let fd = storage.open("f.txt", "wb");
    let error = Error::internal("I/O operation failed for reading on write only file.");
    assert_eq!(told("file_seek", &fd), error);
    assert_eq!(tell(&fd), error);
    storage.driver.call::<()>("file_close", (&fd,)).unwrap();
    let error = Error::internal("I/O operation failed for reading on closed file.");
    assert_eq!(told("file_seek", &fd), error);
    assert_eq!(tell(&fd), error);

    for fd in [fd, storage.open("f.txt", "rb")] {
        let data = storage.host.data("x");
        let error = storage
            .driver
            .call::<()>("file_write", (&fd, &data))
            .unwrap_err();
        assert_eq!(error.code(), Code::Internal);
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let storage = Storage::new();
    let open = |path: &str, mode: &str| storage.driver.call::<String>("open", (path, mode));
    assert_eq!(
        open("f.txt", "r+").unwrap_err().code(),
        Code::InvalidArgument
    );
    let error = open("missing", "rb").unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(
        error.message().starts_with("NotFound (permanent) at "),
        "{error}"
    );

    let closed = |fd: &str| {
        storage
            .driver
            .call::<bool>("file_closed", (fd,))
            .unwrap_err()
    };
    assert_eq!(closed("no uuid").code(), Code::InvalidArgument);
    let unknown = "0e3d5b16-5b23-4a39-8c32-1ff1c1bd6f5b";
    assert_eq!(
        closed(unknown),
        Error::unknown(format!("UUID('{unknown}')"))
    );
}

#[test]
fn data_that_is_cut_off_is_an_error_and_the_file_can_still_be_closed() {
    let storage = Storage::new();
    let fd = storage.open("f.txt", "wb");
    let lost = Error::unavailable("the client went away");
    let data = storage
        .host
        .data("hello world")
        .failing_after(5, lost.clone());
    let error = storage
        .driver
        .call::<()>("file_write", (&fd, &data))
        .unwrap_err();
    assert_eq!(error, lost);
    assert_eq!(storage.content("f.txt"), "hello");
    storage.driver.call::<()>("file_close", (&fd,)).unwrap();
}

#[test]
fn not_too_many_files_are_open_at_once() {
    let storage = Storage::new();
    let first = storage.open("f.txt", "wb");
    for _ in 1..256 {
        storage.open("f.txt", "rb");
    }
    let error = storage
        .driver
        .call::<String>("open", ("f.txt", "rb"))
        .unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    assert_eq!(
        error.message(),
        "256 files are open; close some with `file_close` first"
    );
    storage.driver.call::<()>("file_close", (&first,)).unwrap();
    storage.open("f.txt", "rb");
}
