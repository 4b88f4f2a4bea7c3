//! A method marked `#[export]`: what it takes and returns, as far as its tokens tell.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericArgument, Ident, ImplItemFn, LitStr, Pat, PathArguments, Result,
    ReturnType, Type, TypeParamBound,
};

use crate::docs;

/// What a byte stream method talks through.
const STREAMS: [&str; 2] = ["ByteStream", "MessageStream"];

/// An exported method.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    /// On the wire.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) doc: String,
    /// Without the byte stream.
    pub(crate) params: Vec<Param>,
    pub(crate) is_async: bool,
    pub(crate) quick: bool,
    /// It has a `ByteStream` or a `MessageStream` as last parameter.
    pub(crate) takes_stream: bool,
    pub(crate) returns: Returns,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Stream,
    Bytes,
}

pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// The declared type.
pub(crate) struct Returns {
    ty: Type,
    /// It is a `Result`.
    pub(crate) is_result: bool,
    /// It is an iterator, or a `Result` of one.
    pub(crate) is_iterator: bool,
}

/// What stands in the parentheses of `#[export(...)]`.
#[derive(Default)]
struct Options {
    kind: Option<Kind>,
    quick: bool,
    name: Option<LitStr>,
}

// === impl Method ===

impl Method {
    /// Takes `#[export]` off the function; `None` if it has none.
    pub(crate) fn take(function: &mut ImplItemFn) -> Option<Result<Self>> {
        let is_export = |attr: &syn::Attribute| attr.path().is_ident("export");
        let at = function.attrs.iter().position(is_export)?;
        let attribute = function.attrs.remove(at);
        Some(Self::new(&attribute, function))
    }

    fn new(attribute: &syn::Attribute, function: &ImplItemFn) -> Result<Self> {
        let options = Options::new(attribute)?;
        let signature = &function.sig;
        if !signature.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &signature.generics,
                "an exported method has no generic parameters: its arguments come from the wire",
            ));
        }
        let mut params = params(signature)?;
        let kind = options.kind.unwrap_or(Kind::Call);
        let returns = Returns::new(&signature.output);
        let takes_stream = kind == Kind::Bytes
            && params
                .pop_if(|param| STREAMS.iter().any(|name| ends_with(&param.ty, name)))
                .is_some();
        let method = Self {
            ident: signature.ident.clone(),
            name: match options.name {
                Some(name) => name.value(),
                None => signature.ident.unraw().to_string(),
            },
            kind,
            doc: docs::text(&function.attrs),
            params,
            is_async: signature.asyncness.is_some(),
            quick: options.quick,
            takes_stream,
            returns,
        };
        method.check()?;
        Ok(method)
    }

    fn check(&self) -> Result<()> {
        let error = |text: &str| Err(Error::new(self.ident.span(), text));
        if self.kind == Kind::Bytes {
            if self.takes_stream && !self.is_async {
                return error("a method with a `ByteStream` or a `MessageStream` is an `async fn`");
            }
            if !self.takes_stream && !self.returns.mentions("OwnedFd") {
                return error(
                    "a byte stream method takes `io: ByteStream` or, where message boundaries \
                     matter, `io: MessageStream` as its last parameter, or returns \
                     `Result<OwnedFd>`",
                );
            }
        }
        if self.kind == Kind::Stream && self.is_async && self.returns.is_iterator {
            return error("a method that returns an iterator is a plain `fn`");
        }
        if self.quick && (self.kind == Kind::Bytes || self.returns.is_iterator) {
            return error("only calls and methods that return an `impl Stream` can be `quick`");
        }
        Ok(())
    }

    /// Whether it holds up a thread while it runs.
    pub(crate) fn blocks(&self) -> bool {
        match self.kind {
            Kind::Call => !self.is_async && !self.quick,
            Kind::Stream => self.returns.is_iterator,
            Kind::Bytes => !self.is_async,
        }
    }

    /// The type whose `Outcome` is the result, or an item of the stream.
    pub(crate) fn outcome(&self) -> Option<TokenStream> {
        match self.kind {
            Kind::Call => {
                let ty = &self.returns.ty;
                Some(quote!(#ty))
            }
            Kind::Stream => Some(self.returns.item()),
            Kind::Bytes => None,
        }
    }
}

fn params(signature: &syn::Signature) -> Result<Vec<Param>> {
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(this)) if this.reference.is_some() && this.mutability.is_none() => {}
        Some(FnArg::Receiver(this)) => {
            return Err(Error::new_spanned(
                this,
                "calls run concurrently: take `&self` and put mutable state behind a `Mutex`",
            ));
        }
        _ => {
            return Err(Error::new_spanned(
                &signature.ident,
                "an exported method takes `&self`",
            ));
        }
    }
    inputs.map(param).collect()
}

