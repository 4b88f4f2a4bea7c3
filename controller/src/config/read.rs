//! From a document to settings.

use std::path::PathBuf;

use clap::ValueEnum as _;

use super::Config;
use super::document::{self, Kind, Node};
use super::fields::{Fields, Mistakes};
use crate::identity::issuers::{self, JwtConfig};
use crate::log::Level;
use crate::tls::Given;

/// What our file says it is, if it says that.
const KIND: &str = "ControllerConfig";
/// Peers are asked whether they are there no more often than this.
const SHORTEST_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
const SEVERITIES: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

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
        // Who the map is says nothing to us, but what it holds does.
        top.take("metadata");
        top.take("immutable");
        if let Some(mut data) = top.section("data", mistakes) {
            documents(&mut data, config, mistakes);
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
        listen(section, config, mistakes);
    }
    if let Some(section) = top.section("public_endpoints", mistakes) {
        public(section, config, mistakes);
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
    documents(&mut top, config, mistakes);
    sections(&mut top, config, mistakes);
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

/// Reads how many there may be of something.
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

/// The two documents of the reference, as texts or as what the texts say.
fn documents(fields: &mut Fields, config: &mut Config, mistakes: &mut Mistakes) {
    // The name it had before; if it is there it is what counts.
    for key in ["config", "authentication"] {
        let Some(node) = fields.take_document(key, mistakes) else {
            continue;
        };
        let path = fields.path(key);
        if key == "authentication" && !is_whole(&node) {
            let mut section = Fields::of(node, &path, mistakes);
            authentication(&mut section, config, mistakes);
            section.finish(mistakes);
            continue;
        }
        let mut whole = Fields::of(node, &path, mistakes);
        if let Some(mut section) = whole.section("authentication", mistakes) {
            authentication(&mut section, config, mistakes);
            section.finish(mistakes);
        }
        sections(&mut whole, config, mistakes);
        for plain in ["apiVersion", "kind"] {
            whole.text(plain, mistakes);
        }
        whole.finish(mistakes);
    }
    if let Some(node) = fields.take_document("router", mistakes) {
        routers(
            Fields::of(node, &fields.path("router"), mistakes),
            config,
            mistakes,
        );
    }
}

/// `authentication` is a section in ours and once was a document with that section.
fn is_whole(node: &Node) -> bool {
    matches!(&node.kind, Kind::Map(members)
        if members.iter().any(|(key, _)| key.text == "authentication" || key.text == "apiVersion"))
}

fn authentication(section: &mut Fields, config: &mut Config, mistakes: &mut Mistakes) {
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
        // What can be understood may still make no sense.
        if mistakes.0.len() == before {
            let ours = crate::identity::TokenRules::default().issuer;
            for wrong in issuers::mistakes(&config.jwt, &[&ours]) {
                place(&wrong, &path, items, node.line, mistakes);
            }
        }
    }
}

/// Puts `authentication.jwt[1].issuer.url: why` where it stands.
fn place(wrong: &str, path: &str, items: &[Node], line: usize, mistakes: &mut Mistakes) {
    let (field, why) = wrong.split_once(": ").unwrap_or(("", wrong));
    let inner = field.split_once("].").map_or("", |(_, inner)| inner);
    let at = field
        .split_once('[')
        .and_then(|(_, rest)| rest.split(']').next()?.parse().ok())
        .and_then(|at: usize| Some((at, items.get(at)?)));
    match at {
        Some((at, item)) => {
            // Items of lists have no key of their own.
            let plain = inner.split('[').next().unwrap_or_default();
            let line = line_of(item, plain).unwrap_or(item.line);
            mistakes.add(line, &format!("{path}[{at}].{inner}"), why);
        }
        None => mistakes.add(line, path, why),
    }
}

/// The line of what a dotted path leads to, or as far as it leads.
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

/// What else stands in the first document of the reference.
fn sections(top: &mut Fields, config: &mut Config, mistakes: &mut Mistakes) {
    if let Some(mut section) = top.section("provisioning", mistakes) {
        config.provisioning = section.flag("enabled", mistakes).unwrap_or_default();
        section.finish(mistakes);
    }
    if let Some(mut section) = top.section("grpc", mistakes) {
        if let Some(section) = section.section("keepalive", mistakes) {
            keepalive(section, config, mistakes);
        }
        section.finish(mistakes);
    }
    if let Some(mut section) = top.section("leasePolicy", mistakes) {
        let most = section.integer("maxTags", mistakes);
        if let Some(most) = most
            .and_then(|most| usize::try_from(most).ok())
            .filter(|most| *most > 0)
        {
            config.most_tags = most;
        }
        section.finish(mistakes);
    }
    if let Some(mut section) = top.section("hiddenLabels", mistakes) {
        config.labels.hidden = section.texts("keys", mistakes).into_iter().collect();
        section.finish(mistakes);
    }
    if let Some(mut section) = top.section("deprecatedLabels", mistakes) {
        config.labels.deprecated = section.table("keys", mistakes);
        section.finish(mistakes);
    }
    if let Some(section) = top.section("telemetry", mistakes) {
        telemetry(section, config, mistakes);
    }
}

