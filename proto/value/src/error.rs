//! Why a Value could not be written or read.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

/// Longest piece of a peer's text that is repeated in a message.
const QUOTE: usize = 40;

/// A value that does not fit, or bytes that are no Value. Its message is one line.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("the value ends in the middle of a field")]
    Truncated,
    #[error("a varint is longer than 64 bits")]
    Varint,
    #[error("a field key is malformed")]
    Key,
    #[error("field {0} has the wrong wire type")]
    Wire(u32),
    #[error("a group ends that never began, or never ends")]
    Group,
    #[error("text is not UTF-8")]
    Utf8,
    #[error("values are nested too deep: at most 100 messages fit into one another")]
    Depth,
    #[error("the number {0} has no place in a value, send null")]
    NotFinite(f64),
    #[error(
        "integer {0} is beyond 2^53 and would arrive as another number, send it as text instead"
    )]
    Integer(i128),
    #[error(
        "bytes are not UTF-8 text (byte {0}), send them as base64 or through a byte stream instead"
    )]
    Bytes(usize),
    #[error("a map key must be text, an integer, a bool or a char")]
    MapKey,
    #[error("only a map or a struct becomes a `google.protobuf.Struct`")]
    NotAStruct,
    #[error("{0}")]
    Custom(Box<str>),
}

// === impl Error ===

impl Error {
    /// A `Display` that gave up on the way.
    pub(crate) fn display(error: std::io::Error) -> Self {
        serde::ser::Error::custom(error)
    }
}

impl serde::ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Kind::Custom(message.to_string().into()).into()
    }
}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Kind::Custom(message.to_string().into()).into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = Found(found);
        Self::custom(format_args!("invalid type: {found}, expected {expected}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = Found(found);
        Self::custom(format_args!("invalid value: {found}, expected {expected}"))
    }
}

/// What was found, in the words of a Value: it knows one kind of number, and null.
struct Found<'a>(Unexpected<'a>);

impl Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Unit => f.write_str("null"),
            Unexpected::Unsigned(n) => write!(f, "number {n}"),
            Unexpected::Signed(n) => write!(f, "number {n}"),
            Unexpected::Float(n) => write!(f, "number {n}"),
            // Status messages travel in a header, which has little room for a peer's blob.
            Unexpected::Str(text) => match text.char_indices().nth(QUOTE) {
                Some((cut, _)) => write!(f, "string {:?}...", &text[..cut]),
                None => write!(f, "string {text:?}"),
            },
            Unexpected::Map => f.write_str("struct"),
            Unexpected::Seq => f.write_str("list"),
            other => other.fmt(f),
        }
    }
}
