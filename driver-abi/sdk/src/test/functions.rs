//! The functions that an exporter calls, as safe functions.

use std::time::Duration;

use jumpstarter_completion::Pending;
use jumpstarter_driver_abi::ext::{self, BytesExt};
use jumpstarter_driver_abi::{Call, Completion, Functions, Host, OpenRequest, STREAM_BATCH, Slice};

use super::tables::HOST;
use crate::entry;
use crate::host::{Kind, ask};
use crate::image::{self, PluginInfo};

/// The functions of this image, as a plugin exports them.
static FUNCTIONS: Functions = entry::functions(init);

unsafe extern "C" fn init(host: *const Host) -> i32 {
    let plugin = PluginInfo {
        name: "test",
        drivers: &[],
    };
    // SAFETY: passed on as it came.
    unsafe { image::init(&plugin, host) }
}

/// Introduces the host of tests to this image.
pub(super) fn start() -> i32 {
    // SAFETY: the host is a static.
    let code = unsafe { (FUNCTIONS.init)(&HOST) };
    // As exporters do: a plugin that was not asked for it keeps no outcomes.
    let _table = bytes();
    code
}

/// How byte streams end.
fn bytes() -> &'static BytesExt {
    // SAFETY: the name lives for the call; the table is of its type and lives for ever.
    unsafe { &*(FUNCTIONS.extension)(Slice::from(ext::BYTES)).cast() }
}

/// Asks how a byte stream ends.
pub(super) fn outcome(stream: u64) -> Pending {
    // SAFETY: a number only; the completion is open.
    ask(|done| unsafe { (bytes().outcome)(stream, done) })
}

/// Ends a byte stream.
pub(super) fn close_bytes(stream: u64) {
    // SAFETY: a number only.
    unsafe { (bytes().close)(stream) }
}

pub(super) fn open(node: u64, class: &str, name: &str, config: &str) -> Pending {
    let request = OpenRequest {
        node,
        class: Slice::from(class),
        name: Slice::from(name),
        config: Slice::from(config),
        reserved: [0; 4],
    };
    // SAFETY: the request and what it borrows live for the call.
    ask(|done| unsafe { (FUNCTIONS.open)(&request, done) })
}

pub(super) fn close(driver: u64) -> Pending {
    // SAFETY: numbers only; the completion is open.
    ask(|done| unsafe { (FUNCTIONS.close)(driver, done) })
}

pub(super) fn call(
    kind: Kind,
    driver: u64,
    id: u64,
    timeout: Option<Duration>,
    method: &str,
    args: &[u8],
) -> Pending {
    let timeout = timeout.map_or(0, |timeout| timeout.as_millis().max(1) as u64);
    let call = Call {
        id,
        method: Slice::from(method),
        args: Slice::new(args),
        timeout_ms: timeout,
        reserved: [0; 4],
    };
    // SAFETY: the call and what it borrows live for the call.
    ask(|done| unsafe { pass(kind, driver, &call, done) })
}

/// Calls a method with what came from somewhere else.
///
/// # Safety
/// As for the functions of a plugin.
pub(super) unsafe fn pass(kind: Kind, driver: u64, call: *const Call, done: Completion) {
    let start = match kind {
        Kind::Call => FUNCTIONS.call,
        Kind::Stream => FUNCTIONS.stream_open,
        Kind::Bytes => FUNCTIONS.connect,
    };
    // SAFETY: the caller vouches for it.
    unsafe { start(driver, call, done) }
}

pub(super) fn next(stream: u64) -> Pending {
    // SAFETY: numbers only; the completion is open.
    ask(|done| unsafe { pass_next(stream, STREAM_BATCH, done) })
}

/// Asks for items for somebody else.
///
/// # Safety
/// As for the functions of a plugin.
pub(super) unsafe fn pass_next(stream: u64, max: u32, done: Completion) {
    // SAFETY: the caller vouches for it.
    unsafe { (FUNCTIONS.stream_next)(stream, max, done) }
}

pub(super) fn close_stream(stream: u64) {
    // SAFETY: a number only.
    unsafe { (FUNCTIONS.stream_close)(stream) }
}

pub(super) fn cancel(driver: u64, id: u64) {
    // SAFETY: numbers only; a driver without such a call does nothing.
    unsafe { (FUNCTIONS.cancel)(driver, id) }
}
