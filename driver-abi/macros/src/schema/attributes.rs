//! The serde attributes that change what a type looks like.
//!
//! Attributes that it does not know are left to serde, except those that would make the schema
//! wrong.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, ExprUnary, Ident, Lit, LitStr, Result, Token, UnOp};

use crate::case::Case;
use crate::pieces::{raw, text};

/// On a struct or enum.
#[derive(Default)]
pub(super) struct Container {
    pub(super) rename_all: Option<Case>,
    pub(super) default: bool,
    pub(super) transparent: bool,
    pub(super) deny_unknown_fields: bool,
}

/// On a field or variant.
#[derive(Default)]
pub(super) struct Member {
    rename: Option<String>,
    pub(super) aliases: Vec<String>,
    /// It may be left out.
    pub(super) default: bool,
    pub(super) skip: bool,
    /// Code decides what it looks like.
    pub(super) opaque: bool,
    /// `#[schema(default = ...)]` as JSON.
    pub(super) example: Option<TokenStream>,
}

// === impl Container ===

impl Container {
    pub(super) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut container = Self::default();
        each(attributes, "serde", |meta| {
            match name(&meta).as_str() {
                "rename_all" => {
                    if let Some(rule) = reading(&meta)? {
                        container.rename_all = Case::parse(&rule);
                    }
                }
                "default" => {
                    container.default = true;
                    ignore(&meta)?;
                }
                "transparent" => container.transparent = true,
                "deny_unknown_fields" => container.deny_unknown_fields = true,
                "tag" | "content" | "untagged" | "from" | "try_from" | "rename_all_fields" => {
                    return Err(meta.error("cannot describe this; write `impl Schema` by hand"));
                }
                _ => ignore(&meta)?,
            }
            Ok(())
        })?;
        Ok(container)
    }
}

// === impl Member ===

impl Member {
    pub(super) fn new(attributes: &[Attribute]) -> Result<Self> {
        let mut member = Self::default();
        each(attributes, "serde", |meta| {
            match name(&meta).as_str() {
                "rename" => {
                    if let Some(name) = reading(&meta)? {
                        member.rename = Some(name);
                    }
                }
                "alias" => member
                    .aliases
                    .push(meta.value()?.parse::<LitStr>()?.value()),
                "default" => {
                    member.default = true;
                    ignore(&meta)?;
                }
                "skip" | "skip_deserializing" => member.skip = true,
                "with" | "deserialize_with" => {
                    member.opaque = true;
                    ignore(&meta)?;
                }
                "flatten" | "other" | "untagged" => {
                    return Err(meta.error("cannot describe this; write `impl Schema` by hand"));
                }
                _ => ignore(&meta)?,
            }
            Ok(())
        })?;
        each(attributes, "schema", |meta| {
            if name(&meta) != "default" {
                return Err(meta.error("expected `default = ...`"));
            }
            member.example = Some(literal(&meta.value()?.parse()?)?);
            Ok(())
        })?;
        Ok(member)
    }

    /// Its name in JSON.
    pub(super) fn name(&self, ident: Option<&Ident>, rename_all: Option<Case>) -> String {
        let plain = ident.map(|ident| ident.unraw().to_string());
        let plain = plain.unwrap_or_default();
        match (&self.rename, rename_all) {
            (Some(name), _) => name.clone(),
            (None, Some(case)) => case.apply(&plain),
            (None, None) => plain,
        }
    }
}

/// Visits the parts of every attribute `name`.
fn each(
    attributes: &[Attribute],
    name: &str,
    mut visit: impl FnMut(ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    for attribute in attributes {
        if attribute.path().is_ident(name) {
            attribute.parse_nested_meta(&mut visit)?;
        }
    }
    Ok(())
}

fn name(meta: &ParseNestedMeta<'_>) -> String {
    meta.path
        .get_ident()
        .map(Ident::to_string)
        .unwrap_or_default()
}

/// The text of `key = "text"`, or of `key(deserialize = "text")`.
fn reading(meta: &ParseNestedMeta<'_>) -> Result<Option<String>> {
    if meta.input.peek(Token![=]) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let mut reading = None;
    meta.parse_nested_meta(|direction| {
        let text = direction.value()?.parse::<LitStr>()?.value();
        if name(&direction) == "deserialize" {
            reading = Some(text);
        }
        Ok(())
    })?;
    Ok(reading)
}

/// Skips what follows a key.
fn ignore(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        meta.parse_nested_meta(|inner| ignore(&inner))?;
    }
    Ok(())
}

/// A literal as JSON.
fn literal(value: &Expr) -> Result<TokenStream> {
    let error = || syn::Error::new_spanned(value, "expected a literal");
    match value {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(string) => Ok(text(&string.value())),
            Lit::Bool(bool) => Ok(raw(if bool.value { "true" } else { "false" })),
            Lit::Int(int) => Ok(raw(int.base10_digits())),
            // `1.` is a number in Rust and none in JSON.
            Lit::Float(float) => float
                .base10_parse::<f64>()
                .map(|float| raw(&float.to_string())),
            _ => Err(error()),
        },
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => {
            let positive = literal(expr)?;
            Ok(crate::pieces::join(&[raw("-"), positive]))
        }
        _ => Err(error()),
    }
}
