//! The wire is what every other release of Jumpstarter speaks.
#![allow(clippy::unwrap_used)]

use jumpstarter_proto::FILE_DESCRIPTOR_SET;
use jumpstarter_proto::v1::{
    DriverCallRequest, DriverCallResponse, StreamRequest, StreamingDriverCallRequest,
    StreamingDriverCallResponse,
};
use prost::Message;
use prost::bytes::Bytes;
use prost_types::{ListValue, Struct, Value, value::Kind};
use protox::prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, Kind as Type, MessageDescriptor,
    ServiceDescriptor,
};

/// Every service, message and enum, with its numbers. Only additions are allowed.
const CONTRACT: &str = include_str!("wire.txt");

#[test]
fn names_and_numbers_are_those_agreed() {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let ours = |name: &str| name.starts_with("jumpstarter.");
    let mut found: Vec<String> = Vec::new();
    found.extend(
        pool.all_enums()
            .filter(|it| ours(it.full_name()))
            .map(|it| choice(&it)),
    );
    found.extend(
        pool.all_messages()
            .filter(|it| ours(it.full_name()) && !it.is_map_entry())
            .map(|it| message(&it)),
    );
    found.extend(pool.services().map(|it| service(&it)));
    found.sort();
    assert_eq!(found.concat(), CONTRACT);
}

fn choice(it: &EnumDescriptor) -> String {
    let values = it
        .values()
        .map(|value| format!("  {} {}\n", value.number(), value.name()));
    format!("enum {}\n{}", it.full_name(), values.collect::<String>())
}

fn message(it: &MessageDescriptor) -> String {
    format!(
        "message {}\n{}",
        it.full_name(),
        it.fields().map(|it| field(&it)).collect::<String>()
    )
}

fn field(it: &FieldDescriptor) -> String {
    let label = if it.field_descriptor_proto().proto3_optional() {
        "optional "
    } else if it.cardinality() == Cardinality::Repeated && !it.is_map() {
        "repeated "
    } else {
        ""
    };
    let ty = match it.kind() {
        Type::Message(entry) if it.is_map() => {
            let part = |number| scalar(&entry.get_field(number).unwrap().kind());
            format!("map<{}, {}>", part(1), part(2))
        }
        kind => scalar(&kind),
    };
    format!("  {} {} {label}{ty}\n", it.number(), it.name())
}

