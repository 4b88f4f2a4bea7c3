//! A panic ends where the driver's code was entered: the caller gets an error, nobody else
//! notices.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

use futures_util::FutureExt;

use crate::log;
use crate::{Error, Result};

/// Runs driver code; a panic becomes an error.
pub(crate) fn catch<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // What a panic leaves half done belongs to the driver, and a driver that panics is told so.
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(error(payload)))
}

/// Awaits driver code; a panic becomes an error.
pub(crate) async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|payload| Err(error(payload)))
}

/// Runs an entry point, out of which nothing may unwind.
pub(crate) fn stop<T>(work: impl FnOnce() -> T) -> Option<T> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Sends panics to the host's log: the host's own hook never sees those of a plugin.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            report(info);
            // Not one of our calls: a thread of the driver's own, or a test around it.
            if log::node() == 0 {
                others(info);
            }
        }));
    });
}

fn report(info: &PanicHookInfo<'_>) {
    let text = text(info.payload());
    let place = info.location().map(|at| format!(" ({at})"));
    let message = format!("the driver panicked: {text}{}", place.unwrap_or_default());
    log::write(log::node(), tracing::Level::ERROR, module_path!(), &message);
}

fn error(payload: Box<dyn Any + Send>) -> Error {
    let error = Error::internal(format_args!(
        "the driver panicked: {}",
        text(payload.as_ref())
    ));
    discard(payload);
    error
}

fn text(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "(no message)"
    }
}

/// Drops what a panic carried. Its drop may panic in turn, and that must go no further.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}
