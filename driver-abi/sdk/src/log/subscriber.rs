//! The listener of a plugin's `tracing` macros.
//!
//! It keeps no record of spans. All it wants from them is to whom a line belongs: the id of a span
//! *is* the driver in whose code it was made (plus one, as ids are not zero), and entering the span
//! on another thread makes lines there lines of that driver.

use std::cell::RefCell;
use std::fmt::{self, Write};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Metadata, Subscriber};

use super::{Entered, enter, node, wanted, write_with};

thread_local! {
    /// The spans entered on this thread.
    static SPANS: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// Hands every event to the host.
#[derive(Debug)]
struct DriverLog;

/// What an event says.
#[derive(Default)]
struct Line {
    message: String,
    fields: Map<String, Value>,
}

/// Makes the host hear this image's log lines.
pub(crate) fn install() {
    // It fails only where a test has installed a listener of its own, which then has its reasons.
    drop(set_global_default(DriverLog));
}

// === impl DriverLog ===

impl Subscriber for DriverLog {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        // The host may change its level at any time.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        wanted(*metadata.level())
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(node().saturating_add(1))
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let fields = if line.fields.is_empty() {
            Vec::new()
        } else {
            // A field that has no place in a Struct must not cost the line.
            jumpstarter_value::to_struct(&line.fields).unwrap_or_default()
        };
        let metadata = event.metadata();
        write_with(
            node(),
            *metadata.level(),
            metadata.target(),
            &line.message,
            &fields,
        );
    }

    fn enter(&self, span: &Id) {
        let owner = span.into_u64() - 1;
        let entered = enter(if owner == 0 { node() } else { owner });
        SPANS.with_borrow_mut(|spans| spans.push(entered));
    }

    fn exit(&self, _span: &Id) {
        drop(SPANS.with_borrow_mut(Vec::pop));
    }
}

// === impl Line ===

impl Line {
    fn field(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    /// A number that would not arrive as it is travels as text.
    fn integer<N: Copy + Into<Value> + fmt::Display>(&mut self, field: &Field, n: N, exact: bool) {
        if exact {
            self.field(field, n);
        } else {
            self.field(field, n.to_string());
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string fails only if the value's own formatting does; what came is kept.
            let _formatted = write!(self.message, "{value:?}");
        } else {
            self.field(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.field(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.field(field, value.to_string());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.integer(field, value, value.unsigned_abs() <= 1 << 53);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.integer(field, value, value <= 1 << 53);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field, value);
    }
}
