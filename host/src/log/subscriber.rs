//! The one subscriber of the process: decides what is kept and hands it to console and queues.
//!
//! Spans are not used: a line carries all that it says.

use std::cell::RefCell;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

use super::Line;
use super::capture::Capture;
use super::console::Console;
use super::context::Context;
use super::feed::Outlet;
use super::level::Level;
use super::queue::Queues;

/// Where lines go, and what they share.
pub(super) struct Sinks {
    pub(super) console: Console,
    pub(super) context: Context,
    pub(super) queues: Queues,
    pub(super) outlet: Outlet,
}

#[derive(Clone, Copy)]
pub(super) struct Subscriber {
    level: LevelFilter,
    sinks: &'static Sinks,
}

/// The buffers a thread formats into.
pub(super) struct Scratch {
    pub(super) capture: Capture,
    /// The line for the console.
    pub(super) line: Vec<u8>,
    /// The entry for clients, then the one for the collector.
    pub(super) entry: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

// === impl Scratch ===

impl Scratch {
    fn new() -> Self {
        Self {
            capture: Capture::new(),
            line: Vec::with_capacity(512),
            entry: Vec::with_capacity(256),
        }
    }
}

// === impl Subscriber ===

impl Subscriber {
    pub(super) fn new(level: Level, sinks: &'static Sinks) -> Self {
        Self {
            level: level.filter(),
            sinks,
        }
    }

    /// Writes a line that did not come as an event.
    pub(super) fn line(&self, line: &Line<'_>) {
        if self.keeps(line.logger, line.level) {
            self.write(|capture| capture.take_line(line));
        }
    }

    fn keeps(&self, speaker: &str, level: tracing::Level) -> bool {
        // The frames of every HTTP/2 connection are not what DEBUG is asked for.
        let ours = ["jumpstarter", "driver", "hook"];
        let ours = ours.iter().any(|who| speaker.starts_with(who));
        level <= self.level && (ours || level <= tracing::Level::INFO)
    }

    fn write(&self, take: impl FnOnce(&mut Capture)) {
        let sinks = self.sinks;
        let write = |scratch: &mut Scratch| {
            let Scratch {
                capture,
                line,
                entry,
            } = scratch;
            take(capture);
            sinks.console.write(capture, &sinks.context, line);
            sinks.queues.push(capture, entry);
            sinks.outlet.take(capture, &sinks.context, entry);
        };
        // A value whose formatting logs a line itself comes back here while the buffers are in use.
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => write(&mut scratch),
            Err(_) => write(&mut Scratch::new()),
        });
    }
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.keeps(metadata.target(), *metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        self.write(|capture| capture.take(event));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
