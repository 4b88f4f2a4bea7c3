//! Calls that make no sense, from a client without manners. Each is refused by itself; the next
//! call is answered.

use bytes::Bytes;
use jumpstarter_tests::{Lab, Peer, null, values};
use serde_json::json;
use tonic::{Code, Status};

const DRIVERS: &str = "\
power: {type: jumpstarter_driver_power.driver.MockPower}
pdu: {type: jumpstarter_driver_example_c.driver.Pdu}";

#[track_caller]
fn refused(answer: Result<Bytes, Status>, code: Code, text: &str) {
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), code, "{status:?}");
    assert!(status.message().contains(text), "{status:?}");
}

async fn answers(peer: &mut Peer) {
    assert_eq!(peer.call("power", "on", vec![]).await.unwrap(), null());
}

#[tokio::test]
async fn a_uuid_that_is_none() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    for uuid in ["nonsense", "", "00000000-0000-0000-0000-00000000000g"] {
        let answer = peer.call_uuid(uuid, "on", vec![]).await;
        refused(
            answer,
            Code::Unknown,
            "badly formed hexadecimal UUID string",
        );
    }
    answers(&mut peer).await;
}

#[tokio::test]
async fn a_uuid_of_nobody() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    let nobody = "12345678-1234-4234-8234-123456789abc";
    let answer = peer.call_uuid(nobody, "on", vec![]).await;
    refused(answer, Code::Unknown, &format!("UUID('{nobody}')"));
    answers(&mut peer).await;
}

#[tokio::test]
async fn a_uuid_in_another_spelling_is_the_same() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    let uuid = peer.uuid("power");
    for spelling in [
        uuid.to_uppercase(),
        uuid.replace('-', ""),
        format!("{{{uuid}}}"),
    ] {
        peer.call_uuid(&spelling, "on", vec![]).await.unwrap();
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_or_of_another_kind() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    for driver in ["power", "pdu"] {
        let answer = peer.call(driver, "nope", vec![]).await;
        refused(answer, Code::NotFound, "method nope not found on driver");
    }
    let answer = peer.call("power", "read", vec![]).await;
    refused(
        answer,
        Code::NotFound,
        "method read missing marker marker_drivercall",
    );
    let (items, end) = peer.stream("power", "on", vec![]).await;
    assert!(items.is_empty());
    let status = end.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(
        status.message(),
        "method on missing marker marker_streamingdrivercall"
    );
    answers(&mut peer).await;
}

#[tokio::test]
async fn too_many_too_few_and_wrong_arguments() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    let answer = peer.call("power", "on", values([1, 2, 3])).await;
    refused(answer, Code::Unknown, "on() takes 0 arguments, got 3");
    let answer = peer.call("pdu", "set_outlet", vec![]).await;
    refused(
        answer,
        Code::Unknown,
        "set_outlet(): argument 1 (number): missing",
    );
    let wrong = values([json!("three"), json!(true)]);
    let answer = peer.call("pdu", "set_outlet", wrong).await;
    refused(
        answer,
        Code::InvalidArgument,
        "set_outlet(): argument 1 (number)",
    );
    let answer = peer
        .call("pdu", "set_outlet", values([json!(3), json!("yes")]))
        .await;
    refused(
        answer,
        Code::InvalidArgument,
        "set_outlet(): argument 2 (on)",
    );
    answers(&mut peer).await;
}

#[tokio::test]
async fn an_argument_of_three_mebibytes() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    let big = "x".repeat(3 << 20);
    let answer = peer
        .call("pdu", "set_outlet", values([json!(big), json!(true)]))
        .await;
    refused(
        answer,
        Code::InvalidArgument,
        "set_outlet(): argument 1 (number)",
    );
    // The framework's own limit is four.
    let bigger = "x".repeat(5 << 20);
    let answer = peer
        .call("pdu", "set_outlet", values([json!(bigger)]))
        .await;
    refused(answer, Code::OutOfRange, "");
    answers(&mut peer).await;
}

#[tokio::test]
async fn a_number_that_is_none() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        // A Value with number_value, field 2, as a client that does not look would send it.
        let mut value = vec![0x11];
        value.extend_from_slice(&number.to_le_bytes());
        let args = vec![Bytes::from(value), values([true]).remove(0)];
        let answer = peer.call("pdu", "set_outlet", args).await;
        refused(answer, Code::InvalidArgument, "");
    }
    answers(&mut peer).await;
}

#[tokio::test]
async fn bytes_that_are_no_value() {
    let lab = Lab::new();
    let exporter = lab.exporter(DRIVERS).start();
    let mut peer = Peer::of(&exporter).await;
    let deep = (0..200).fold(vec![0x08, 0x00], |inner: Vec<u8>, _| {
        // Value { list_value { values: inner } }, a level at a time.
        let item = prefixed(0x0a, &inner);
        prefixed(0x32, &item)
    });
    for bytes in [
        vec![0xff; 9],
        vec![0x1a, 0x02, 0xff, 0xfe],
        vec![0x1a, 0x7f],
        deep,
    ] {
        let args = vec![Bytes::from(bytes)];
        let status = peer.call("power", "on", args).await.expect_err("refused");
        assert!(
            matches!(
                status.code(),
                Code::InvalidArgument | Code::Internal | Code::Unknown
            ),
            "{status:?}"
        );
    }
    answers(&mut peer).await;
}

/// A length-delimited field.
fn prefixed(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut field = vec![tag];
    let mut length = body.len();
    while length > 0x7f {
        field.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(body);
    field
}
