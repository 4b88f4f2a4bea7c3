//! The drivers, called as an exporter calls them.

#![allow(clippy::unwrap_used)]

mod created;
mod files;
mod limits;
mod mocks;
mod paths;
mod services;

use std::fs;
use std::path::PathBuf;

use jumpstarter_driver::Result;
use jumpstarter_driver::test::{Host, Opened};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Opendal;

/// A storage in a directory.
struct Storage {
    host: Host,
    driver: Opened,
    directory: TempDir,
}

impl Storage {
    fn new() -> Self {
        Self::with(json!({}))
    }

    fn with(config: Value) -> Self {
        let directory = TempDir::new().unwrap();
        let mut all = json!({"scheme": "fs", "kwargs": {"root": directory.path()}});
        all.as_object_mut()
            .unwrap()
            .extend(config.as_object().unwrap().clone());
        let host = Host::new();
        let driver = host.open::<Opendal>(all).unwrap();
        Self {
            host,
            driver,
            directory,
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn open(&self, path: &str, mode: &str) -> String {
        self.driver.call("open", (path, mode)).unwrap()
    }

    fn write(&self, path: &str, content: &str) {
        let fd = self.open(path, "wb");
        let data = self.host.data(content);
        self.driver.call::<()>("file_write", (&fd, &data)).unwrap();
        self.driver.call::<()>("file_close", (&fd,)).unwrap();
    }

    fn read(&self, fd: &str) -> String {
        let data = self.host.data("");
        self.driver.call::<()>("file_read", (fd, &data)).unwrap();
        String::from_utf8(data.written().unwrap()).unwrap()
    }

    fn content(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn list(&self, method: &str, path: &str) -> Vec<String> {
        let paths = self.driver.stream::<String>(method, (path,)).unwrap();
        let mut paths = paths.collect::<Result<Vec<_>>>().unwrap();
        paths.sort();
        paths
    }
}

#[test]
fn example_yaml_uses_all_of_them() {
    let example = include_str!("../../example.yaml");
    for class in [
        "Opendal",
        "MockFlasher",
        "MockStorageMux",
        "MockStorageMuxFlasher",
    ] {
        assert!(example.contains(&format!("jumpstarter_driver_opendal.driver.{class}\n")));
    }
}
