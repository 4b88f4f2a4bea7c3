//! JSON as a constant expression.
//!
//! A macro knows names and comments, only the compiler knows what a type looks like; so the macros
//! write expressions of type `Json`, with constants of the types between the literal parts.

use proc_macro2::TokenStream;
use quote::quote;

/// JSON as it stands.
pub(crate) fn raw(json: &str) -> TokenStream {
    quote!(::jumpstarter_driver::Json::Raw(#json))
}

/// A string.
pub(crate) fn text(text: &str) -> TokenStream {
    quote!(::jumpstarter_driver::Json::Text(#text))
}

/// Pieces, one after the other.
pub(crate) fn join(pieces: &[TokenStream]) -> TokenStream {
    quote!(::jumpstarter_driver::Json::Join(&[#(#pieces),*]))
}

/// Pieces with commas between them.
pub(crate) fn list(pieces: &[TokenStream]) -> TokenStream {
    quote!(::jumpstarter_driver::Json::List(&[#(#pieces),*]))
}

/// `[...]`
pub(crate) fn array(items: &[TokenStream]) -> TokenStream {
    join(&[raw("["), list(items), raw("]")])
}

/// `{...}`
pub(crate) fn object(members: &[TokenStream]) -> TokenStream {
    join(&[raw("{"), list(members), raw("}")])
}

/// `"key":...`
pub(crate) fn member(key: &str, value: TokenStream) -> TokenStream {
    join(&[text(key), raw(":"), value])
}

/// One of two pieces, as a constant of type `bool` decides.
pub(crate) fn either(condition: &TokenStream, yes: &TokenStream, no: &TokenStream) -> TokenStream {
    quote!(if #condition { #yes } else { #no })
}
