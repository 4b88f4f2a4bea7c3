//! From a parsed document to settings.
//!
//! Our own file is read here. It may hold, and the ConfigMap of the reference does hold, the documents of
//! the reference: `reference` reads those, `authentication` the issuers in them, `addresses` whatever is
//! listened on or advertised.

mod addresses;
mod authentication;
mod reference;

use std::path::PathBuf;

use clap::ValueEnum as _;

use super::Config;
use super::document::Node;
use super::fields::{Fields, Mistakes};
use crate::log::Level;
use crate::tls::Given;

pub(super) use addresses::{address, is_endpoint};

/// The `kind` of our file, which may be left out.
const KIND: &str = "ControllerConfig";

/// Our file, or the config map of the reference.
pub(super) fn file(node: Node, config: &mut Config, mistakes: &mut Mistakes) {
    let mut top = Fields::of(node, "", mistakes);
    let kind = top.located("kind", mistakes);
    let is_map = kind.as_ref().is_some_and(|(_, kind)| kind == "ConfigMap");
    if let Some((line, kind)) = kind
        && !is_map
        && kind != KIND
    {
        mistakes.add(line, "kind", format!("`{kind}` should be `{KIND}`"));
    }
    top.text("apiVersion", mistakes);
    if is_map {
        // Only the data of the map matters.
        top.take("metadata");
        top.take("immutable");
        if let Some(mut data) = top.section("data", mistakes) {
            reference::documents(&mut data, config, mistakes);
            data.finish(mistakes);
        }
        return top.finish(mistakes);
    }
    config.data_dir = top.text("data_dir", mistakes).map(PathBuf::from);
    if let Some((line, namespace)) = top.located("namespace", mistakes) {
        match crate::model::validate::name("namespaces", &namespace) {
            Ok(()) => config.namespace = namespace,
            Err(why) => mistakes.add(line, "namespace", why),
        }
    }
    if let Some(section) = top.section("listen", mistakes) {
        addresses::listen(section, config, mistakes);
    }
    if let Some(section) = top.section("public_endpoints", mistakes) {
        addresses::public(section, config, mistakes);
    }
    if let Some(section) = top.section("tls", mistakes) {
        tls(section, config, mistakes);
    }
    if let Some(mut section) = top.section("limits", mistakes) {
        if let Some(grace) = section.duration("rotation_grace", mistakes) {
            config.rotation_grace = grace;
        }
        if let Some(grace) = section.duration("tunnel_grace", mistakes) {
            config.tunnel_grace = grace;
        }
        for (key, place) in [
            ("connections_per_address", &mut config.connections),
            ("leases_per_client", &mut config.most_leases),
        ] {
            count(&mut section, key, 1, place, mistakes);
        }
        section.finish(mistakes);
    }
    if let Some(section) = top.section("retention", mistakes) {
        retention(section, config, mistakes);
    }
    if let Some(mut section) = top.section("log", mistakes) {
        if let Some((line, level)) = section.located("level", mistakes) {
            match Level::from_str(&level, false) {
                Ok(level) => config.log_level = Some(level),
                Err(_) => {
                    let why = format!("`{level}` is none of debug, info, warning, error");
                    mistakes.add(line, "log.level", why);
                }
            }
        }
        section.finish(mistakes);
    }
    reference::documents(&mut top, config, mistakes);
    reference::sections(&mut top, config, mistakes);
    top.finish(mistakes);
}

fn retention(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    let kept = &mut config.retention;
    for (key, place) in [
        ("leases", &mut kept.leases),
        ("lease_names", &mut kept.names),
        ("audit", &mut kept.audit),
        ("credentials", &mut kept.credentials),
    ] {
        if let Some(length) = section.duration(key, mistakes) {
            *place = length;
        }
    }
    for (key, place) in [
        ("max_leases", &mut kept.most_leases),
        ("max_audit", &mut kept.most_audit),
    ] {
        count(&mut section, key, 0, place, mistakes);
    }
    section.finish(mistakes);
}

/// Reads a limit, which has to be at least `least`, into `place`.
fn count(
    section: &mut Fields,
    key: &'static str,
    least: usize,
    place: &mut usize,
    mistakes: &mut Mistakes,
) {
    let line = section.line_of(key);
    match section.integer(key, mistakes).map(usize::try_from) {
        Some(Ok(most)) if most >= least => *place = most,
        Some(_) => {
            let why = format!("write a number from {least} on");
            mistakes.add(line, &section.path(key), why);
        }
        None => {}
    }
}

fn tls(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    config.tls_line = Some(section.line());
    let file = config.path.clone().unwrap_or_default();
    // Relative paths start at the folder of the file.
    let beside = |name: String| match file.parent() {
        Some(folder) => folder.join(name),
        None => PathBuf::from(name),
    };
    let certificate = section.text("certificate", mistakes).map(beside);
    let key = section.text("key", mistakes).map(beside);
    match (certificate, key) {
        (Some(certificate), Some(key)) => config.tls = Some(Given { certificate, key }),
        (None, None) => {}
        _ => mistakes.add(section.line(), "tls", "`certificate` and `key` go together"),
    }
    if let Some((line, path)) = section.located("ca", mistakes) {
        match std::fs::read_to_string(beside(path.clone())) {
            Ok(pem) => config.ca_bundle = Some(pem),
            Err(error) => mistakes.add(line, "tls.ca", format!("cannot read `{path}`: {error}")),
        }
    }
    section.finish(mistakes);
}
