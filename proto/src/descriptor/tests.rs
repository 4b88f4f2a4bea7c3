#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use protox::prost_reflect::DescriptorPool;

use super::*;

fn param(name: &str, ty: Type) -> Param {
    Param {
        name: name.into(),
        ty,
        optional: false,
        doc: String::new(),
    }
}

fn optional(name: &str, ty: Type) -> Param {
    Param {
        optional: true,
        ..param(name, ty)
    }
}

fn method(name: &str, kind: Kind, params: Vec<Param>, result: Type) -> Method {
    Method {
        name: name.into(),
        kind,
        doc: String::new(),
        params,
        result,
    }
}

fn list(item: Type) -> Type {
    Type::List(Box::new(item))
}

/// Something of everything.
fn example() -> Interface {
    let reading = Type::Struct(vec![
        param("voltage", Type::Number),
        param("current", Type::Number),
    ]);
    Interface {
        package: "jumpstarter.driver.power.v1".into(),
        name: "MockPower".into(),
        doc: "Power.\n\nFor tests.".into(),
        methods: vec![
            Method {
                doc: "Switches it on.".into(),
                ..method("on", Kind::Call, vec![], Type::Null)
            },
            method("read", Kind::Stream, vec![], reading),
            method("connect", Kind::Bytes, vec![], Type::Null),
            method("connect_again", Kind::Bytes, vec![], Type::Null),
            method(
                "setUp",
                Kind::Call,
                vec![
                    Param {
                        doc: "In volts.".into(),
                        ..param("volts", Type::Number)
                    },
                    optional(
                        "mode",
                        Type::Enum(vec!["fast".into(), "5 V".into(), "mode".into()]),
                    ),
                    param("tags", list(Type::String)),
                    optional("more_tags", list(Type::String)),
                    optional("rows", list(list(Type::Int))),
                    param("sets", list(Type::Struct(vec![param("a b", Type::Bool)]))),
                    optional("rest", Type::Any),
                    param("nothing", Type::Null),
                ],
                list(Type::Any),
            ),
        ],
    }
}

fn proto(interface: &Interface) -> FileDescriptorProto {
    FileDescriptorProto::decode(&interface.encode()[..]).unwrap()
}

#[test]
fn what_is_written_can_be_read() {
    let interface = example();
    assert_eq!(Interface::decode(&interface.encode()).unwrap(), interface);
}

#[test]
fn others_accept_it_and_see_the_same() {
    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(proto(&example())).unwrap();

    let service = pool
        .get_service_by_name("jumpstarter.driver.power.v1.MockPower")
        .unwrap();
    let rpcs: Vec<_> = service
        .methods()
        .map(|rpc| {
            let stream = |is| if is { "stream " } else { "" };
            format!(
                "{}({}{}) {}{}",
                rpc.name(),
                stream(rpc.is_client_streaming()),
                rpc.input().name(),
                stream(rpc.is_server_streaming()),
                rpc.output().name()
            )
        })
        .collect();
    assert_eq!(
        rpcs,
        [
            "On(Empty) Empty",
            "Read(Empty) stream ReadResponse",
            "Connect(stream StreamData) stream StreamData",
            "ConnectAgain(stream StreamData) stream StreamData",
            "setUp(setUpRequest) setUpResponse",
        ]
    );

    let request = service.methods().last().unwrap().input();
    let fields: Vec<_> = request
        .fields()
        .map(|f| (f.number(), f.name().to_owned()))
        .collect();
    let names = [
        "volts",
        "mode",
        "tags",
        "more_tags",
        "rows",
        "sets",
        "rest",
        "nothing",
    ];
    assert!(
        (1..)
            .zip(names)
            .eq(fields.iter().map(|(number, name)| (*number, &name[..])))
    );
    let field = |name| request.get_field_by_name(name).unwrap();
    assert!(field("mode").supports_presence() && !field("volts").supports_presence());
    assert!(field("tags").is_list());
    assert_eq!(
        field("more_tags").kind().as_message().unwrap().name(),
        "MoreTagsList"
    );
    let set = field("sets")
        .kind()
        .as_message()
        .unwrap()
        .fields()
        .next()
        .unwrap();
    assert_eq!((set.name(), set.json_name()), ("a_b", "a b"));
    assert_eq!(
        request.get_field(1).unwrap().kind(),
        protox::prost_reflect::Kind::Double
    );
}

#[test]
fn comments_stand_where_compilers_put_them() {
    let source = r#"
        syntax = "proto3";
        package lab.v1;
        import "google/protobuf/empty.proto";
        import "google/protobuf/timestamp.proto";
        // A relay.
        service Relay {
          // Switches an outlet.
          //
          // Twice is fine.
          rpc SetOutlet(SetOutletRequest) returns (google.protobuf.Empty);
          rpc Read(google.protobuf.Empty) returns (stream Reading);
          rpc Upload(stream Reading) returns (Reading);
          rpc Tree(Node) returns (Node);
        }
        enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; }
        message SetOutletRequest {
          // Counted from one.
          int32 outlet_number = 1;
          optional bool on = 2;
          map<string, string> labels = 3;
          google.protobuf.Timestamp at = 4;
          Color color = 5;
        }
        message Reading { float voltage = 1; repeated bytes raw = 2; }
        message Node { repeated Node children = 1; }
    "#;
    let interface = Interface::decode(&compile(source)).unwrap();
    assert_eq!(
        (&interface.package[..], &interface.doc[..]),
        ("lab.v1", "A relay.")
    );
    // Nobody can call `Upload`: no driver method takes a stream of values.
    let names: Vec<_> = interface.methods.iter().map(|m| &m.name[..]).collect();
    assert_eq!(names, ["set_outlet", "read", "tree"]);

    let set = &interface.methods[0];
    assert_eq!(set.doc, "Switches an outlet.\n\nTwice is fine.");
    let colors = Type::Enum(vec!["COLOR_UNSPECIFIED".into(), "COLOR_RED".into()]);
    assert_eq!(
        set.params,
        [
            Param {
                doc: "Counted from one.".into(),
                ..param("outlet_number", Type::Int)
            },
            optional("on", Type::Bool),
            param("labels", Type::Any),
            param("at", Type::String),
            param("color", colors),
        ]
    );
    let reading = vec![
        param("voltage", Type::Number),
        param("raw", list(Type::String)),
    ];
    assert_eq!(interface.methods[1].result, Type::Struct(reading));
}

