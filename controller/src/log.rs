//! The log of the controller: one JSON object per line on stderr, or plain lines for people at a
//! terminal.
//!
//! ```text
//! {"ts":"2026-11-22T07:00:00.000123Z","level":"info","msg":"serving","component":"serve","address":"[::]:8082"}
//! ```

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::sync::OnceLock;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::model::Time;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Plain at a terminal, else JSON
    #[default]
    Auto,
    /// An object per line
    Json,
    /// For people
    Text,
}

/// The least important lines to log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Level {
    /// Everything, for finding faults
    Debug,
    /// What happens
    #[default]
    Info,
    /// What went wrong and was dealt with
    #[value(alias = "warn")]
    Warning,
    /// What a person must look at
    Error,
}

struct Lines {
    json: bool,
}

/// The fields of one event.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

/// The level from the command line, and the handle to change the filter.
struct Shown {
    said: Option<Level>,
    filter: reload::Handle<Targets, Registry>,
}

static SHOWN: OnceLock<Shown> = OnceLock::new();

/// Starts the log of this process. A level on the command line wins over the configuration.
pub fn init(said: Option<Level>, format: Format) {
    let json = match format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !std::io::stderr().is_terminal(),
    };
    let (filter, handle) = reload::Layer::new(targets(said.unwrap_or_default()));
    let lines = Lines { json }.with_filter(filter);
    // Tests start it more than once in a process; only the first counts.
    if tracing_subscriber::registry()
        .with(lines)
        .try_init()
        .is_ok()
    {
        let shown = Shown {
            said,
            filter: handle,
        };
        SHOWN.set(shown).ok();
    }
}

/// Sets the level from the configuration, unless the command line has one.
pub fn configure(level: Option<Level>) {
    if let Some(Shown { said: None, filter }) = SHOWN.get() {
        // It fails only when the log is gone.
        filter.reload(targets(level.unwrap_or_default())).ok();
    }
}

fn targets(level: Level) -> Targets {
    let level = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warning => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    // DEBUG should not show every HTTP/2 frame.
    Targets::new()
        .with_default(level.min(LevelFilter::INFO))
        .with_target("jumpstarter", level)
        .with_target("exporter", level)
}

fn level(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warn",
        tracing::Level::INFO => "info",
        _ => "debug",
    }
}

/// The part of the program that logs: the top-level module.
fn component(target: &str) -> &str {
    let inside = target.strip_prefix("jumpstarter_controller::");
    let part = inside.unwrap_or(target);
    part.split("::").next().unwrap_or(part)
}

// === impl Lines ===

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let now = prost_types::Timestamp::from(Time::now()).to_string();
        let (level, component) = (level(*metadata.level()), component(metadata.target()));
        let line = if self.json {
            fields.json(&now, level, component)
        } else {
            fields.text(&now, level, component)
        };
        // Without stderr there is nowhere to report to.
        std::io::stderr().lock().write_all(line.as_bytes()).ok();
    }
}

// === impl Fields ===

impl Fields {
    fn json(self, now: &str, level: &str, component: &str) -> String {
        let mut line = Map::new();
        for (key, value) in [("ts", now), ("level", level), ("msg", &self.message)] {
            line.insert(key.to_owned(), value.into());
        }
        line.insert("component".to_owned(), component.into());
        for (key, value) in self.others {
            line.entry(key).or_insert(value);
        }
        format!("{}\n", Value::Object(line))
    }

    fn text(self, now: &str, level: &str, component: &str) -> String {
        let mut line = format!(
            "{now} {:<5} {component}: {}",
            level.to_uppercase(),
            self.message
        );
        for (key, value) in &self.others {
            let written = match value {
                Value::String(text) if !text.contains([' ', '"', '\n']) => {
                    write!(line, " {key}={text}")
                }
                other => write!(line, " {key}={other}"),
            };
            // Writing to a string cannot fail.
            written.ok();
        }
        // One line each, even if a value has line breaks.
        let mut line = line.replace('\n', "\\n");
        line.push('\n');
        line
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            // The additional fields of an exporter's line, see `service::telemetry`.
            ("fields", Value::String(text)) => match serde_json::from_str(&text) {
                Ok(Value::Object(fields)) => {
                    for (key, value) in fields {
                        self.others.entry(key).or_insert(value);
                    }
                }
                _ => drop(self.others.insert("fields".to_owned(), text.into())),
            },
            (name, value) => drop(self.others.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields {
            message: "a\nb".to_owned(),
            others: Map::from_iter([
                ("level".to_owned(), "forged".into()),
                ("n".to_owned(), 1.into()),
            ]),
        }
    }

    #[test]
    fn lines_are_objects() {
        let line = fields().json("now", "info", "serve");
        assert_eq!(
            line,
            "{\"ts\":\"now\",\"level\":\"info\",\"msg\":\"a\\nb\",\"component\":\"serve\",\"n\":1}\n"
        );
    }

    #[test]
    fn lines_are_lines() {
        let line = fields().text("now", "info", "serve");
        assert_eq!(line, "now INFO  serve: a\\nb level=forged n=1\n");
    }

    #[test]
    fn components_are_parts_of_the_program() {
        assert_eq!(component("jumpstarter_controller::serve::door"), "serve");
        assert_eq!(component("exporter"), "exporter");
    }
}
