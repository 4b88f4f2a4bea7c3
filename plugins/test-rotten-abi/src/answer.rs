//! Replies, good and bad.

use std::thread;

use jumpstarter_driver_abi::{Completion, Reply, Slice};

/// The string "fine".
pub(crate) const FINE: &[u8] = b"\x1a\x04fine";
/// Null.
pub(crate) const NULL: &[u8] = b"\x08\x00";
/// Length-delimited field 5 that says it is longer than what follows.
pub(crate) const GARBAGE: &[u8] = b"\x2a\x7f\xde\xad\xbe\xef";
/// A string of two bytes that are not UTF-8.
pub(crate) const INVALID_UTF8: &[u8] = b"\x1a\x02\xff\xfe";
/// The list 1, 2, 3.
pub(crate) const ITEMS: &[u8] = b"\
    \x0a\x09\x11\x00\x00\x00\x00\x00\x00\xf0\x3f\
    \x0a\x09\x11\x00\x00\x00\x00\x00\x00\x00\x40\
    \x0a\x09\x11\x00\x00\x00\x00\x00\x00\x08\x40";

/// A number.
pub(crate) fn number(number: u64) -> Vec<u8> {
    let mut value = vec![0x11];
    value.extend_from_slice(&(number as f64).to_le_bytes());
    value
}

/// A thousand lists in each other.
pub(crate) fn deep() -> Vec<u8> {
    let mut value = NULL.to_vec();
    for _ in 0..1000 {
        value = delimited(0x32, &delimited(0x0a, &value));
    }
    value
}

fn delimited(key: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![key];
    let mut length = payload.len();
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn body(value: &[u8]) -> Reply {
    Reply {
        body: Slice::new(value),
        ..Reply::OK
    }
}

pub(crate) fn error(code: i32, message: &[u8]) -> Reply {
    Reply {
        code,
        message: Slice::new(message),
        ..Reply::OK
    }
}

pub(crate) fn reply(done: Completion, reply: &Reply) {
    // SAFETY: what the reply borrows lives for the call and it carries no descriptor. That this may
    // be the second answer is the point.
    unsafe { done.complete(reply) }
}

pub(crate) fn null(done: Completion) {
    // SAFETY: none; this is what a host must survive.
    unsafe { (done.done)(done.ctx, std::ptr::null()) }
}

/// Answers from a thread that ends without returning.
pub(crate) fn from_a_thread_that_exits(done: Completion) {
    // The exit unwinds the thread, and "C" would end the process for that.
    unsafe extern "C-unwind" {
        fn pthread_exit(value: *mut std::ffi::c_void) -> !;
    }
    extern "C-unwind" fn run(argument: *mut std::ffi::c_void) -> *mut std::ffi::c_void {
        // SAFETY: the argument is the box made below, given to this thread alone.
        let done = *unsafe { Box::from_raw(argument.cast::<Completion>()) };
        reply(done, &body(FINE));
        // SAFETY: no frame of this thread has a destructor to run.
        unsafe { pthread_exit(std::ptr::null_mut()) }
    }
    unsafe extern "C" {
        fn pthread_create(
            thread: *mut usize,
            attributes: *const std::ffi::c_void,
            run: extern "C-unwind" fn(*mut std::ffi::c_void) -> *mut std::ffi::c_void,
            argument: *mut std::ffi::c_void,
        ) -> i32;
    }
    let mut id = 0_usize;
    let argument = Box::into_raw(Box::new(done)).cast();
    // SAFETY: `id` outlives the call, the argument belongs to the new thread.
    let failed = unsafe { pthread_create(&raw mut id, std::ptr::null(), run, argument) };
    if failed != 0 {
        thread::spawn(move || reply(done, &error(13, b"no thread")));
    }
}

/// Ends the process by a signal.
pub(crate) fn segfault() {
    // SAFETY: none; the process ends here.
    unsafe { std::ptr::null_mut::<u8>().write_volatile(1) }
}

/// Ends the process as a careless library would.
#[allow(
    clippy::disallowed_methods,
    reason = "the fault is that a plugin does this"
)]
pub(crate) fn exit() -> ! {
    std::process::exit(42)
}
