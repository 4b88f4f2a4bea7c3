//! From an interface to its descriptor.

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type as Proto};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

use super::comment::Writer;
use super::spelling::{Scope, identifier, rpc, type_of};
use super::{DEPTH, Interface, Kind, Method, Param, Type};

const EMPTY: &str = ".google.protobuf.Empty";

/// Encodes the descriptor of `interface`.
pub(super) fn file(interface: &Interface) -> Vec<u8> {
    let mut file = File::new(interface);
    let methods = interface.methods.iter().enumerate();
    let service = ServiceDescriptorProto {
        name: Some(interface.name.clone()),
        method: methods
            .map(|(at, method)| file.method(at, method))
            .collect(),
        options: None,
    };
    file.proto.service.push(service);
    file.comments.doc(&[6, 0], &interface.doc);
    file.finish().encode_to_vec()
}

/// The file that is being written.
struct File {
    proto: FileDescriptorProto,
    scope: Scope,
    comments: Writer,
    /// The type of byte streams, once there is one.
    stream: Option<String>,
    uses_empty: bool,
    uses_value: bool,
}

/// The message that is being written.
struct Message {
    proto: DescriptorProto,
    scope: Scope,
    /// With the package and a dot in front.
    full_name: String,
    path: Vec<i32>,
    depth: usize,
}

// === impl File ===

impl File {
    fn new(interface: &Interface) -> Self {
        let mut scope = Scope::default();
        scope.take(interface.name.clone());
        let mut name = interface.package.replace('.', "/");
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(&interface.name.to_lowercase());
        let proto = FileDescriptorProto {
            name: Some(name + ".proto"),
            package: Some(interface.package.clone()),
            syntax: Some("proto3".to_owned()),
            ..FileDescriptorProto::default()
        };
        let comments = Writer::default();
        Self {
            proto,
            scope,
            comments,
            stream: None,
            uses_empty: false,
            uses_value: false,
        }
    }

    fn finish(mut self) -> FileDescriptorProto {
        if self.uses_empty {
            self.proto
                .dependency
                .push("google/protobuf/empty.proto".to_owned());
        }
        if self.uses_value {
            self.proto
                .dependency
                .push("google/protobuf/struct.proto".to_owned());
        }
        self.proto.source_code_info = self.comments.finish();
        self.proto
    }

    fn method(&mut self, at: usize, method: &Method) -> MethodDescriptorProto {
        let rpc = rpc(&method.name);
        self.comments.doc(&[6, 0, 2, index(at)], &method.doc);
        let (input, output) = if method.kind == Kind::Bytes {
            let stream = self.stream();
            (stream.clone(), stream)
        } else {
            let result = Param {
                name: "result".to_owned(),
                ty: method.result.clone(),
                optional: false,
                doc: String::new(),
            };
            let results = if method.result == Type::Null {
                &[][..]
            } else {
                &[result][..]
            };
            (
                self.top(&rpc, "Request", &method.params),
                self.top(&rpc, "Response", results),
            )
        };
        MethodDescriptorProto {
            name: Some(rpc),
            input_type: Some(input),
            output_type: Some(output),
            options: None,
            client_streaming: (method.kind == Kind::Bytes).then_some(true),
            server_streaming: (method.kind != Kind::Call).then_some(true),
        }
    }

    /// Adds a message and returns its full name; one without fields is `Empty`.
    fn top(&mut self, rpc: &str, suffix: &str, fields: &[Param]) -> String {
        if fields.is_empty() {
            self.uses_empty = true;
            return EMPTY.to_owned();
        }
        let message = self.declare(&format!("{rpc}{suffix}"));
        let full_name = message.full_name.clone();
        let message = message.fill(self, fields);
        self.proto.message_type.push(message);
        full_name
    }

    /// The full name of `StreamData { bytes payload = 1; }`.
    fn stream(&mut self) -> String {
        if let Some(name) = &self.stream {
            return name.clone();
        }
        let mut message = self.declare("StreamData");
        message.proto.field.push(FieldDescriptorProto {
            name: Some("payload".to_owned()),
            number: Some(1),
            label: Some(Label::Optional.into()),
            r#type: Some(Proto::Bytes.into()),
            ..FieldDescriptorProto::default()
        });
        self.proto.message_type.push(message.proto);
        self.stream = Some(message.full_name.clone());
        message.full_name
    }

    /// An empty message of this name, or the nearest that is free; the next of the file.
    fn declare(&mut self, name: &str) -> Message {
        let name = self.scope.take(identifier(name));
        let parent = match self.proto.package() {
            "" => String::new(),
            package => format!(".{package}"),
        };
        let path = vec![4, index(self.proto.message_type.len())];
        Message::new(parent, name, path, 0)
    }
}

// === impl Message ===