fn keepalive(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    let line = section.line_of("intervalTime");
    match section.duration("intervalTime", mistakes) {
        Some(interval) if interval < SHORTEST_INTERVAL => {
            let path = section.path("intervalTime");
            let why = "must be at least 1s; peers would be asked without a pause";
            mistakes.add(line, &path, why);
        }
        Some(interval) => config.keepalive.interval = interval,
        None => {}
    }
    if let Some(timeout) = section.duration("timeout", mistakes) {
        config.keepalive.timeout = timeout;
    }
    // Peers may ping as often as they like, and connections may be idle and old.
    for unused in [
        "minTime",
        "maxConnectionIdle",
        "maxConnectionAge",
        "maxConnectionAgeGrace",
    ] {
        section.duration(unused, mistakes);
    }
    section.flag("permitWithoutStream", mistakes);
    section.finish(mistakes);
}

fn telemetry(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    config.telemetry.enabled = section.flag("enabled", mistakes).unwrap_or_default();
    config.telemetry.endpoint = section.text("endpoint", mistakes);
    section.text("certificate", mistakes);
    let mut filter = section
        .section("logging", mistakes)
        .and_then(|mut logging| {
            let filter = logging.section("filter", mistakes);
            logging.finish(mistakes);
            filter
        });
    if let Some(filter) = &mut filter
        && let Some((line, severity)) = filter.located("min_severity", mistakes)
    {
        if SEVERITIES.contains(&severity.as_str()) {
            config.telemetry.severity = severity;
        } else {
            let known = SEVERITIES.join(", ");
            let path = filter.path("min_severity");
            mistakes.add(line, &path, format!("`{severity}` is none of {known}"));
        }
    }
    if let Some(filter) = filter {
        filter.finish(mistakes);
    }
    section.finish(mistakes);
}

fn routers(section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    for (name, node) in section.all() {
        let path = format!("router.{name}");
        let line = node.line;
        let mut fields = Fields::of(node, &path, mistakes);
        match fields.located("endpoint", mistakes) {
            Some((line, endpoint)) => {
                if check_endpoint(line, &format!("{path}.endpoint"), &endpoint, mistakes) {
                    config.routers.insert(name, endpoint);
                }
            }
            None => mistakes.add(line, &path, "`endpoint` is missing: `host:port`"),
        }
        fields.table("labels", mistakes);
        fields.finish(mistakes);
    }
}

fn listen(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    let listen = &mut config.listen;
    let mut lines = Vec::new();
    let all = [
        ("grpc", &mut listen.grpc),
        ("router", &mut listen.router),
        ("health", &mut listen.health),
        ("metrics", &mut listen.metrics),
        ("login", &mut listen.login),
        ("telemetry", &mut listen.telemetry),
    ];
    for (key, place) in all {
        let Some((line, text)) = section.located(key, mistakes) else {
            continue;
        };
        match address(&text) {
            Ok(address) => {
                lines.push((key, line));
                *place = address;
            }
            Err(why) => mistakes.add(line, &format!("listen.{key}"), why),
        }
    }
    section.finish(mistakes);
    // Two doors at one place.
    for (at, (key, line)) in lines.iter().enumerate() {
        let taken = lines[..at].iter().find(|(other, _)| {
            listen.named(key).is_some() && listen.named(other) == listen.named(key)
        });
        if let Some((other, _)) = taken {
            let why = format!("the same address as `listen.{other}`");
            mistakes.add(*line, &format!("listen.{key}"), why);
        }
    }
}

/// An address as people write it, or that there is none: `8086`, `:8086`, `0`, `off`.
pub(super) fn address(text: &str) -> Result<Option<String>, String> {
    if matches!(text, "0" | "off" | "false" | "") {
        return Ok(None);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host_is_good = host.is_empty()
        || host.parse::<std::net::Ipv4Addr>().is_ok()
        || host == "localhost"
        || host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    if !host_is_good || port.parse::<u16>().is_err() {
        return Err(format!(
            "`{text}` is no address to listen on; write `:8082`, `127.0.0.1:8082`, `[::1]:8082` or `off`"
        ));
    }
    Ok(Some(format!("{host}:{port}")))
}

fn public(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    let public = &mut config.public;
    for (key, place) in [("grpc", &mut public.grpc), ("router", &mut public.router)] {
        if let Some((line, endpoint)) = section.located(key, mistakes)
            && check_endpoint(
                line,
                &format!("public_endpoints.{key}"),
                &endpoint,
                mistakes,
            )
        {
            *place = endpoint;
        }
    }
    public.login = section.text("login", mistakes);
    section.finish(mistakes);
}

fn check_endpoint(line: usize, path: &str, endpoint: &str, mistakes: &mut Mistakes) -> bool {
    let good = is_endpoint(endpoint);
    if !good {
        let why = format!("`{endpoint}` is no endpoint; write `host:port`, without `https://`");
        mistakes.add(line, path, why);
    }
    good
}

/// Whether something is `host:port` that a certificate can cover.
pub(super) fn is_endpoint(endpoint: &str) -> bool {
    let port = endpoint.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        && crate::tls::Names::of([endpoint]).is_ok()
}

fn tls(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    config.tls_line = Some(section.line());
    let file = config.path.clone().unwrap_or_default();
    // Paths are meant from where the file is.
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

// === impl Fields ===

impl Fields {
    /// A document inside the file: a block of text that is YAML itself, or a mapping.
    fn take_document(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<Node> {
        let node = self.take(key)?;
        let Kind::Text(text) = &node.kind else {
            return Some(node);
        };
        // A block stands where its text begins, not where its `|` is.
        match document::parse(text, node.line) {
            Ok(inner) => Some(inner),
            Err(mut mistake) => {
                mistake.path = self.path(key);
                mistakes.0.push(mistake);
                None
            }
        }
    }
}
