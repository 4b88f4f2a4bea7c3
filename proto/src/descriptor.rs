//! What a driver can do, in the form it travels in: a `google.protobuf.FileDescriptorProto`.
//!
//! The exporter writes one into the report of each driver; a client reads it and can then call a
//! driver it never heard of, check arguments and print help. Nobody calls the service described
//! here: calls go through `DriverCall` as ever, the descriptor only tells how.
//!
//! ```text
//! Interface { package: "jumpstarter.driver.power.v1", name: "MockPower", methods: [...] }
//!
//!   service MockPower {                                  the class
//!     rpc SetVoltage(SetVoltageRequest)                  Kind::Call     set_voltage
//!         returns (SetVoltageResponse);
//!     rpc Read(google.protobuf.Empty)                    Kind::Stream   read
//!         returns (stream ReadResponse);
//!     rpc Connect(stream StreamData)                     Kind::Bytes    connect
//!         returns (stream StreamData);
//!   }
//!   message SetVoltageRequest {                          a field per parameter, in order
//!     double volts = 1;
//!     optional string channel = 2;                       optional: may be left out
//!   }
//!   message SetVoltageResponse { bool result = 1; }      Empty when there is no result
//! ```
//!
//! Names on the wire are not always names in protobuf. Methods become CamelCase where that can be
//! undone and otherwise keep their spelling, with an underscore behind those that would be taken
//! for CamelCase. A field whose name had to be bent says the exact one in `json_name`, a value of
//! an enum in the comment behind it. Lists inside lists and lists that may be left out, which
//! protobuf does not have, become messages `<Field>List` with one field `values`.
//!
//! Descriptors others wrote are read as far as they can be: a response that is no `<Rpc>Response`
//! is itself the result, types declared elsewhere are [`Type::Any`].

mod comment;
mod decode;
mod encode;
mod schema;
mod spelling;

pub use decode::DescriptorError;

/// Types nest this deep; what is further in is [`Type::Any`].
const DEPTH: usize = 16;

/// The methods of a driver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Interface {
    /// The protobuf package, such as `jumpstarter.driver.power.v1`.
    pub package: String,
    /// The class, such as `MockPower`.
    pub name: String,
    /// Help text.
    pub doc: String,
    /// In the order they were declared.
    pub methods: Vec<Method>,
}

/// A method of a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Exactly as called on the wire.
    pub name: String,
    /// How it is called.
    pub kind: Kind,
    /// Help text.
    pub doc: String,
    /// In order. A byte stream has none.
    pub params: Vec<Param>,
    /// What it returns or, for a stream, what each item is.
    pub result: Type,
}

/// How a method is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Arguments in, one result out.
    Call,
    /// Arguments in, any number of results out.
    Stream,
    /// Bytes both ways.
    Bytes,
}

/// A parameter of a method, or a field of a [`Type::Struct`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Exactly as it is called.
    pub name: String,
    /// What goes in.
    pub ty: Type,
    /// Whether it may be left out.
    pub optional: bool,
    /// Help text.
    pub doc: String,
}

/// What a parameter takes or a method returns, as far as a caller must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool,
    /// A number without a fraction.
    Int,
    /// A number.
    Number,
    /// Text.
    String,
    /// Anything a `google.protobuf.Value` can hold.
    Any,
    /// Any number of values of one type.
    List(Box<Type>),
    /// One of these texts.
    Enum(Vec<String>),
    /// Named values.
    Struct(Vec<Param>),
}

// === impl Interface ===

impl Interface {
    /// The encoded FileDescriptorProto.
    pub fn encode(&self) -> Vec<u8> {
        encode::file(self)
    }

    /// Reads an encoded FileDescriptorProto, ours or another's.
    pub fn decode(bytes: &[u8]) -> Result<Interface, DescriptorError> {
        decode::file(bytes)
    }
}

#[cfg(test)]
mod tests;
