//! The functions that the host calls.
//!
//! Each of them checks what it was given, starts the work, and returns; the answer comes through
//! the completion. Nothing unwinds out of them.

mod added;
mod calls;
mod done;
mod instance;
mod open;
mod table;
mod verdict;

use std::ffi::c_void;
use std::ptr::from_ref;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_driver_abi::ext::{self, BytesExt};
use jumpstarter_driver_abi::{Call, Completion, Functions, Host, OpenRequest, Slice};

use crate::feed::{self, STREAMS};
use crate::{Error, Result, bytes, image, panics};

use calls::closed;
use instance::Request;

pub(crate) use done::Done;
pub(crate) use instance::Instance;
pub(crate) use table::Table;
pub(crate) use verdict::Verdict;

/// The open drivers.
pub(crate) static DRIVERS: Table<Arc<Instance>> = Table::new();

/// The table of a plugin, whose `init` is its own.
pub const fn functions(init: unsafe extern "C" fn(host: *const Host) -> i32) -> Functions {
    Functions {
        init,
        open,
        close,
        call,
        stream_open,
        stream_next,
        stream_close,
        connect,
        cancel,
        extension,
    }
}

unsafe extern "C" fn open(request: *const OpenRequest, done: Completion) {
    let done = Done::new(done);
    // SAFETY: the host passes a valid request.
    panics::stop(|| unsafe { open::start(request, done) });
}

unsafe extern "C" fn close(driver: u64, done: Completion) {
    let done = Done::new(done);
    panics::stop(|| {
        let runtime = image::ready().and_then(|image| image.runtime());
        match (DRIVERS.remove(driver), runtime) {
            (Some(driver), Ok(runtime)) => {
                // It ends by itself, as its steps have limits; dropping it would leave them out.
                drop(runtime.spawn(async move {
                    driver.close().await;
                    done.empty();
                }));
            }
            (Some(_), Err(error)) => done.error(&error),
            // Closed is closed, however often.
            (None, _) => done.empty(),
        }
    });
}

unsafe extern "C" fn call(driver: u64, call: *const Call, done: Completion) {
    // SAFETY: the host passes a valid call.
    unsafe { start(driver, call, done, Instance::call) }
}

unsafe extern "C" fn stream_open(driver: u64, call: *const Call, done: Completion) {
    // SAFETY: the host passes a valid call.
    unsafe { start(driver, call, done, Instance::stream) }
}

unsafe extern "C" fn connect(driver: u64, call: *const Call, done: Completion) {
    // SAFETY: the host passes a valid call.
    unsafe { start(driver, call, done, Instance::connect) }
}

unsafe extern "C" fn stream_next(stream: u64, max: u32, done: Completion) {
    let done = Done::new(done);
    panics::stop(|| match STREAMS.get(stream) {
        Some(stream) => stream.next(max, done),
        None => done.error(&feed::closed()),
    });
}

unsafe extern "C" fn stream_close(stream: u64) {
    panics::stop(|| {
        if let Some(stream) = STREAMS.get(stream) {
            stream.close();
        }
    });
}

unsafe extern "C" fn cancel(driver: u64, id: u64) {
    panics::stop(|| {
        if let Some(driver) = DRIVERS.get(driver) {
            driver.calls().cancel(id);
        }
    });
}

unsafe extern "C" fn extension(id: Slice) -> *const c_void {
    // SAFETY: the host passes a valid name.
    match unsafe { id.as_str() } {
        Ok(ext::BYTES) => {
            bytes::offer();
            from_ref(&BYTES).cast()
        }
        _ => std::ptr::null(),
    }
}

static BYTES: BytesExt = BytesExt {
    outcome: bytes_outcome,
    close: bytes_close,
};

unsafe extern "C" fn bytes_outcome(stream: u64, done: Completion) {
    let done = Done::new(done);
    panics::stop(|| bytes::ask(stream, done));
}

unsafe extern "C" fn bytes_close(stream: u64) {
    panics::stop(|| bytes::close(stream));
}

/// Finds the driver and hands the call to it.
///
/// # Safety
/// `call` is null or valid, with everything that it borrows.
unsafe fn start(
    driver: u64,
    call: *const Call,
    done: Completion,
    start: fn(Arc<Instance>, Request<'_>, Done),
) {
    let done = Done::new(done);
    panics::stop(|| {
        // SAFETY: the caller vouches for the call.
        match unsafe { request(call) } {
            Ok(request) => match DRIVERS.get(driver) {
                Some(driver) => start(driver, request, done),
                None => done.error(&closed()),
            },
            Err(error) => done.error(&error),
        }
    });
}

/// # Safety
/// `call` is null or valid, with everything that it borrows, during `'a`.
unsafe fn request<'a>(call: *const Call) -> Result<Request<'a>> {
    // SAFETY: the caller vouches for all of it.
    unsafe {
        let call = call
            .as_ref()
            .ok_or_else(|| Error::invalid_argument("there is no call"))?;
        Ok(Request {
            id: call.id,
            method: call.method.as_str().map_err(Error::invalid_argument)?,
            args: call.args.as_bytes(),
            timeout: (call.timeout_ms > 0).then(|| Duration::from_millis(call.timeout_ms)),
        })
    }
}
