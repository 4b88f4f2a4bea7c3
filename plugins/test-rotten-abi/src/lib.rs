//! A plugin that breaks the rules of the boundary on request, for testing hosts.
//!
//! It has the C door only and is written against the raw structs, because the SDK does not let a
//! driver do any of this. `config: {fault: NAME}` chooses what goes wrong (`src/fault.rs`). Methods:
//! `go` (a call that answers `"fine"` where nothing else is asked for), `items` (a stream of 1, 2,
//! 3), byte streams that go wrong in every way (`src/bytes/ways.rs`), and `closed` and `open`, which
//! tell how many of those the host had to end, and how many there are.

mod answer;
mod bytes;
mod fault;

use std::ffi::c_void;
use std::thread;
use std::time::Duration;

use jumpstarter_driver_abi::ext::BYTES;
use jumpstarter_driver_abi::{
    Call, Completion, EntryFn, FLAG_END_OF_STREAM, Functions, Host, OpenRequest, Plugin, Reply,
    Slice,
};

use crate::answer::{FINE, GARBAGE, INVALID_UTF8, ITEMS, NULL, body, error, reply};
use crate::fault::Fault;

static META: &str = concat!(
    r#"{"jmp_abi":"1.0","kind":"rust","name":"jumpstarter_driver_test_rotten_abi","#,
    r#""version":"0.1.0","license":"Apache-2.0","panic":"unwind","#,
    r#""drivers":[{"type":["jumpstarter_driver_test_rotten_abi.driver.Rotten"],"#,
    r#""client":"jumpstarter_driver_test_rotten.client.RottenClient","#,
    r#""config":{"type":"object","properties":{"fault":{"type":"string"}}},"methods":["#,
    r#"{"name":"go","kind":"call"},{"name":"items","kind":"stream"},"#,
    r#"{"name":"closed","kind":"call"},{"name":"open","kind":"call"},"#,
    r#"{"name":"bytes","kind":"bytes"},{"name":"echo","kind":"bytes"},"#,
    r#"{"name":"plain","kind":"bytes"},{"name":"packets","kind":"bytes"},"#,
    r#"{"name":"datagrams","kind":"bytes"},{"name":"unplugged","kind":"bytes"},"#,
    r#"{"name":"fails","kind":"bytes"},{"name":"confesses","kind":"bytes"},"#,
    r#"{"name":"leaks","kind":"bytes"},{"name":"deaf","kind":"bytes"},"#,
    r#"{"name":"quits","kind":"bytes"},{"name":"drops","kind":"bytes"},"#,
    r#"{"name":"resets","kind":"bytes"},{"name":"floods","kind":"bytes"},"#,
    r#"{"name":"sips","kind":"bytes"},{"name":"ignores","kind":"bytes"},"#,
    r#"{"name":"counts","kind":"bytes"},{"name":"gives","kind":"bytes"}]}]}"#,
    "\0"
);

/// The metadata as the bytes that stand in the file.
#[unsafe(no_mangle)]
pub static jmp_plugin_meta: [u8; META.len()] = {
    let mut bytes = [0; META.len()];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = META.as_bytes()[at];
        at += 1;
    }
    bytes
};

static PLUGIN: Plugin = Plugin::new(Functions {
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
});

/// The C door.
#[unsafe(no_mangle)]
pub extern "C" fn jmp_driver_entry_v1() -> *const Plugin {
    const { assert!(size_of::<EntryFn>() == size_of::<usize>()) };
    &raw const PLUGIN
}

unsafe extern "C" fn init(_host: *const Host) -> i32 {
    0
}

/// A driver's handle is its fault plus this, so that no handle is 0 by accident.
const DRIVER: u64 = 1_000;

unsafe extern "C" fn open(request: *const OpenRequest, done: Completion) {
    // SAFETY: the host passes a valid request, borrowed for this call.
    let config = unsafe { (*request).config.as_str() }.unwrap_or_default();
    let fault = Fault::in_config(config);
    let handle = DRIVER + fault.to_number();
    match fault {
        Fault::OpenHang => {}
        Fault::OpenZero => reply(
            done,
            &Reply {
                handle: 0,
                ..Reply::OK
            },
        ),
        Fault::OpenGarbage => reply(
            done,
            &Reply {
                handle,
                ..body(GARBAGE)
            },
        ),
        Fault::OpenTwice => {
            reply(
                done,
                &Reply {
                    handle,
                    ..Reply::OK
                },
            );
            reply(
                done,
                &Reply {
                    handle: 1,
                    ..Reply::OK
                },
            );
        }
        _ => reply(
            done,
            &Reply {
                handle,
                ..Reply::OK
            },
        ),
    }
}