/// Compiles a `.proto` file as a vendor would.
fn compile(source: &str) -> Vec<u8> {
    use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

    struct One(String);
    impl FileResolver for One {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            match name {
                "relay.proto" => File::from_source(name, &self.0),
                _ => Err(protox::Error::file_not_found(name)),
            }
        }
    }
    let mut resolver = ChainFileResolver::new();
    resolver.add(One(source.to_owned()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler
        .include_source_info(true)
        .open_file("relay.proto")
        .unwrap();
    let set = compiler.file_descriptor_set();
    set.file.last().unwrap().encode_to_vec()
}

#[test]
fn messages_that_multiply_stay_small() {
    let fields: String = (1..50).map(|n| format!("M f{n} = {n};")).collect();
    let source = format!(
        "syntax = \"proto3\"; message M {{ {fields} }} service S {{ rpc A(M) returns (M); }}"
    );
    assert!(Interface::decode(&compile(&source)).is_ok());
}

#[test]
fn what_is_no_interface_is_refused() {
    let error = |bytes: &[u8]| Interface::decode(bytes).unwrap_err().to_string();
    assert!(error(b"\xff").starts_with("this is no file descriptor: "));
    assert_eq!(
        error(b"\x0a\x01x"),
        "the file descriptor `x` describes no service, expecting one"
    );

    let mut file = proto(&example());
    file.message_type.clear();
    assert_eq!(
        error(&file.encode_to_vec()),
        "rpc `setUp` takes a `.jumpstarter.driver.power.v1.setUpRequest`, which the file \
         descriptor does not describe"
    );
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}(_[a-z]{1,3}){0,2}",
        "[a-zA-Z0-9_]{0,4}",
        "\\PC{0,3}"
    ]
}

fn some_param(ty: impl Strategy<Value = Type>) -> impl Strategy<Value = Param> {
    (name(), ty, any::<bool>(), "[a-z \n]{0,8}|\\PC{0,3}").prop_map(|(name, ty, optional, doc)| {
        Param {
            name,
            ty,
            optional,
            doc,
        }
    })
}

fn some_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Null),
        Just(Type::Bool),
        Just(Type::Int),
        Just(Type::Number),
        Just(Type::String),
        Just(Type::Any),
        prop::collection::vec(name(), 1..4).prop_map(Type::Enum),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(list),
            prop::collection::vec(some_param(inner), 0..4).prop_map(Type::Struct),
        ]
    })
}

/// Numbers the fields, and those further in.
fn tell_apart(fields: &mut [Param]) {
    for (at, field) in fields.iter_mut().enumerate() {
        field.name.push_str(&at.to_string());
        tell_apart_in(&mut field.ty);
    }
}

fn tell_apart_in(ty: &mut Type) {
    match ty {
        Type::List(item) => tell_apart_in(item),
        Type::Struct(fields) => tell_apart(fields),
        _ => {}
    }
}

fn some_method() -> impl Strategy<Value = Method> {
    let kind = prop::sample::select(&[Kind::Call, Kind::Stream, Kind::Bytes][..]);
    let params = prop::collection::vec(some_param(some_type()), 0..4);
    (name(), kind, "\\PC{0,9}", params, some_type()).prop_map(
        |(name, kind, doc, params, result)| {
            let (params, result) = if kind == Kind::Bytes {
                (Vec::new(), Type::Null)
            } else {
                (params, result)
            };
            Method {
                name,
                kind,
                doc,
                params,
                result,
            }
        },
    )
}

prop_compose! {
    fn some_interface()(
        package in "([a-z]{1,4}(\\.[a-z]{1,4}){0,2})?",
        name in "[A-Z][A-Za-z]{0,6}|StreamData|[A-Z]Request",
        doc in "\\PC{0,9}",
        methods in prop::collection::vec(some_method(), 0..5),
    ) -> Interface {
        Interface { package, name, doc, methods }
    }
}

proptest! {
    #[test]
    fn every_interface_survives(interface in some_interface()) {
        prop_assert_eq!(Interface::decode(&interface.encode()).unwrap(), interface);
    }

    /// Strict readers take it too, whatever the parameters are called, as long as no two share a
    /// name. (Methods keep their names, and an odd one is refused there.)
    #[test]
    fn every_interface_is_valid(mut interface in some_interface()) {
        for (at, method) in interface.methods.iter_mut().enumerate() {
            method.name = format!("method_{}", char::from(b'a' + at as u8));
            tell_apart(&mut method.params);
            tell_apart_in(&mut method.result);
        }
        let mut pool = DescriptorPool::global();
        pool.add_file_descriptor_proto(proto(&interface)).unwrap();
    }

    #[test]
    fn damaged_descriptors_do_no_harm(
        interface in some_interface(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = interface.encode();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(1 + cut.index(bytes.len()));
        let _interface = Interface::decode(&bytes);
    }
}
