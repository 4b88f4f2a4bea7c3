//! The macros of `jumpstarter-driver`, which re-exports them.
//!
//! They look at names and types only; what those mean is left to traits of the SDK, so that an error
//! in a driver is an error at the driver's own line.

mod case;
mod docs;
mod driver;
mod method;
mod pieces;
mod schema;
mod start;

use proc_macro::TokenStream;

/// Makes the methods of an `impl` block callable.
///
/// ```ignore
/// /// What it is: shown by `jmp driver inspect`.
/// #[driver(
///     type = "package.driver.Class",      // may be repeated: other names for the same driver
///     client = "package.client.Client",   // may be left out
///     category = "power",                 // may be left out: other
///     dynamic,                            // some methods are made by `Driver::describe`
/// )]
/// impl Class { .. }
/// ```
///
/// Methods marked `#[export]` may be called; the others are the driver's own. They take `&self` and
/// owned arguments of any type with `serde::Deserialize` and `Schema`. An `Option` may be left out
/// by the caller. They return `Result<T>`, with any error that `?` turns into `Error`.
///
/// | attribute | method | where it runs |
/// |---|---|---|
/// | `#[export]` | `async fn` | on the plugin's own tokio runtime |
/// | `#[export]` | `fn` | on a thread that may block |
/// | `#[export(quick)]` | either | at once on the exporter's thread: it must not block |
/// | `#[export(stream)]` | returns `impl Stream<Item = Result<T>>`, or a `Result` of that | on the plugin's runtime |
/// | `#[export(stream, quick)]` | the same | at once on the exporter's thread until it has to wait: it must not block |
/// | `#[export(stream)]` | `fn` that returns `impl Iterator<Item = Result<T>>`, or a `Result` of that | on a thread that may block |
/// | `#[export(bytes)]` | `async fn` with `io: ByteStream` as last parameter | on the plugin's runtime |
/// | `#[export(bytes)]` | `async fn` with `io: MessageStream` as last parameter | on the plugin's runtime |
/// | `#[export(bytes)]` | returns `Result<OwnedFd>`, a socket of the driver's own | as `async fn` or `fn` |
///
/// `name = "..."` gives a method another name on the wire: `#[export(stream, name = "read-all")]`.
#[proc_macro_attribute]
pub fn driver(args: TokenStream, item: TokenStream) -> TokenStream {
    driver::expand(args.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Derives `Schema` for a struct, or for an enum without content.
///
/// Understands the serde attributes `rename`, `rename_all`, `alias`, `default`, `skip`,
/// `skip_deserializing`, `transparent` and `deny_unknown_fields`. A field with `with` or
/// `deserialize_with` is described as anything. `#[schema(default = ...)]` tells the default of a
/// field, a literal.
#[proc_macro_derive(Schema, attributes(schema, serde))]
pub fn schema(item: TokenStream) -> TokenStream {
    schema::expand(item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
