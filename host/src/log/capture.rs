//! What an event says, picked apart once and kept in buffers that are used again.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Range;

use jumpstarter_proto::v1::LogSource;
use tracing::Event;
use tracing::field::{Field, Visit};

use super::Line;
use super::stamp::Stamp;

/// An event, ready to be written in any form.
///
/// All text lies in one buffer; the fields point into it.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) level: tracing::Level,
    pub(super) stamp: Stamp,
    target: &'static str,
    text: String,
    message: Range<usize>,
    logger: Option<Range<usize>>,
    fields: Vec<Extra>,
}

#[derive(Debug)]
struct Extra {
    name: Name,
    value: Range<usize>,
    /// A number or a truth value, which JSON writes without quotes.
    bare: bool,
}

#[derive(Debug)]
enum Name {
    Known(&'static str),
    Given(Range<usize>),
}

// === impl Capture ===

impl Capture {
    pub(super) fn new() -> Self {
        Self {
            level: tracing::Level::INFO,
            stamp: Stamp {
                seconds: 0,
                nanos: 0,
            },
            target: "",
            text: String::with_capacity(256),
            message: 0..0,
            logger: None,
            fields: Vec::with_capacity(8),
        }
    }

    /// Forgets the previous event and takes this one.
    pub(super) fn take(&mut self, event: &Event<'_>) {
        self.start(*event.metadata().level(), event.metadata().target());
        event.record(self);
    }

    /// Forgets the previous event and takes this line.
    pub(super) fn take_line(&mut self, line: &Line<'_>) {
        self.start(line.level, "");
        self.logger = Some(self.push(line.logger));
        self.message = self.push(line.message);
        for (name, value) in line.fields {
            let name = Name::Given(self.push(name));
            let value = self.push(value);
            self.fields.push(Extra {
                name,
                value,
                bare: false,
            });
        }
    }

    fn start(&mut self, level: tracing::Level, target: &'static str) {
        self.level = level;
        self.stamp = Stamp::now();
        self.target = target;
        self.text.clear();
        self.message = 0..0;
        self.logger = None;
        self.fields.clear();
    }

    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    pub(super) fn message(&self) -> &str {
        &self.text[self.message.clone()]
    }

    /// The speaker: `driver.MockPower`, or for our own modules `exporter.session`.
    pub(super) fn logger(&self) -> Cow<'_, str> {
        match &self.logger {
            Some(range) => Cow::Borrowed(&self.text[range.clone()]),
            None => match self.target.strip_prefix("jumpstarter_host") {
                Some(module) => Cow::Owned(format!("exporter{module}").replace("::", ".")),
                None => Cow::Owned(self.target.replace("::", ".")),
            },
        }
    }

    /// Whose line it is to clients. Only who speaks decides, not when: what the exporter says while a
    /// hook runs is its own.
    pub(super) fn source(&self) -> LogSource {
        let speaker = match &self.logger {
            Some(range) => &self.text[range.clone()],
            None => self.target,
        };
        let mut parts = speaker.split('.');
        match (parts.next(), parts.next()) {
            (Some("driver"), Some(_)) => LogSource::Driver,
            (Some("hook"), Some("beforeLease")) => LogSource::BeforeLeaseHook,
            (Some("hook"), Some("afterLease")) => LogSource::AfterLeaseHook,
            _ => LogSource::System,
        }
    }

    /// Everything but the message and the logger: name, value, and whether JSON quotes it.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.fields.iter().map(|extra| {
            let name = match &extra.name {
                Name::Known(name) => name,
                Name::Given(range) => &self.text[range.clone()],
            };
            (name, &self.text[extra.value.clone()], !extra.bare)
        })
    }

    fn keep(&mut self, field: &Field, start: usize, bare: bool) {
        let value = start..self.text.len();
        match field.name() {
            "message" => self.message = value,
            "logger" => self.logger = Some(value),
            name => self.fields.push(Extra {
                name: Name::Known(name),
                value,
                bare,
            }),
        }
    }

    fn number(&mut self, field: &Field, value: impl fmt::Display) {
        let start = self.text.len();
        // Writing into a string cannot fail.
        write!(self.text, "{value}").ok();
        self.keep(field, start, true);
    }
}

impl Visit for Capture {
    fn record_str(&mut self, field: &Field, value: &str) {
        let start = self.push(value).start;
        self.keep(field, start, false);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let start = self.text.len();
        // Fails only if the value's own formatting does; what it wrote until then is kept.
        write!(self.text, "{value:?}").ok();
        self.keep(field, start, false);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(field, value);
    }
}
