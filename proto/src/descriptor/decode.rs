//! From a descriptor to the interface it describes.

use std::cell::Cell;
use std::collections::HashMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type as Proto};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    MethodDescriptorProto,
};

use super::comment::Reader;
use super::spelling::{json, method, type_of};
use super::{DEPTH, Interface, Kind, Method, Param, Type};

/// Fields that are looked at before the rest is taken as [`Type::Any`]. Messages may contain one
/// another many times over, so a small file can describe a type that fills any memory.
const FIELDS: usize = 10_000;

/// Why bytes do not describe an interface.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// The bytes are something else.
    #[error("this is no file descriptor: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// There is nothing to call.
    #[error("the file descriptor `{0}` describes no service, expecting one")]
    NoService(String),
    /// The parameters are unknown.
    #[error("rpc `{rpc}` takes a `{message}`, which the file descriptor does not describe")]
    NoRequest {
        /// The rpc.
        rpc: String,
        /// Its request.
        message: String,
    },
}

/// Reads an encoded descriptor.
pub(super) fn file(bytes: &[u8]) -> Result<Interface, DescriptorError> {
    let proto = FileDescriptorProto::decode(bytes)?;
    let file = File::new(&proto);
    let Some(service) = proto.service.first() else {
        return Err(DescriptorError::NoService(proto.name().to_owned()));
    };
    let methods = service.method.iter().zip(0..);
    Ok(Interface {
        package: proto.package().to_owned(),
        name: service.name().to_owned(),
        doc: file.comments.doc(&[6, 0]),
        methods: methods
            .filter_map(|(rpc, at)| file.method(rpc, at))
            .collect::<Result<_, _>>()?,
    })
}

