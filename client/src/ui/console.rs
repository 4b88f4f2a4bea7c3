//! Log lines, on stderr: a level, and what happened.
//!
//! ```text
//! INFO     Waiting for beforeLease hook to complete...
//! WARNING  [exporter:beforeLease] the relay did not click
//! ```

use std::fmt::{self, Write as _};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::tell;
use crate::cli::printable;
use crate::logs::Severity;

/// How serious a line must be to be shown.
type Level = Severity;

/// Shows log lines: those of this program, through `tracing`, and those of the exporter.
#[derive(Debug)]
pub(crate) struct Console {
    level: Level,
    coloured: bool,
    /// Whose line was the last one; a name is shown only when it changes.
    last: Mutex<Option<&'static str>>,
}

// === impl Console ===

impl Console {
    /// Begins to show lines of at least `level`; the log of this program's own code included.
    pub(crate) fn install(level: Level) -> &'static Self {
        let console: &'static Self = Box::leak(Box::new(Self {
            level,
            coloured: std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            last: Mutex::new(None),
        }));
        // Only a second call in the same process could fail, and then the first one's rules hold.
        tracing::subscriber::set_global_default(console).ok();
        console
    }

    /// Shows a line of `logger`; without one it is ours.
    pub(crate) fn log(&self, level: Level, logger: Option<&'static str>, message: &str) {
        if level < self.level {
            return;
        }
        tell(&self.line(level, logger, message));
    }

    fn line(&self, level: Level, logger: Option<&'static str>, message: &str) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let name = match logger {
            Some(name) if *last != logger => format!("[{name}] "),
            _ => String::new(),
        };
        *last = logger;
        let label = level.name();
        let (on, off) = match (self.coloured, level) {
            (false, _) | (true, Level::Debug | Level::Info) => ("", ""),
            (true, Level::Warning) => ("\x1b[33m", "\x1b[0m"),
            (true, Level::Error | Level::Critical) => ("\x1b[31m", "\x1b[0m"),
        };
        // Further lines of a message stand below its first one.
        let message = message.trim_end().replace('\n', "\n         ");
        format!("{on}{label:<8}{off} {name}{message}")
    }
}

impl Subscriber for &'static Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("jumpstarter")
            && level_of(metadata) >= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.level {
            Level::Debug => LevelFilter::DEBUG,
            Level::Info => LevelFilter::INFO,
            Level::Warning => LevelFilter::WARN,
            Level::Error | Level::Critical => LevelFilter::ERROR,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        // Statuses of servers are among the words; lines of exporters come another way.
        self.log(level_of(event.metadata()), None, &printable(&text.0));
    }

    // Spans are never enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn level_of(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

/// The message of an event, then its fields.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            write!(self.0, " {}={value:?}", field.name()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console() -> Console {
        Console {
            level: Level::Info,
            coloured: false,
            last: Mutex::new(None),
        }
    }

    #[test]
    fn a_logger_is_named_when_it_changes() {
        let console = console();
        let hook = Some("exporter:beforeLease");
        let lines = [
            console.line(Level::Info, hook, "one"),
            console.line(Level::Info, hook, "two"),
            console.line(Level::Warning, None, "three\nfour\n"),
            console.line(Level::Critical, hook, "five"),
        ];
        assert_eq!(
            lines,
            [
                "INFO     [exporter:beforeLease] one",
                "INFO     two",
                "WARNING  three\n         four",
                "CRITICAL [exporter:beforeLease] five",
            ]
        );
    }
}
