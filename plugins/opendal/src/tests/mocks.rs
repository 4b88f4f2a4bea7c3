//! The flasher and the switches.

use std::fs;

use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{Code, Error};
use serde_json::{Value, json};

use crate::{MockFlasher, MockStorageMux, MockStorageMuxFlasher};

#[test]
fn partitions_are_flashed_and_dumped() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({"anything": 1})).unwrap();
    for partition in [Value::Null, json!("uboot"), json!("a/b")] {
        let image = format!("image of {partition}");
        let data = host.data(image.clone());
        flasher.call::<()>("flash", (&data, &partition)).unwrap();
        let data = host.data("");
        flasher.call::<()>("dump", (&data, &partition)).unwrap();
        assert_eq!(data.written().unwrap(), image.as_bytes());
    }
    // A shorter image leaves nothing of the one before.
    let data = host.data("new");
    flasher.call::<()>("flash", (&data,)).unwrap();
    let data = host.data("");
    flasher.call::<()>("dump", (&data, "default")).unwrap();
    assert_eq!(data.written().unwrap(), b"new");
}

#[test]
fn partitions_that_cannot_be_are_refused() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({})).unwrap();
    let error = flasher
        .call::<()>("dump", (&host.data(""), "uboot"))
        .unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(
        error
            .message()
            .starts_with("[Errno 2] No such file or directory: '/"),
        "{error}"
    );
    for (method, partition) in [("flash", "../uboot"), ("dump", "../uboot")] {
        let error = flasher
            .call::<()>(method, (&host.data(""), partition))
            .unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

#[test]
fn an_image_that_is_cut_off_is_an_error() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({})).unwrap();
    let lost = Error::unknown("corrupt");
    let data = host.data("hello").failing_after(3, lost.clone());
    assert_eq!(flasher.call::<()>("flash", (&data,)).unwrap_err(), lost);
}

#[test]
fn switches_take_an_image_and_give_it_back() {
    let host = Host::new();
    for mux in [
        host.open::<MockStorageMux>(json!({})).unwrap(),
        host.open::<MockStorageMuxFlasher>(json!({})).unwrap(),
    ] {
        assert_eq!(read(&host, &mux), "");
        for image in ["a long image", "short"] {
            mux.call::<()>("host", ()).unwrap();
            mux.call::<()>("write", (&host.data(image),)).unwrap();
            mux.call::<()>("dut", ()).unwrap();
            assert_eq!(read(&host, &mux), image);
        }
        mux.call::<()>("off", ()).unwrap();
    }
}

fn read(host: &Host, mux: &Opened) -> String {
    let data = host.data("");
    mux.call::<()>("read", (&data,)).unwrap();
    String::from_utf8(data.written().unwrap()).unwrap()
}

#[test]
fn nothing_is_left_of_them() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({})).unwrap();
    let error = flasher
        .call::<()>("dump", (&host.data(""), "x"))
        .unwrap_err();
    let path = error.message().split('\'').nth(1).unwrap();
    let directory = std::path::Path::new(path).parent().unwrap();
    flasher.call::<()>("flash", (&host.data("image"),)).unwrap();
    assert_eq!(
        fs::read_to_string(directory.join("default")).unwrap(),
        "image"
    );
    flasher.close().unwrap();
    assert!(!directory.exists());
}