impl Message {
    fn new(parent: String, name: String, path: Vec<i32>, depth: usize) -> Self {
        Self {
            full_name: format!("{parent}.{name}"),
            proto: DescriptorProto {
                name: Some(name),
                ..DescriptorProto::default()
            },
            scope: Scope::default(),
            path,
            depth,
        }
    }

    fn fill(mut self, file: &mut File, fields: &[Param]) -> DescriptorProto {
        // Fields first: they keep their names, and types give way.
        let names: Vec<_> = fields
            .iter()
            .map(|field| self.scope.take(identifier(&field.name)))
            .collect();
        for (at, (param, name)) in fields.iter().zip(names).enumerate() {
            file.comments.doc(&self.at(2, at), &param.doc);
            let mut field = FieldDescriptorProto {
                json_name: (name != param.name).then(|| param.name.clone()),
                name: Some(name),
                number: Some(index(at) + 1),
                label: Some(Label::Optional.into()),
                ..FieldDescriptorProto::default()
            };
            match &param.ty {
                Type::List(item) if !param.optional => {
                    field.set_label(Label::Repeated);
                    self.shape(file, &mut field, item);
                }
                ty => self.shape(file, &mut field, ty),
            }
            if param.optional {
                field.proto3_optional = Some(true);
            }
            self.proto.field.push(field);
        }
        self.presence();
        self.proto
    }

    /// Gives each optional field the oneof of its own by which protobuf knows it.
    fn presence(&mut self) {
        for field in self
            .proto
            .field
            .iter_mut()
            .filter(|field| field.proto3_optional())
        {
            field.oneof_index = Some(index(self.proto.oneof_decl.len()));
            let name = self.scope.take(format!("_{}", field.name()));
            self.proto.oneof_decl.push(OneofDescriptorProto {
                name: Some(name),
                options: None,
            });
        }
    }

    /// Sets the type of `field`, of which there is one here, even if it is a list.
    fn shape(&mut self, file: &mut File, field: &mut FieldDescriptorProto, ty: &Type) {
        match ty {
            Type::Bool => field.set_type(Proto::Bool),
            Type::Int => field.set_type(Proto::Int64),
            Type::Number => field.set_type(Proto::Double),
            Type::Enum(values) if !values.is_empty() => self.choice(file, field, values),
            Type::String | Type::Enum(_) => field.set_type(Proto::String),
            Type::List(_) if self.depth < DEPTH => {
                let values = Param {
                    name: "values".to_owned(),
                    ty: ty.clone(),
                    optional: false,
                    doc: String::new(),
                };
                self.nested(file, field, "List", &[values]);
            }
            Type::Struct(fields) if self.depth < DEPTH => self.nested(file, field, "", fields),
            Type::Any | Type::List(_) | Type::Struct(_) => {
                file.uses_value = true;
                field.set_type(Proto::Message);
                field.type_name = Some(".google.protobuf.Value".to_owned());
            }
            Type::Null => {
                file.uses_value = true;
                field.set_type(Proto::Enum);
                field.type_name = Some(".google.protobuf.NullValue".to_owned());
            }
        }
    }

    fn nested(
        &mut self,
        file: &mut File,
        field: &mut FieldDescriptorProto,
        suffix: &str,
        fields: &[Param],
    ) {
        let name = self.scope.take(type_of(field.name()) + suffix);
        let path = self.at(3, self.proto.nested_type.len());
        let message = Message::new(self.full_name.clone(), name, path, self.depth + 1);
        field.set_type(Proto::Message);
        field.type_name = Some(message.full_name.clone());
        let message = message.fill(file, fields);
        self.proto.nested_type.push(message);
    }

    fn choice(&mut self, file: &mut File, field: &mut FieldDescriptorProto, values: &[String]) {
        let name = self.scope.take(type_of(field.name()));
        field.set_type(Proto::Enum);
        field.type_name = Some(format!("{}.{name}", self.full_name));
        let path = self.at(4, self.proto.enum_type.len());
        let mut choice = EnumDescriptorProto {
            name: Some(name),
            ..EnumDescriptorProto::default()
        };
        for (at, value) in values.iter().enumerate() {
            let name = self.scope.take(identifier(value));
            if name != *value {
                file.comments
                    .spelling(&[&path[..], &[2, index(at)]].concat(), value);
            }
            choice.value.push(EnumValueDescriptorProto {
                name: Some(name),
                number: Some(index(at)),
                options: None,
            });
        }
        self.proto.enum_type.push(choice);
    }

    /// The path to the part at position `at` of those with the number `number`.
    fn at(&self, number: i32, at: usize) -> Vec<i32> {
        [&self.path[..], &[number, index(at)]].concat()
    }
}

/// Positions are `i32` in protobuf; nothing here has two billion parts.
fn index(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}