fn scalar(kind: &Type) -> String {
    match kind {
        Type::Message(it) => it.full_name().to_owned(),
        Type::Enum(it) => it.full_name().to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn service(it: &ServiceDescriptor) -> String {
    let stream = |is| if is { "stream " } else { "" };
    let mut rpcs: Vec<_> = it
        .methods()
        .map(|rpc| {
            format!(
                "  {}({}{}) {}{}\n",
                rpc.name(),
                stream(rpc.is_client_streaming()),
                rpc.input().full_name(),
                stream(rpc.is_server_streaming()),
                rpc.output().full_name(),
            )
        })
        .collect();
    rpcs.sort();
    format!("service {}\n{}", it.full_name(), rpcs.concat())
}

/// A call as others see it, with Values for arguments.
#[derive(Clone, PartialEq, Message)]
struct TrueRequest {
    #[prost(string, tag = "1")]
    uuid: String,
    #[prost(string, tag = "2")]
    method: String,
    #[prost(message, repeated, tag = "3")]
    args: Vec<Value>,
}

/// Its reply.
#[derive(Clone, PartialEq, Message)]
struct TrueResponse {
    #[prost(string, tag = "1")]
    uuid: String,
    #[prost(message, optional, tag = "2")]
    result: Option<Value>,
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

fn values() -> Vec<Value> {
    let entry = ("volts".to_owned(), value(Kind::NumberValue(3.3)));
    vec![
        value(Kind::NullValue(0)),
        value(Kind::BoolValue(false)),
        value(Kind::NumberValue(-1.5)),
        value(Kind::StringValue("x".repeat(300))),
        value(Kind::ListValue(ListValue {
            values: vec![value(Kind::StringValue(String::new()))],
        })),
        value(Kind::StructValue(Struct {
            fields: [entry].into(),
        })),
    ]
}

#[test]
fn encoded_arguments_are_arguments() {
    let theirs = TrueRequest {
        uuid: "u".into(),
        method: "m".into(),
        args: values(),
    };
    let bytes = theirs.encode_to_vec();

    let ours = DriverCallRequest::decode(&bytes[..]).unwrap();
    assert_eq!((&ours.uuid[..], &ours.method[..]), ("u", "m"));
    for (arg, value) in ours.args.iter().zip(values()) {
        assert_eq!(arg, &value.encode_to_vec());
    }
    let volts: std::collections::HashMap<String, f64> =
        jumpstarter_value::from_slice(&ours.args[5]).unwrap();
    assert_eq!(volts["volts"], 3.3);

    assert_eq!(ours.encode_to_vec(), bytes);
    assert_eq!(
        StreamingDriverCallRequest::decode(&bytes[..])
            .unwrap()
            .encode_to_vec(),
        bytes
    );
}

#[test]
fn encoded_results_are_results() {
    for value in values() {
        let theirs = TrueResponse {
            uuid: "u".into(),
            result: Some(value.clone()),
        };
        let bytes = theirs.encode_to_vec();

        let ours = DriverCallResponse::decode(&bytes[..]).unwrap();
        assert_eq!(ours.result, value.encode_to_vec());
        assert_eq!(ours.encode_to_vec(), bytes);
        assert_eq!(
            StreamingDriverCallResponse::decode(&bytes[..])
                .unwrap()
                .encode_to_vec(),
            bytes
        );
    }
    // No result, or one of no kind, is null.
    for result in [None, Some(Value { kind: None })] {
        let bytes = TrueResponse {
            uuid: "u".into(),
            result,
        }
        .encode_to_vec();
        let ours = DriverCallResponse::decode(&bytes[..]).unwrap();
        jumpstarter_value::from_slice::<()>(&ours.result).unwrap();
    }
}

#[test]
fn a_call_byte_by_byte() {
    let call = DriverCallRequest {
        uuid: "ab".into(),
        method: "on".into(),
        args: vec![
            Bytes::from_static(jumpstarter_value::NULL),
            jumpstarter_value::to_vec(&1).unwrap().into(),
            jumpstarter_value::to_vec(&["hi"]).unwrap().into(),
        ],
    };
    #[rustfmt::skip]
    let expected = [
        0x0a, 2, b'a', b'b',                    // uuid = 1
        0x12, 2, b'o', b'n',                    // method = 2
        0x1a, 2, 0x08, 0,                       // args = 3, null_value = 1
        0x1a, 9, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, // number_value = 2
        0x1a, 8, 0x32, 6,                       // list_value = 6
            0x0a, 4, 0x1a, 2, b'h', b'i',       // values = 1, string_value = 3
    ];
    assert_eq!(call.encode_to_vec(), expected);
    assert_eq!(DriverCallRequest::decode(&expected[..]).unwrap(), call);
}

#[test]
fn payloads_share_the_buffer_they_came_in() {
    let frame = StreamRequest {
        payload: Bytes::from(vec![7; 1000]),
        frame_type: 0,
    };
    let received = Bytes::from(frame.encode_to_vec());
    let within = received.as_ptr_range();

    let frame = StreamRequest::decode(received.clone()).unwrap();
    assert!(within.contains(&frame.payload.as_ptr()));

    let call = DriverCallRequest {
        args: vec![frame.payload],
        ..DriverCallRequest::default()
    };
    let received = Bytes::from(call.encode_to_vec());
    let within = received.as_ptr_range();
    let call = DriverCallRequest::decode(received.clone()).unwrap();
    assert!(within.contains(&call.args[0].as_ptr()));
}
