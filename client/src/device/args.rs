//! Arguments of driver calls: tuples of whatever can be serialized, or Values already encoded.

use bytes::Bytes;
use serde::Serialize;

use super::CallError;

/// Arguments of a call: `()`, `(3, true)`, or a `Vec<Bytes>` of encoded Values.
///
/// ```
/// use jumpstarter_client::device::Args;
///
/// assert_eq!((3, true).encode("set_outlet")?.len(), 2);
/// # Ok::<(), jumpstarter_client::device::CallError>(())
/// ```
pub trait Args {
    /// Encodes each argument as a `google.protobuf.Value`; `method` is for the error.
    ///
    /// # Errors
    ///
    /// When an argument is nothing that a Value can hold.
    fn encode(self, method: &str) -> Result<Vec<Bytes>, CallError>;
}

impl Args for () {
    fn encode(self, _method: &str) -> Result<Vec<Bytes>, CallError> {
        Ok(Vec::new())
    }
}

impl Args for Vec<Bytes> {
    fn encode(self, _method: &str) -> Result<Vec<Bytes>, CallError> {
        Ok(self)
    }
}

fn one<T: Serialize>(method: &str, position: usize, value: &T) -> Result<Bytes, CallError> {
    match jumpstarter_value::to_vec(value) {
        Ok(encoded) => Ok(encoded.into()),
        Err(source) => Err(CallError::Argument {
            method: method.to_owned(),
            position,
            source,
        }),
    }
}

macro_rules! tuple {
    ($($name:ident $position:literal),+) => {
        impl<$($name: Serialize),+> Args for ($($name,)+) {
            fn encode(self, method: &str) -> Result<Vec<Bytes>, CallError> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                Ok(vec![$(one(method, $position, &$name)?),+])
            }
        }
    };
}

tuple!(A 1);
tuple!(A 1, B 2);
tuple!(A 1, B 2, C 3);
tuple!(A 1, B 2, C 3, D 4);
tuple!(A 1, B 2, C 3, D 4, E 5);
tuple!(A 1, B 2, C 3, D 4, E 5, F 6);
