//! `#[driver]` on an `impl` block.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, ImplItem, ItemImpl, LitStr, Result, Token, Type};

use crate::docs;
use crate::method::{Kind, Method};
use crate::pieces::{array, either, member, object, raw, text};
use crate::start;

/// The categories that hosts and clients know.
const CATEGORIES: [&str; 13] = [
    "power",
    "storage",
    "network",
    "serial",
    "console",
    "shell",
    "video",
    "automotive",
    "bluetooth",
    "debug",
    "testing",
    "composite",
    "other",
];

/// What stands in the parentheses of `#[driver(...)]`.
#[derive(Default)]
struct Settings {
    types: Vec<LitStr>,
    client: Option<LitStr>,
    category: Option<LitStr>,
    dynamic: bool,
}

/// `key = "text"`, or a key alone.
struct Setting {
    key: Ident,
    value: Option<LitStr>,
}

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut item: ItemImpl = syn::parse2(item)?;
    // After a mistake the methods stay, so that the compiler complains about nothing else.
    let exports = exports(args, &mut item).unwrap_or_else(Error::into_compile_error);
    Ok(quote!(#item #exports))
}

/// What is added to the block, whose `#[export]`s are taken out.
fn exports(args: TokenStream, item: &mut ItemImpl) -> Result<TokenStream> {
    let methods = methods(item);
    let settings = Settings::new(args, &item.self_ty)?;
    if let Some((_, path, _)) = &item.trait_ {
        return Err(Error::new_spanned(
            path,
            "#[driver] goes on the `impl` block with the driver's own methods",
        ));
    }
    let methods = methods?;
    let metadata = metadata(&settings, item, &methods);
    let types = &settings.types;
    let blocking = methods.iter().any(Method::blocks);
    let entries = methods.iter().map(start::entry);
    let (impl_generics, _, where_clause) = item.generics.split_for_impl();
    let this = &item.self_ty;
    Ok(quote! {
        impl #impl_generics ::jumpstarter_driver::Exports for #this #where_clause {
            const TYPES: &'static [&'static str] = &[#(#types),*];
            const BLOCKING: bool = #blocking;
            const METADATA: ::jumpstarter_driver::Json = #metadata;
            const METHODS: &'static [::jumpstarter_driver::__private::Method<Self>] =
                &[#(#entries),*];
        }
    })
}

/// Takes the `#[export]`s out of the block.
fn methods(item: &mut ItemImpl) -> Result<Vec<Method>> {
    let mut found = Vec::new();
    for item in &mut item.items {
        if let ImplItem::Fn(function) = item {
            found.extend(Method::take(function));
        }
    }
    let mut methods: Vec<Method> = Vec::new();
    let mut names = HashSet::new();
    for method in found {
        let method = method?;
        if !names.insert(method.name.clone()) {
            return Err(Error::new(
                method.ident.span(),
                format!("method `{}` is exported twice", method.name),
            ));
        }
        methods.push(method);
    }
    Ok(methods)
}

/// The driver's entry in the plugin's metadata.
fn metadata(settings: &Settings, item: &ItemImpl, methods: &[Method]) -> TokenStream {
    let types = settings.types.iter().map(|name| text(&name.value()));
    let mut members = vec![member("type", array(&types.collect::<Vec<_>>()))];
    for (key, value) in [
        ("client", &settings.client),
        ("category", &settings.category),
    ] {
        if let Some(value) = value {
            members.push(member(key, text(&value.value())));
        }
    }
    let doc = docs::text(&item.attrs);
    if !doc.is_empty() {
        members.push(member("doc", text(&doc)));
    }
    let config = quote! {
        <<Self as ::jumpstarter_driver::Driver>::Config as ::jumpstarter_driver::Schema>::SCHEMA
    };
    members.push(member("config", config));
    let methods: Vec<_> = methods.iter().map(describe).collect();
    members.push(member("methods", array(&methods)));
    if settings.dynamic {
        members.push(raw(r#""dynamic":true"#));
    }
    object(&members)
}

fn describe(method: &Method) -> TokenStream {
    let kind = match method.kind {
        Kind::Call => "call",
        Kind::Stream => "stream",
        Kind::Bytes => "bytes",
    };
    let mut members = vec![
        member("name", text(&method.name)),
        member("kind", text(kind)),
    ];
    if !method.doc.is_empty() {
        members.push(member("doc", text(&method.doc)));
    }
    let params = method.params.iter().map(|param| {
        let ty = &param.ty;
        let schema = quote!(<#ty as ::jumpstarter_driver::Schema>::PRESENT);
        let optional = quote!(<#ty as ::jumpstarter_driver::Schema>::OPTIONAL);
        object(&[
            member("name", text(&param.name)),
            member("schema", schema),
            either(&optional, &raw(r#""optional":true"#), &raw("")),
        ])
    });
    members.push(member("params", array(&params.collect::<Vec<_>>())));
    if let Some(outcome) = method.outcome() {
        let result = quote! {
            <<#outcome as ::jumpstarter_driver::Outcome>::Value
                as ::jumpstarter_driver::Schema>::SCHEMA
        };
        members.push(member("result", result));
    }
    object(&members)
}

// === impl Settings ===

impl Settings {
    fn new(args: TokenStream, driver: &Type) -> Result<Self> {
        let all = Punctuated::<Setting, Token![,]>::parse_terminated.parse2(args)?;
        let mut settings = Self::default();
        for Setting { key, value } in all {
            match (key.unraw().to_string().as_str(), value) {
                ("type", Some(value)) => settings.types.push(value),
                ("client", Some(value)) => settings.client = Some(value),
                ("category", Some(value)) => {
                    if !CATEGORIES.contains(&value.value().as_str()) {
                        let known = CATEGORIES.join("`, `");
                        return Err(Error::new(
                            value.span(),
                            format!("unknown category, known are `{known}`"),
                        ));
                    }
                    settings.category = Some(value);
                }
                ("dynamic", None) => settings.dynamic = true,
                _ => {
                    return Err(Error::new(
                        key.span(),
                        "expected `type = \"...\"`, `client = \"...\"`, `category = \"...\"` or \
                         `dynamic`",
                    ));
                }
            }
        }
        if settings.types.is_empty() {
            return Err(Error::new_spanned(
                driver,
                "a driver needs a name for configurations: #[driver(type = \
                 \"package.driver.Class\")]",
            ));
        }
        Ok(settings)
    }
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse()?)
        } else {
            None
        };
        Ok(Self { key, value })
    }
}
