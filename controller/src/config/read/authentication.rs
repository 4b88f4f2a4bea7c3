//! `authentication`: the token rules, and the issuers whose tokens are accepted.

use super::super::Config;
use super::super::document::{Kind, Node};
use super::super::fields::{Fields, Mistakes};
use crate::identity::issuers::{self, JwtConfig};

pub(super) fn read(section: &mut Fields, config: &mut Config, mistakes: &mut Mistakes) {
    if let Some(mut internal) = section.section("internal", mistakes) {
        if let Some(prefix) = internal.text("prefix", mistakes) {
            config.internal_prefix = prefix;
        }
        let line = internal.line();
        if let Some(lifetime) = internal.duration("tokenLifetime", mistakes) {
            if lifetime.is_zero() {
                let path = internal.path("tokenLifetime");
                mistakes.add(line, &path, "internal.tokenLifetime must be greater than 0");
            } else {
                config.token_lifetime = lifetime;
            }
        }
        internal.finish(mistakes);
    }
    if let Some(mut k8s) = section.section("k8s", mistakes) {
        k8s.flag("enabled", mistakes);
        k8s.finish(mistakes);
    }
    let path = section.path("jwt");
    if let Some(node) = section.take("jwt") {
        let Kind::List(items) = &node.kind else {
            return mistakes.expected(&node, &path, "a list");
        };
        let before = mistakes.0.len();
        for (at, item) in items.iter().enumerate() {
            match serde_path_to_error::deserialize::<_, JwtConfig>(item.json()) {
                Ok(issuer) => config.jwt.push(issuer),
                Err(error) => {
                    let inner = error.path().to_string();
                    let line = line_of(item, &inner).unwrap_or(item.line);
                    let path = match inner.as_str() {
                        "." => format!("{path}[{at}]"),
                        inner => format!("{path}[{at}].{inner}"),
                    };
                    mistakes.add(line, &path, error.inner().to_string());
                }
            }
        }
        // What parses may still contradict itself.
        if mistakes.0.len() == before {
            let ours = crate::identity::TokenRules::default().issuer;
            for wrong in issuers::mistakes(&config.jwt, &[&ours]) {
                locate(&wrong, &path, items, node.line, mistakes);
            }
        }
    }
}

/// Adds a mistake of the form `authentication.jwt[1].issuer.url: why` at the line of what it names.
fn locate(wrong: &str, path: &str, items: &[Node], line: usize, mistakes: &mut Mistakes) {
    let (field, why) = wrong.split_once(": ").unwrap_or(("", wrong));
    let inner = field.split_once("].").map_or("", |(_, inner)| inner);
    let at = field
        .split_once('[')
        .and_then(|(_, rest)| rest.split(']').next()?.parse().ok())
        .and_then(|at: usize| Some((at, items.get(at)?)));
    match at {
        Some((at, item)) => {
            // An index like `[2]` is not a key.
            let plain = inner.split('[').next().unwrap_or_default();
            let line = line_of(item, plain).unwrap_or(item.line);
            mistakes.add(line, &format!("{path}[{at}].{inner}"), why);
        }
        None => mistakes.add(line, path, why),
    }
}

/// The line of the value at a dotted path, or of the last key on the way that exists.
fn line_of(node: &Node, path: &str) -> Option<usize> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Kind::Map(members) = &node.kind else {
        return Some(node.line);
    };
    let (key, value) = members.iter().find(|(key, _)| key.text == first)?;
    match rest {
        "" => Some(key.line),
        rest => line_of(value, rest).or(Some(key.line)),
    }
}