/// The file that is being read.
struct File<'a> {
    package: &'a str,
    comments: Reader<'a>,
    /// By full name, without a dot in front.
    messages: HashMap<String, (&'a DescriptorProto, Vec<i32>)>,
    enums: HashMap<String, (&'a EnumDescriptorProto, Vec<i32>)>,
    fields_left: Cell<usize>,
}

// === impl File ===

impl<'a> File<'a> {
    fn new(proto: &'a FileDescriptorProto) -> Self {
        let mut file = Self {
            package: proto.package(),
            comments: Reader::new(proto.source_code_info.as_ref()),
            messages: HashMap::new(),
            enums: HashMap::new(),
            fields_left: Cell::new(FIELDS),
        };
        for (message, at) in proto.message_type.iter().zip(0..) {
            file.declare(proto.package(), message, vec![4, at]);
        }
        for (choice, at) in proto.enum_type.iter().zip(0..) {
            file.enums
                .insert(join(proto.package(), choice.name()), (choice, vec![5, at]));
        }
        file
    }

    fn declare(&mut self, parent: &str, message: &'a DescriptorProto, path: Vec<i32>) {
        let name = join(parent, message.name());
        for (nested, at) in message.nested_type.iter().zip(0..) {
            self.declare(&name, nested, [&path[..], &[3, at]].concat());
        }
        for (choice, at) in message.enum_type.iter().zip(0..) {
            let path = [&path[..], &[4, at]].concat();
            self.enums
                .insert(join(&name, choice.name()), (choice, path));
        }
        self.messages.insert(name, (message, path));
    }

    /// `None` for a kind of rpc that no driver method is called by.
    fn method(
        &self,
        rpc: &MethodDescriptorProto,
        at: i32,
    ) -> Option<Result<Method, DescriptorError>> {
        let kind = match (rpc.client_streaming(), rpc.server_streaming()) {
            (false, false) => Kind::Call,
            (false, true) => Kind::Stream,
            (true, true) if self.carries_bytes(rpc.input_type()) => Kind::Bytes,
            (true, _) => return None,
        };
        let (params, result) = if kind == Kind::Bytes {
            (Vec::new(), Type::Null)
        } else {
            match self.request(rpc) {
                Ok(params) => (params, self.response(rpc.output_type())),
                Err(error) => return Some(Err(error)),
            }
        };
        Some(Ok(Method {
            name: method(rpc.name()),
            kind,
            doc: self.comments.doc(&[6, 0, 2, at]),
            params,
            result,
        }))
    }

    fn request(&self, rpc: &MethodDescriptorProto) -> Result<Vec<Param>, DescriptorError> {
        let name = rpc.input_type();
        match self.message(name) {
            Some((message, path)) => Ok(self.fields(message, path, 0)),
            None if name.trim_start_matches('.') == "google.protobuf.Empty" => Ok(Vec::new()),
            None => Err(DescriptorError::NoRequest {
                rpc: rpc.name().to_owned(),
                message: name.to_owned(),
            }),
        }
    }

    fn response(&self, name: &str) -> Type {
        let Some((message, path)) = self.message(name) else {
            return well_known(name);
        };
        let mut fields = self.fields(message, path, 0);
        match &mut fields[..] {
            [] => Type::Null,
            [only] if only.name == "result" && message.name().contains("Response") => {
                std::mem::replace(&mut only.ty, Type::Null)
            }
            _ => Type::Struct(fields),
        }
    }

    /// Whether this is `StreamData`, whatever its name.
    fn carries_bytes(&self, name: &str) -> bool {
        self.message(name).is_some_and(
            |(message, _)| matches!(&message.field[..], [field] if field.r#type() == Proto::Bytes),
        )
    }

    fn fields(&self, message: &DescriptorProto, path: &[i32], depth: usize) -> Vec<Param> {
        let fields = message.field.iter().zip(0..);
        fields
            .map(|(field, at)| Param {
                name: exact(field),
                ty: self.field(field, depth),
                optional: field.proto3_optional(),
                doc: self.comments.doc(&[path, &[2, at]].concat()),
            })
            .collect()
    }

    fn field(&self, field: &FieldDescriptorProto, depth: usize) -> Type {
        let Some(left) = self.fields_left.get().checked_sub(1) else {
            return Type::Any;
        };
        self.fields_left.set(left);
        let ty = match field.r#type() {
            Proto::Bool => Type::Bool,
            Proto::Double | Proto::Float => Type::Number,
            Proto::String | Proto::Bytes => Type::String,
            Proto::Enum => self.choice(field.type_name()),
            Proto::Message | Proto::Group => match self.message(field.type_name()) {
                Some((message, _)) if message.options.as_ref().is_some_and(|o| o.map_entry()) => {
                    return Type::Any;
                }
                Some(_) if depth >= DEPTH => Type::Any,
                Some((message, path)) => {
                    let mut fields = self.fields(message, path, depth + 1);
                    match &mut fields[..] {
                        [values] if is_list(field, message) => {
                            std::mem::replace(&mut values.ty, Type::Null)
                        }
                        _ => Type::Struct(fields),
                    }
                }
                None => well_known(field.type_name()),
            },
            _ => Type::Int,
        };
        if field.label() == Label::Repeated {
            Type::List(Box::new(ty))
        } else {
            ty
        }
    }

    fn choice(&self, name: &str) -> Type {
        let Some((choice, path)) = find(&self.enums, self.package, name) else {
            return well_known(name);
        };
        let values = choice.value.iter().zip(0..);
        let spelled = values.map(|(value, at)| {
            let spelling = self.comments.spelling(&[&path[..], &[2, at]].concat());
            spelling.unwrap_or_else(|| value.name().to_owned())
        });
        Type::Enum(spelled.collect())
    }

    fn message(&self, name: &str) -> Option<(&'a DescriptorProto, &[i32])> {
        find(&self.messages, self.package, name).map(|(message, path)| (*message, &path[..]))
    }
}

/// Names are full if they begin with a dot; some writers leave it out, or the package too.
fn find<'m, T>(all: &'m HashMap<String, T>, package: &str, name: &str) -> Option<&'m T> {
    match name.strip_prefix('.') {
        Some(full) => all.get(full),
        None => all.get(name).or_else(|| all.get(&join(package, name))),
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

/// The name a field had before it was bent.
fn exact(field: &FieldDescriptorProto) -> String {
    match &field.json_name {
        Some(name) if *name != json(field.name()) => name.clone(),
        _ => field.name().to_owned(),
    }
}

/// Whether `message` only stands for a list where protobuf does not allow one.
fn is_list(field: &FieldDescriptorProto, message: &DescriptorProto) -> bool {
    let values = matches!(&message.field[..],
        [values] if values.name() == "values" && values.label() == Label::Repeated);
    // Behind an underscore there is a number, if the name was taken.
    let name = message.name().split('_').next();
    values && name.and_then(|n| n.strip_suffix("List")) == Some(&type_of(field.name()))
}

/// Types everybody knows, as they look in a Value.
fn well_known(name: &str) -> Type {
    match name
        .trim_start_matches('.')
        .strip_prefix("google.protobuf.")
    {
        Some("Empty" | "NullValue") => Type::Null,
        Some("BoolValue") => Type::Bool,
        Some("Int32Value" | "Int64Value" | "UInt32Value" | "UInt64Value") => Type::Int,
        Some("FloatValue" | "DoubleValue") => Type::Number,
        Some("StringValue" | "BytesValue" | "Timestamp" | "Duration") => Type::String,
        Some("ListValue") => Type::List(Box::new(Type::Any)),
        _ => Type::Any,
    }
}
