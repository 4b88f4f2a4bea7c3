//! One line, picked apart once, for three readers: the console, the clients and a collector.
//!
//! ```text
//!   tracing event ──> Capture ──┬──> console: JSON or text ──> Writer (a thread) ──> stderr
//!                               ├──> Queue of every open session ──> LogStream
//!                               └──> Outlet, closed unless telemetry is on ──> PushLogs
//! ```
//!
//! Three lines go through here for every driver call, so this is a `tracing` subscriber of its own
//! rather than a stack of layers: it looks at each event once, formats into buffers it keeps, and
//! allocates nothing in between.
//!
//! An event says who speaks with its field `logger` (`driver.MockPower`); without it the target
//! counts. It also decides whose line it is to clients: `driver.*` a driver's, `hook.beforeLease` and
//! `hook.afterLease` a hook's, all others the exporter's.

mod capture;
mod console;
mod context;
mod entry;
mod feed;
mod level;
mod queue;
mod stamp;
mod subscriber;
mod wire;
mod writer;

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

pub use context::LeaseContext;
pub(crate) use feed::{Feed, Taken, Tap};
pub use level::Level;
pub use queue::{Attachment, Queue};

use console::Console;
use context::Context;
use subscriber::{Sinks, Subscriber};
use writer::Writer;

/// How lines look on the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON unless stderr is a terminal
    #[default]
    Auto,
    /// One JSON object per line
    Json,
    /// `LEVEL logger: message`
    Text,
}

/// A line whose fields are only known while the program runs, as those of a driver. All other lines
/// are `tracing` events.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// How much it matters.
    pub level: tracing::Level,
    /// Who speaks: `driver.MockPower`.
    pub logger: &'a str,
    /// What happened.
    pub message: &'a str,
    /// Name and value. `driver_type` and `operation` have a place of their own for clients.
    pub fields: &'a [(&'a str, &'a str)],
}

/// What `init` decided, for the whole life of the process.
struct Log {
    sinks: &'static Sinks,
    subscriber: Subscriber,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Sends all log lines of this process to stderr and to the queues that sessions attach.
///
/// The first call counts; later ones change nothing.
///
/// # Errors
///
/// The system has no thread left for the writing.
pub fn init(level: Level, format: Format) -> io::Result<()> {
    if LOG.get().is_some() {
        return Ok(());
    }
    let json = match format {
        Format::Json => true,
        Format::Text => false,
        Format::Auto => !io::stderr().is_terminal(),
    };
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let colour = wanted && io::stderr().is_terminal();
    // They live until the process ends; leaking them spares every line a reference count.
    let sinks: &_ = Box::leak(Box::new(Sinks {
        console: Console::new(json, colour, Writer::stderr()?),
        context: Context::new(context::namespace()),
        queues: queue::Queues::default(),
        outlet: feed::Outlet::default(),
    }));
    let log = LOG.get_or_init(|| Log {
        sinks,
        subscriber: Subscriber::new(level, sinks),
    });
    // Fails only if another subscriber is in place, as in a test; that one is kept then.
    drop(tracing::subscriber::set_global_default(log.subscriber));
    Ok(())
}

/// Puts these fields on every line from now on: at the start of JSON lines, and on what a collector
/// gets.
///
/// They replace those of the previous call; the namespace of the pod, where there is one, stays.
pub fn set_context(fields: &[(&str, &str)]) {
    if let Some(log) = LOG.get() {
        log.sinks.context.set(fields);
    }
}

/// The same for the length of a lease: `lease_id`, `client`, what the controller says about it.
///
/// They come after those of [`set_context`] and go when the guard is dropped. Of two fields with the
/// same name the first counts. A new lease takes the place of one that is still there.
pub fn lease_context(fields: &[(&str, &str)]) -> LeaseContext {
    LeaseContext::begin(LOG.get().map(|log| &log.sinks.context), fields)
}

/// A queue for a session. It gets every line from now on.
pub fn attach() -> Attachment {
    Attachment::new(LOG.get().map(|log| &log.sinks.queues))
}

/// Lines for a collector, those of `least` and above; all are left out if there is no such level.
pub(crate) fn tap(least: Option<tracing::Level>) -> Result<Tap, Taken> {
    Tap::open(LOG.get().map(|log| &log.sinks.outlet), least)
}

/// Prints a sentence to stderr that is not a line of the log: one about the log itself.
pub(crate) fn print(text: &str) {
    if let Some(log) = LOG.get() {
        log.sinks.console.print(text);
    }
}

/// Returns when every line so far has been written.
pub fn flush() {
    if let Some(log) = LOG.get() {
        log.sinks.console.flush();
    }
}

// === impl Line ===

impl Line<'_> {
    /// Sends it where all lines go.
    pub fn write(&self) {
        if let Some(log) = LOG.get() {
            log.subscriber.line(self);
        }
    }
}

#[cfg(test)]
mod feed_tests;
#[cfg(test)]
mod tests;
