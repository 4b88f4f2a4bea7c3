//! Storages that OpenDAL reaches for us.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{Code, Result};
use serde_json::{Value, json};

use crate::Opendal;
use crate::capability::Capability;

fn memory(host: &Host) -> Opened {
    host.open::<Opendal>(json!({"scheme": "memory", "kwargs": {}}))
        .unwrap()
}

fn http(host: &Host, endpoint: &str) -> Opened {
    let config = json!({"scheme": "http", "kwargs": {"endpoint": endpoint, "other": "x"}});
    host.open::<Opendal>(config).unwrap()
}

fn capability(driver: &Opened) -> Capability {
    driver.call("capability", ()).unwrap()
}

fn read(host: &Host, driver: &Opened, fd: &str) -> Vec<u8> {
    let data = host.data("");
    driver.call::<()>("file_read", (fd, &data)).unwrap();
    data.written().unwrap()
}

fn sorted(driver: &Opened, method: &str, path: &str) -> Vec<String> {
    let paths = driver.stream::<String>(method, (path,)).unwrap();
    let mut paths = paths.collect::<Result<Vec<_>>>().unwrap();
    paths.sort();
    paths
}

#[test]
fn files_in_memory_are_there_once_they_are_closed() {
    let host = Host::new();
    let driver = memory(&host);
    let image = "0123456789abcdef".repeat(64 * 1024);
    let fd: String = driver.call("open", ("d/big", "wb")).unwrap();
    driver
        .call::<()>("file_write", (&fd, &host.data(image.clone())))
        .unwrap();
    driver
        .call::<()>("file_write", (&fd, &host.data("!")))
        .unwrap();
    assert!(!driver.call::<bool>("exists", ("d/big",)).unwrap());
    driver.call::<()>("file_close", (&fd,)).unwrap();

    let fd: String = driver.call("open", ("d/big", "rb")).unwrap();
    assert!(read(&host, &driver, &fd) == format!("{image}!").into_bytes());
    assert_eq!(
        driver.call::<u64>("file_tell", (&fd,)).unwrap(),
        1024 * 1024 + 1
    );
    assert_eq!(
        driver.call::<u64>("file_seek", (&fd, -2, 2)).unwrap(),
        1024 * 1024 - 1
    );
    assert_eq!(read(&host, &driver, &fd), b"f!");
    assert_eq!(read(&host, &driver, &fd), b"");
    let error = driver.call::<u64>("file_seek", (&fd, -1)).unwrap_err();
    assert_eq!(error.code(), Code::Internal);

    let hash: String = driver.call("hash", ("d/big", "md5")).unwrap();
    assert_eq!(hash.len(), 32);
    driver.call::<()>("create_dir", ("e/f/",)).unwrap();
    assert_eq!(sorted(&driver, "list", "/"), ["d/", "e/"]);
    assert_eq!(sorted(&driver, "scan", "/"), ["d/big", "e/f/"]);
    let error = driver.call::<()>("copy", ("d/big", "copy")).unwrap_err();
    assert!(error.message().contains("Unsupported"), "{error}");
    driver.call::<()>("remove_all", ("d/",)).unwrap();
    assert_eq!(sorted(&driver, "scan", "/"), ["e/f/"]);
}

#[test]
fn what_memory_can_do_is_told() {
    let expected = Capability {
        stat: true,
        read: true,
        write: true,
        write_can_empty: true,
        create_dir: true,
        delete: true,
        list: true,
        list_with_recursive: true,
        blocking: true,
        ..Capability::default()
    };
    assert_eq!(capability(&memory(&Host::new())), expected);
}

#[test]
fn requests_to_a_web_server_are_signed() {
    let host = Host::new();
    let driver = http(&host, "http://invalid.invalid");
    let capability = capability(&driver);
    assert!(capability.presign && capability.presign_read && capability.presign_stat);
    assert!(!capability.presign_write && !capability.write && !capability.list);
    for (method, verb) in [("presign_read", "GET"), ("presign_stat", "HEAD")] {
        let request: Value = driver.call(method, ("test", 100)).unwrap();
        let url = "http://invalid.invalid/test";
        assert_eq!(request, json!({"method": verb, "url": url, "headers": {}}));
    }
    let error = driver
        .call::<Value>("presign_write", ("test", 100))
        .unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(error.message().starts_with("Unsupported"), "{error}");
    let error = driver.call::<Value>("open", ("test", "wb")).unwrap_err();
    assert!(error.message().starts_with("Unsupported"), "{error}");
}

#[test]
fn files_of_a_web_server_are_read() {
    let host = Host::new();
    let driver = http(&host, &serve(b"hello"));
    let stat: Value = driver.call("stat", ("f.txt",)).unwrap();
    assert_eq!(stat["content_length"], json!(5));
    let fd: String = driver.call("open", ("f.txt", "rb")).unwrap();
    assert_eq!(read(&host, &driver, &fd), b"hello");
    for path in ["f.txt", "moved.txt"] {
        let hash: String = driver.call("hash", (path, "md5")).unwrap();
        assert_eq!(hash, "5d41402abc4b2a76b9719d911017c592");
    }
    let error = driver.call::<String>("hash", ("round",)).unwrap_err();
    assert!(
        error.message().contains("more than 10 redirects"),
        "{error}"
    );
    assert!(!driver.call::<bool>("exists", ("missing",)).unwrap());
    let error = driver
        .call::<String>("open", ("missing", "rb"))
        .unwrap_err();
    assert!(error.message().starts_with("NotFound"), "{error}");
}

#[test]
fn a_web_server_that_is_not_there_is_told() {
    let host = Host::new();
    let driver = http(&host, "http://127.0.0.1:1");
    let error = driver.call::<Value>("stat", ("f.txt",)).unwrap_err();
    assert_eq!(error.code(), Code::Unknown);
    assert!(error.message().contains("Connection refused"), "{error}");
    assert!(!error.message().contains("Backtrace"), "{error}");
    let error = host
        .open::<Opendal>(json!({"scheme": "http", "kwargs": {}}))
        .unwrap_err();
    assert!(error.message().contains("endpoint is empty"), "{error}");
}

/// A web server with one file, `/f.txt`, and redirects. It ends with the test's process.
fn serve(content: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().map(Result::unwrap) {
            let lines = BufReader::new(client.try_clone().unwrap()).lines();
            let lines: Vec<_> = lines
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let request = lines.first().cloned().unwrap_or_default();
            let (status, more, body) = match request.split(' ').nth(1) {
                Some("/f.txt") => ("200 OK", "", content),
                Some("/moved.txt") => ("302 Found", "Location: /f.txt\r\n", &b""[..]),
                Some("/round") => ("302 Found", "Location: round\r\n", &b""[..]),
                _ => ("404 Not Found", "", &b""[..]),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            client.write_all(head.as_bytes()).unwrap();
            if request.starts_with("GET") {
                client.write_all(body).unwrap();
            }
        }
    });
    endpoint
}
