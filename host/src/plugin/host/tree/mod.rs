//! `jmp.tree/1`: drivers use their children, wherever those live.
//!
//! A plugin calls from its own threads, and must not wait here. So the work is a task on the host's
//! runtime, which ends with the node of the driver that asked:
//!
//! ```text
//!   call(node, child, call, done) ─► task: Services::child ─► Instance::call ─► done
//!   cancel(node, id) ──────────────► stops that task; `Done` answers CANCELLED
//! ```

mod calls;
mod streams;

use jumpstarter_driver_abi::ext::TreeExt;
use jumpstarter_driver_abi::{Call, Completion, Slice};
use serde::Serialize;

use super::{Done, guarded};
use crate::plugin::error::CallError;
use crate::plugin::services::{self, Child};
use calls::{Outcome, Wanted};

pub(super) static TABLE: TreeExt = TreeExt {
    children,
    call,
    stream_open,
    stream_next,
    stream_close,
    connect,
    cancel,
};

/// Lets go of everything that a driver has asked for.
pub(super) fn forget(node: u64) {
    calls::forget(node);
    streams::forget(node);
}

unsafe extern "C" fn children(_ctx: u64, node: u64, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.tree/1 children", move || match list(node) {
        Ok(body) => done.body(&body),
        Err(error) => done.fail(&error),
    });
}

fn list(node: u64) -> Result<Vec<u8>, CallError> {
    #[derive(Serialize)]
    struct Entry<'a> {
        name: &'a str,
        r#type: &'a str,
    }
    fn entry(child: &Child) -> Entry<'_> {
        Entry {
            name: &child.name,
            r#type: &child.type_name,
        }
    }
    let children = services::station(node)?.services()?.children(node)?;
    let entries: Vec<_> = children.iter().map(entry).collect();
    jumpstarter_value::to_vec(&entries).map_err(|error| CallError::broken(error.to_string()))
}

unsafe extern "C" fn call(_ctx: u64, node: u64, child: Slice, call: *const Call, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.tree/1 call", move || {
        // SAFETY: the plugin's promise for what it passes to this function.
        let wanted = unsafe { Wanted::read(child, call) };
        calls::start(node, wanted, done, async move |station, wanted| {
            let child = station.services()?.child(node, &wanted.child)?;
            let result = child
                .call(&wanted.method, &wanted.args, wanted.deadline)
                .await?;
            Ok(Outcome::Body(result))
        });
    });
}

unsafe extern "C" fn stream_open(
    _ctx: u64,
    node: u64,
    child: Slice,
    call: *const Call,
    done: Completion,
) {
    let done = Done::new(done);
    guarded("jmp.tree/1 stream_open", move || {
        // SAFETY: the plugin's promise for what it passes to this function.
        let wanted = unsafe { Wanted::read(child, call) };
        calls::start(node, wanted, done, async move |station, wanted| {
            let child = station.services()?.child(node, &wanted.child)?;
            let stream = child
                .stream(&wanted.method, &wanted.args, wanted.deadline)
                .await?;
            streams::lend(node, station, stream).map(Outcome::Handle)
        });
    });
}

unsafe extern "C" fn connect(
    _ctx: u64,
    node: u64,
    child: Slice,
    call: *const Call,
    done: Completion,
) {
    let done = Done::new(done);
    guarded("jmp.tree/1 connect", move || {
        // SAFETY: the plugin's promise for what it passes to this function.
        let wanted = unsafe { Wanted::read(child, call) };
        calls::start(node, wanted, done, async move |station, wanted| {
            let child = station.services()?.child(node, &wanted.child)?;
            let fd = child
                .connect(&wanted.method, &wanted.args, wanted.deadline)
                .await?;
            Ok(Outcome::Fd(fd))
        });
    });
}

unsafe extern "C" fn stream_next(_ctx: u64, stream: u64, max: u32, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.tree/1 stream_next", move || {
        streams::next(stream, max, done)
    });
}

unsafe extern "C" fn stream_close(_ctx: u64, stream: u64) {
    guarded("jmp.tree/1 stream_close", || streams::close(stream));
}

unsafe extern "C" fn cancel(_ctx: u64, node: u64, id: u64) {
    guarded("jmp.tree/1 cancel", || calls::cancel(node, id));
}
