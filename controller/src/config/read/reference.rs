//! The documents of the reference: its ConfigMap holds them as texts, our file as sections.

use super::super::Config;
use super::super::document::{self, Kind, Node};
use super::super::fields::{Fields, Mistakes};
use super::addresses::check_endpoint;
use super::authentication;

/// The shortest keepalive interval.
const SHORTEST_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
const SEVERITIES: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

/// The two documents of the reference, `config` and `router`: each a mapping, or a text that is YAML.
pub(super) fn documents(fields: &mut Fields, config: &mut Config, mistakes: &mut Mistakes) {
    // `authentication` is the former name of `config`; read last, it wins.
    for key in ["config", "authentication"] {
        let Some(node) = fields.take_document(key, mistakes) else {
            continue;
        };
        let path = fields.path(key);
        if key == "authentication" && !is_whole(&node) {
            let mut section = Fields::of(node, &path, mistakes);
            authentication::read(&mut section, config, mistakes);
            section.finish(mistakes);
            continue;
        }
        let mut whole = Fields::of(node, &path, mistakes);
        if let Some(mut section) = whole.section("authentication", mistakes) {
            authentication::read(&mut section, config, mistakes);
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

/// Whether `authentication` is a document with that section in it, as the reference had it once, and not
/// the section itself, as in our file.
fn is_whole(node: &Node) -> bool {
    matches!(&node.kind, Kind::Map(members)
        if members.iter().any(|(key, _)| key.text == "authentication" || key.text == "apiVersion"))
}

/// The other sections of the first document of the reference; our file has them at the top.
pub(super) fn sections(top: &mut Fields, config: &mut Config, mistakes: &mut Mistakes) {
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
    // Accepted and ignored: we do not limit pings, idle time or the age of connections.
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

// === impl Fields ===

impl Fields {
    /// A document inside the file: a mapping, or a block of text that is YAML itself.
    fn take_document(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<Node> {
        let node = self.take(key)?;
        let Kind::Text(text) = &node.kind else {
            return Some(node);
        };
        // Lines count from where the text of a block begins, not from its `|`.
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