fn param(input: &FnArg) -> Result<Param> {
    let FnArg::Typed(input) = input else {
        return Err(Error::new_spanned(input, "`self` comes first"));
    };
    let Pat::Ident(pattern) = &*input.pat else {
        return Err(Error::new_spanned(
            &input.pat,
            "a parameter needs a plain name: callers see it in help texts and errors",
        ));
    };
    if let Type::Reference(ty) = &*input.ty {
        return Err(Error::new_spanned(
            ty,
            "arguments are owned: `String` instead of `&str`, `Vec<T>` instead of `&[T]`",
        ));
    }
    Ok(Param {
        name: pattern.ident.unraw().to_string(),
        ty: (*input.ty).clone(),
    })
}

// === impl Returns ===

impl Returns {
    fn new(output: &ReturnType) -> Self {
        let ty = match output {
            ReturnType::Default => syn::parse_quote_spanned!(output.span()=> ()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let mut returns = Self {
            is_result: ends_with(&ty, "Result"),
            is_iterator: false,
            ty,
        };
        let is_iterator = bounds(returns.good()).any(|bound| {
            let last = bound.path.segments.last();
            last.is_some_and(|name| name.ident.to_string().ends_with("Iterator"))
        });
        returns.is_iterator = is_iterator;
        returns
    }

    /// The type without the `Result` around it.
    fn good(&self) -> &Type {
        let arguments = match last_segment(&self.ty) {
            Some(last) if self.is_result => &last.arguments,
            _ => return &self.ty,
        };
        let PathArguments::AngleBracketed(arguments) = arguments else {
            return &self.ty;
        };
        match arguments.args.first() {
            Some(GenericArgument::Type(ty)) => ty,
            _ => &self.ty,
        }
    }

    /// The type of the items.
    fn item(&self) -> TokenStream {
        let good = self.good();
        let named = bounds(good).find_map(|bound| {
            let PathArguments::AngleBracketed(arguments) = &bound.path.segments.last()?.arguments
            else {
                return None;
            };
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(item) if item.ident == "Item" => Some(&item.ty),
                _ => None,
            })
        });
        match named {
            Some(item) => quote!(#item),
            None => quote!(<#good as ::jumpstarter_driver::Stream>::Item),
        }
    }

    fn mentions(&self, name: &str) -> bool {
        ends_with(self.good(), name)
    }
}

/// The traits of an `impl Trait`.
fn bounds(ty: &Type) -> impl Iterator<Item = &syn::TraitBound> {
    let bounds = match ty {
        Type::ImplTrait(ty) => Some(ty.bounds.iter()),
        _ => None,
    };
    bounds
        .into_iter()
        .flatten()
        .filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => Some(bound),
            _ => None,
        })
}

fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(ty) => ty.path.segments.last(),
        _ => None,
    }
}

fn ends_with(ty: &Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == name)
}

// === impl Options ===

impl Options {
    fn new(attribute: &syn::Attribute) -> Result<Self> {
        let mut options = Self::default();
        if matches!(attribute.meta, syn::Meta::Path(_)) {
            return Ok(options);
        }
        attribute.parse_nested_meta(|meta| {
            let kind = match meta.path.get_ident().map(Ident::to_string).as_deref() {
                Some("stream") => Kind::Stream,
                Some("bytes") => Kind::Bytes,
                Some("quick") => {
                    options.quick = true;
                    return Ok(());
                }
                Some("name") => {
                    options.name = Some(meta.value()?.parse()?);
                    return Ok(());
                }
                _ => {
                    return Err(meta.error(
                        "unknown kind of export, known are `stream`, `bytes`, `quick` and \
                         `name = \"...\"`",
                    ));
                }
            };
            if options.kind.replace(kind).is_some() {
                return Err(meta.error("a method is of one kind: `stream` or `bytes`"));
            }
            Ok(())
        })?;
        Ok(options)
    }
}