unsafe extern "C" fn close(driver: u64, done: Completion) {
    if Fault::from_number(driver - DRIVER) != Fault::CloseHang {
        reply(done, &Reply::OK);
    }
}

unsafe extern "C" fn call(driver: u64, call: *const Call, done: Completion) {
    // SAFETY: the host passes a valid call, borrowed for this function.
    match unsafe { (*call).method.as_str() } {
        Ok("closed") => return reply(done, &body(&answer::number(bytes::closed()))),
        Ok("open") => return reply(done, &body(&answer::number(bytes::open()))),
        _ => {}
    }
    match Fault::from_number(driver - DRIVER) {
        Fault::Twice => {
            reply(done, &body(FINE));
            reply(done, &body(NULL));
            reply(done, &error(13, b"a third answer"));
        }
        Fault::Late => {
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(1));
                reply(done, &body(FINE));
            });
        }
        Fault::WrongCtx => {
            reply(
                Completion {
                    ctx: done.ctx ^ 0xdead_0000_0000,
                    ..done
                },
                &body(NULL),
            );
            reply(
                Completion {
                    ctx: u64::MAX,
                    ..done
                },
                &body(NULL),
            );
            reply(done, &body(FINE));
        }
        Fault::Hang => {}
        Fault::Block => {
            thread::sleep(Duration::from_secs(3));
            reply(done, &body(FINE));
        }
        Fault::Garbage => reply(done, &body(GARBAGE)),
        Fault::InvalidUtf8 => reply(done, &body(INVALID_UTF8)),
        Fault::Deep => reply(done, &body(&answer::deep())),
        Fault::NullReply => answer::null(done),
        Fault::Code => reply(done, &error(4711, b"a code that does not exist")),
        Fault::Message => reply(done, &error(13, b"not UTF-8: \xff\xfe")),
        Fault::ExitThread => answer::from_a_thread_that_exits(done),
        Fault::Abort => std::process::abort(),
        Fault::Segv => answer::segfault(),
        Fault::Exit => answer::exit(),
        Fault::Unwind => panic!("a panic leaves an entry point"),
        _ => reply(done, &body(FINE)),
    }
}

unsafe extern "C" fn stream_open(driver: u64, _call: *const Call, done: Completion) {
    reply(
        done,
        &Reply {
            handle: driver,
            ..Reply::OK
        },
    );
}

unsafe extern "C" fn stream_next(stream: u64, _max: u32, done: Completion) {
    match Fault::from_number(stream - DRIVER) {
        Fault::EmptyStream => reply(done, &Reply::OK),
        Fault::TooManyItems => {
            let items = ITEMS.repeat(200);
            reply(
                done,
                &Reply {
                    flags: FLAG_END_OF_STREAM,
                    ..body(&items)
                },
            );
        }
        Fault::GarbageItems => reply(done, &body(GARBAGE)),
        Fault::Hang => {}
        _ => reply(
            done,
            &Reply {
                flags: FLAG_END_OF_STREAM,
                ..body(ITEMS)
            },
        ),
    }
}

unsafe extern "C" fn stream_close(_stream: u64) {}

unsafe extern "C" fn connect(driver: u64, call: *const Call, done: Completion) {
    // SAFETY: the host passes a valid call, borrowed for this function.
    let method = unsafe { (*call).method.as_str() }.unwrap_or_default();
    match Fault::from_number(driver - DRIVER) {
        Fault::NoDescriptor => reply(done, &Reply::OK),
        _ => bytes::connect(method, done),
    }
}

unsafe extern "C" fn cancel(_driver: u64, _id: u64) {}

unsafe extern "C" fn extension(id: Slice) -> *const c_void {
    // SAFETY: the host passes a valid name, borrowed for this function.
    match unsafe { id.as_str() } {
        Ok(BYTES) => (&raw const bytes::TABLE).cast(),
        _ => std::ptr::null(),
    }
}
