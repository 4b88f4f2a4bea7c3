//! The arguments of a call that a driver or a test makes.

use jumpstarter_value::{Error, ListWriter};
use serde::Serialize;

/// Arguments of a call: a tuple of anything that serializes. One argument is `(x,)`, none is `()`.
pub trait Arguments {
    /// Appends them to the list.
    #[doc(hidden)]
    fn write(&self, list: &mut ListWriter) -> Result<(), Error>;
}

/// The arguments as an encoded `google.protobuf.ListValue`.
pub(crate) fn encode(args: impl Arguments) -> crate::Result<Vec<u8>> {
    let mut list = ListWriter::new();
    args.write(&mut list)
        .map_err(crate::Error::invalid_argument)?;
    Ok(list.into_bytes())
}

impl Arguments for () {
    fn write(&self, _list: &mut ListWriter) -> Result<(), Error> {
        Ok(())
    }
}

macro_rules! tuples {
    ($($($name:ident)+,)*) => {$(
        impl<$($name: Serialize),+> Arguments for ($($name,)+) {
            #[allow(non_snake_case)]
            fn write(&self, list: &mut ListWriter) -> Result<(), Error> {
                let ($($name,)+) = self;
                $(list.push($name)?;)+
                Ok(())
            }
        }
    )*};
}

tuples! { A, A B, A B C, A B C D, A B C D E, A B C D E F, A B C D E F G, A B C D E F G H, }
