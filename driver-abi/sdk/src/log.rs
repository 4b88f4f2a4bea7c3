//! Log lines of drivers, on their way to the host's log.
//!
//! Drivers write with the macros of `tracing`. A plugin has its own copy of `tracing`, so nobody
//! would hear them; [`DriverLog`] is installed as the only listener and hands every line to the
//! host, together with the number of the driver (its *node*) that is running on this thread.

mod subscriber;

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;

use jumpstarter_driver_abi::LogLevel;
use tracing::Level;

use crate::host::Line;
use crate::image;

pub(crate) use subscriber::install;

thread_local! {
    static NODE: Cell<u64> = const { Cell::new(0) };
}

/// The driver whose code runs on this thread; 0 if none does.
pub(crate) fn node() -> u64 {
    NODE.get()
}

/// Says whose code runs on this thread, until the guard is dropped.
pub(crate) fn enter(node: u64) -> Entered {
    Entered {
        before: NODE.replace(node),
    }
}

/// See [`enter`].
#[must_use]
pub(crate) struct Entered {
    before: u64,
}

/// Awaits code of the driver `node`.
pub(crate) async fn in_node<F: Future>(node: u64, work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(|cx| {
        let _entered = enter(node);
        work.as_mut().poll(cx)
    })
    .await
}

/// Whether the host keeps lines of this level.
fn wanted(level: Level) -> bool {
    image::get().is_some_and(|image| number(level) <= image.services.max_level())
}

/// Writes a line without further fields.
pub(crate) fn write(node: u64, level: Level, target: &str, message: &str) {
    write_with(node, level, target, message, &[]);
}

/// Writes a line; `fields` is an encoded `google.protobuf.Struct` or empty.
fn write_with(node: u64, level: Level, target: &str, message: &str, fields: &[u8]) {
    if let Some(image) = image::get() {
        image.services.log(&Line {
            node,
            level: number(level),
            target,
            message,
            fields,
        });
    }
}

fn number(level: Level) -> i32 {
    let level = match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    };
    level as i32
}

// === impl Entered ===

impl Drop for Entered {
    fn drop(&mut self) {
        NODE.set(self.before);
    }
}
