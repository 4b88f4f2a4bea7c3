//! The one subscriber of the process: decides what is kept and hands it to console and queues.
//!
//! Spans are not used: a line carries all that it says.

use std::cell::RefCell;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

use super::capture::Capture;
use super::console::Console;
use super::level::Level;
use super::queue::Queues;

pub(super) struct Subscriber {
    level: LevelFilter,
    console: &'static Console,
    queues: &'static Queues,
}

/// The buffers a thread formats into.
pub(super) struct Scratch {
    pub(super) capture: Capture,
    /// The line for the console.
    pub(super) line: Vec<u8>,
    /// The entry for clients.
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
    pub(super) fn new(level: Level, console: &'static Console, queues: &'static Queues) -> Self {
        Self {
            level: level.filter(),
            console,
            queues,
        }
    }

    fn write(&self, event: &Event<'_>, scratch: &mut Scratch) {
        scratch.capture.take(event);
        self.console.write(&scratch.capture, &mut scratch.line);
        self.queues.push(&scratch.capture, &mut scratch.entry);
    }
}

impl tracing::Subscriber for Subscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // The frames of every HTTP/2 connection are not what DEBUG is asked for.
        let foreign = !metadata.target().starts_with("jumpstarter")
            && !metadata.target().starts_with("driver");
        metadata.is_event()
            && *metadata.level() <= self.level
            && !(foreign && *metadata.level() > tracing::Level::INFO)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn event(&self, event: &Event<'_>) {
        // A value whose formatting logs a line itself comes back here while the buffers are in use.
        SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
            Ok(mut scratch) => self.write(event, &mut scratch),
            Err(_) => self.write(event, &mut Scratch::new()),
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
