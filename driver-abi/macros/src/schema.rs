//! `#[derive(Schema)]`.

mod attributes;

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Data, DeriveInput, Error, Field, Fields, FieldsNamed, Result, Token, Type, Variant};

use crate::docs;
use crate::pieces::{array, either, list, member, object, raw, text};
use attributes::{Container, Member};

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let mut input: DeriveInput = syn::parse2(input)?;
    let container = Container::new(&input.attrs)?;
    let schema = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if container.transparent => transparent(fields)?,
            Fields::Named(fields) => record(&container, fields)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => of(&fields.unnamed[0].ty),
            Fields::Unnamed(fields) => {
                let types = fields.unnamed.iter().map(|field| &field.ty);
                of(&syn::parse_quote!((#(#types,)*)))
            }
            Fields::Unit => of(&syn::parse_quote!(())),
        },
        Data::Enum(data) => choice(&container, &data.variants)?,
        Data::Union(data) => {
            let text = "a union has no JSON form";
            return Err(Error::new_spanned(data.union_token, text));
        }
    };
    let params = input.generics.type_params();
    let params: Vec<_> = params.map(|param| param.ident.clone()).collect();
    let bounds = &mut input.generics.make_where_clause().predicates;
    for param in params {
        bounds.push(syn::parse_quote!(#param: ::jumpstarter_driver::Schema));
    }
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics ::jumpstarter_driver::Schema for #ident #type_generics #where_clause {
            const SCHEMA: ::jumpstarter_driver::Json = #schema;
        }
    })
}

/// The schema of another type.
fn of(ty: &Type) -> TokenStream {
    quote!(<#ty as ::jumpstarter_driver::Schema>::SCHEMA)
}

/// A struct that looks like its only field.
fn transparent(fields: &FieldsNamed) -> Result<TokenStream> {
    match fields.named.first() {
        Some(field) if fields.named.len() == 1 => Ok(of(&field.ty)),
        _ => Err(Error::new_spanned(
            fields,
            "only a struct with one field can be described as transparent",
        )),
    }
}

/// A struct with named fields.
fn record(container: &Container, fields: &FieldsNamed) -> Result<TokenStream> {
    let mut properties = Vec::new();
    let mut required = Vec::new();
    for field in &fields.named {
        let attributes = Member::new(&field.attrs)?;
        if attributes.skip {
            continue;
        }
        let name = attributes.name(field.ident.as_ref(), container.rename_all);
        let schema = property(field, &attributes);
        for name in std::iter::once(&name).chain(&attributes.aliases) {
            properties.push(member(name, schema.clone()));
        }
        // That one of several names is needed cannot be said in a simple schema.
        if container.default || attributes.default || !attributes.aliases.is_empty() {
            continue;
        }
        let ty = &field.ty;
        let optional = quote!(<#ty as ::jumpstarter_driver::Schema>::OPTIONAL);
        required.push(if attributes.opaque {
            text(&name)
        } else {
            either(&optional, &raw(""), &text(&name))
        });
    }
    let mut members = vec![
        raw(r#""type":"object""#),
        member("properties", object(&properties)),
    ];
    if !required.is_empty() {
        members.push(member("required", array(&required)));
    }
    if container.deny_unknown_fields {
        members.push(raw(r#""additionalProperties":false"#));
    }
    Ok(object(&members))
}

/// The schema of a field, with what its attributes add.
fn property(field: &Field, attributes: &Member) -> TokenStream {
    let schema = if attributes.opaque {
        raw("{}")
    } else {
        of(&field.ty)
    };
    let mut more = Vec::new();
    let doc = docs::text(&field.attrs);
    if !doc.is_empty() {
        more.push(member("description", text(&doc)));
    }
    if let Some(value) = &attributes.example {
        more.push(member("default", value.clone()));
    }
    if more.is_empty() {
        return schema;
    }
    let more = list(&more);
    quote!(::jumpstarter_driver::Json::Extend(&#schema, &#more))
}

/// An enum whose variants are nothing but names.
fn choice(container: &Container, variants: &Punctuated<Variant, Token![,]>) -> Result<TokenStream> {
    let mut names = Vec::new();
    for variant in variants {
        let attributes = Member::new(&variant.attrs)?;
        if attributes.skip {
            continue;
        }
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                "only an enum without content can be described; write `impl Schema` by hand",
            ));
        }
        names.push(text(
            &attributes.name(Some(&variant.ident), container.rename_all),
        ));
        names.extend(attributes.aliases.iter().map(|name| text(name)));
    }
    Ok(object(&[
        raw(r#""type":"string""#),
        member("enum", array(&names)),
    ]))
}
