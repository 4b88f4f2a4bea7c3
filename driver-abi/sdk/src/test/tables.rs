//! What the host of a test offers to drivers.

use std::ffi::c_void;
use std::ptr::from_ref;

use jumpstarter_driver_abi::ext::{self, LogExt, LogRecord, SessionExt, TransferExt, TreeExt};
use jumpstarter_driver_abi::{ABI_MAJOR, ABI_MINOR, Call, Completion, Host, LogLevel, Slice};
use jumpstarter_value::{from_slice, from_struct, to_vec};
use serde_json::{Value, json};
use tracing::Level;

use super::functions;
use super::state::{self, Line};
use crate::entry::{Done, Verdict};
use crate::host::Kind;
use crate::{Error, Result};

/// Given to `init`.
pub(super) static HOST: Host = Host {
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    worker_threads: 2,
    reserved0: 0,
    ctx: 0,
    log: plain_log,
    extension,
    reserved: [0; 4],
};

static LOG: LogExt = LogExt { log, max_level };

static TREE: TreeExt = TreeExt {
    children,
    call,
    stream_open,
    stream_next: next,
    stream_close: close,
    connect,
    cancel,
};

static SESSION: SessionExt = SessionExt { folder };

static TRANSFER: TransferExt = TransferExt { take, finished };

unsafe extern "C" fn extension(_ctx: u64, id: Slice) -> *const c_void {
    // SAFETY: the name lives for the call.
    match unsafe { id.as_str() } {
        Ok(ext::LOG) => from_ref(&LOG).cast(),
        Ok(ext::TREE) => from_ref(&TREE).cast(),
        Ok(ext::SESSION) => from_ref(&SESSION).cast(),
        Ok(ext::TRANSFER) => from_ref(&TRANSFER).cast(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn plain_log(_ctx: u64, _level: i32, _target: Slice, _message: Slice) {
    // Lines come through the extension.
}

unsafe extern "C" fn max_level(_ctx: u64) -> i32 {
    LogLevel::Trace as i32
}

unsafe extern "C" fn log(_ctx: u64, record: *const LogRecord) {
    // SAFETY: the record and what it borrows live for the call.
    let (node, line) = unsafe {
        let record = &*record;
        let line = Line {
            level: match record.level {
                1 => Level::ERROR,
                2 => Level::WARN,
                3 => Level::INFO,
                4 => Level::DEBUG,
                _ => Level::TRACE,
            },
            driver: String::new(),
            target: lossy(record.target),
            message: lossy(record.message),
            fields: from_struct(record.fields.as_bytes()).unwrap_or_default(),
        };
        (record.node, line)
    };
    if let Some((driver, state)) = state::find(node) {
        state.lines().push(Line { driver, ..line });
    }
}

/// # Safety
/// The bytes live for the call.
unsafe fn lossy(text: Slice) -> String {
    // SAFETY: the caller vouches for it.
    String::from_utf8_lossy(unsafe { text.as_bytes() }).into_owned()
}

unsafe extern "C" fn children(_ctx: u64, node: u64, done: Completion) {
    let list: Vec<Value> = match state::find(node) {
        Some((_, state)) => state
            .children()
            .iter()
            .map(|(name, child)| json!({"name": name, "type": child.type_name}))
            .collect(),
        None => Vec::new(),
    };
    Done::new(done).value(to_vec(&list).map_err(Error::from));
}

/// The handle of a child.
fn child(node: u64, path: Slice) -> Result<u64> {
    // SAFETY: the path lives for the call.
    let path = unsafe { path.as_str() }?;
    let found = state::find(node)
        .and_then(|(_, state)| state.children().get(path).map(|child| child.handle));
    found.ok_or_else(|| Error::not_found(format_args!("there is no child `{path}`")))
}

unsafe extern "C" fn call(_: u64, node: u64, path: Slice, call: *const Call, done: Completion) {
    // SAFETY: passed on as it came.
    unsafe { pass(Kind::Call, node, path, call, done) }
}

unsafe extern "C" fn stream_open(
    _: u64,
    node: u64,
    path: Slice,
    call: *const Call,
    done: Completion,
) {
    // SAFETY: passed on as it came.
    unsafe { pass(Kind::Stream, node, path, call, done) }
}

unsafe extern "C" fn connect(_: u64, node: u64, path: Slice, call: *const Call, done: Completion) {
    // SAFETY: passed on as it came.
    unsafe { pass(Kind::Bytes, node, path, call, done) }
}

/// # Safety
/// As for the functions of the table.
unsafe fn pass(kind: Kind, node: u64, path: Slice, call: *const Call, done: Completion) {
    match child(node, path) {
        // SAFETY: passed on as it came.
        Ok(handle) => unsafe { functions::pass(kind, handle, call, done) },
        Err(error) => Done::new(done).error(&error),
    }
}

unsafe extern "C" fn next(_ctx: u64, stream: u64, max: u32, done: Completion) {
    // SAFETY: passed on as it came.
    unsafe { functions::pass_next(stream, max, done) }
}

unsafe extern "C" fn close(_ctx: u64, stream: u64) {
    functions::close_stream(stream);
}

unsafe extern "C" fn cancel(_ctx: u64, node: u64, id: u64) {
    let Some((_, state)) = state::find(node) else {
        return;
    };
    let handles: Vec<u64> = state
        .children()
        .values()
        .map(|child| child.handle)
        .collect();
    for handle in handles {
        functions::cancel(handle, id);
    }
}

unsafe extern "C" fn folder(_ctx: u64, node: u64, done: Completion) {
    let path = state::find(node)
        .ok_or_else(|| Error::unavailable("the host is gone"))
        .and_then(|(_, state)| Ok(to_vec(&state.folder()?)?));
    Done::new(done).value(path);
}

unsafe extern "C" fn take(_ctx: u64, node: u64, resource: Slice, direction: u32, done: Completion) {
    // SAFETY: the value lives for the call.
    let resource: Result<Value> = from_slice(unsafe { resource.as_bytes() }).map_err(Error::from);
    let taken = resource.and_then(|resource| {
        let uuid = resource["uuid"].as_str().unwrap_or_default();
        let gone = || Error::not_found(format_args!("there is no resource `{uuid}`"));
        let (_, state) = state::find(node).ok_or_else(gone)?;
        let stored = state.stored().remove(uuid).ok_or_else(gone)?;
        let verdict = Verdict::default();
        let socket = stored.open(direction, verdict.clone())?;
        let transfer = state::number();
        state.transfers().insert(transfer, verdict);
        Ok((socket, transfer))
    });
    match taken {
        Ok((socket, transfer)) => Done::new(done).socket(socket, transfer),
        Err(error) => Done::new(done).error(&error),
    }
}

unsafe extern "C" fn finished(_ctx: u64, node: u64, transfer: u64, done: Completion) {
    let done = Done::new(done);
    let verdict = state::find(node).and_then(|(_, state)| state.transfers().remove(&transfer));
    match verdict {
        Some(verdict) => {
            verdict.ask(done);
        }
        None => done.error(&Error::not_found("there is no such transfer")),
    }
}
