//! The flasher and the switches.

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
fn partitions_that_are_not_there_are_told() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({})).unwrap();
    let dump = |partition| flasher.call::<()>("dump", (&host.data(""), partition));
    let missing = |name| Error::internal(format!("[Errno 2] No such file or directory: '{name}'"));
    assert_eq!(dump(None).unwrap_err(), missing("default"));
    assert_eq!(dump(Some("../uboot")).unwrap_err(), missing("../uboot"));
}

#[test]
fn there_are_not_too_many_partitions() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({})).unwrap();
    let flash = |at: u8| flasher.call::<()>("flash", (&host.data("x"), at.to_string()));
    for at in 0..128 {
        flash(at).unwrap();
    }
    assert_eq!(flash(128).unwrap_err().code(), Code::FailedPrecondition);
    flash(0).unwrap();
}

#[test]
fn one_partition_is_dumped_to_many_at_once() {
    let host = Host::new();
    let flasher = host.open::<MockFlasher>(json!({})).unwrap();
    let image = "0123456789abcdef".repeat(128 * 1024);
    flasher
        .call::<()>("flash", (&host.data(image.clone()),))
        .unwrap();
    let dumps = [(); 4].map(|()| {
        let data = host.data("");
        let call = flasher.start("dump", (&data,)).unwrap();
        (call, data)
    });
    for (call, data) in dumps {
        call.wait::<()>().unwrap();
        assert!(data.written().unwrap() == image.as_bytes());
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
