//! What a plugin does for the host.

use std::ffi::c_void;

use abi_stable::StableAbi;

use crate::{ABI_MAJOR, ABI_MINOR, Call, Completion, Host, OpenRequest, Slice};

/// The functions of a plugin.
///
/// Any function may be called from any thread, several at once, except that `close` is the last
/// call on a driver, and `stream_next` and `stream_close` of one stream are not concurrent. No
/// function but `init` may block, unless the metadata says otherwise: a C plugin without
/// `"nonblocking": true` is called on a thread that may wait.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Functions {
    /// Called once per process, before anything else; short. 0 means ready, anything else that the
    /// plugin cannot be used.
    pub init: unsafe extern "C" fn(host: *const Host) -> i32,

    /// Opens a driver. Completes with `handle`, and with a `body` that is null or a struct of what
    /// the driver adds to its metadata: `client`, `category`, `description`, `labels`, `methods`,
    /// `methods_description`, and `children` (name to `{type, handle, ...the same keys}`) for a
    /// driver that brings a subtree along.
    pub open: unsafe extern "C" fn(request: *const OpenRequest, done: Completion),

    /// Closes a driver, its children and its streams; calls still open are answered first.
    pub close: unsafe extern "C" fn(driver: u64, done: Completion),

    /// Calls a method. Completes with `body`.
    pub call: unsafe extern "C" fn(driver: u64, call: *const Call, done: Completion),

    /// Calls a streaming method. Completes with the stream as `handle`, and, to save a short stream
    /// a round trip, with a `ListValue` of the items that are there already, up to
    /// [`STREAM_BATCH`](crate::STREAM_BATCH). With [`FLAG_END_OF_STREAM`] these are all, and there
    /// is no stream to ask or to close.
    ///
    /// [`FLAG_END_OF_STREAM`]: crate::FLAG_END_OF_STREAM
    pub stream_open: unsafe extern "C" fn(driver: u64, call: *const Call, done: Completion),

    /// Asks for up to `max` items, waiting for the first. Completes with a `ListValue` of 0 to
    /// `max` items and, with the last of them or alone, [`FLAG_END_OF_STREAM`]. An error ends the
    /// stream; items before it come first, in a reply of their own.
    ///
    /// [`FLAG_END_OF_STREAM`]: crate::FLAG_END_OF_STREAM
    pub stream_next: unsafe extern "C" fn(stream: u64, max: u32, done: Completion),

    /// Lets go of a stream, finished or not.
    pub stream_close: unsafe extern "C" fn(stream: u64),

    /// Opens a byte stream. Completes with `fd`: a connected, non-blocking, close-on-exec socket,
    /// SOCK_STREAM or, where message boundaries matter, SOCK_SEQPACKET, or the SOCK_DGRAM socket of
    /// the device itself, which has no end; and with a `handle` for [`BytesExt`], or 0.
    ///
    /// [`BytesExt`]: crate::ext::BytesExt
    pub connect: unsafe extern "C" fn(driver: u64, call: *const Call, done: Completion),

    /// The caller of this call is gone. A hint: the call still completes.
    pub cancel: unsafe extern "C" fn(driver: u64, id: u64),

    /// The table of an extension of the plugin, valid for ever, or null.
    pub extension: unsafe extern "C" fn(id: Slice) -> *const c_void,
}

/// What the C door answers with; lives as long as the process.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Plugin {
    /// `sizeof(jmp_plugin)`, so that a host can tell what was compiled in.
    pub size: usize,
    /// [`ABI_MAJOR`] the plugin was built against.
    pub abi_major: u32,
    /// [`ABI_MINOR`] the plugin was built against.
    pub abi_minor: u32,
    /// The functions.
    pub functions: Functions,
}

/// The C door: exported as [`ENTRY_SYMBOL`](crate::ENTRY_SYMBOL). Null means that the plugin
/// cannot be used in this process.
pub type EntryFn = unsafe extern "C" fn() -> *const Plugin;

// === impl Plugin ===

impl Plugin {
    /// A table for this version of the boundary.
    pub const fn new(functions: Functions) -> Self {
        Self {
            size: size_of::<Self>(),
            abi_major: ABI_MAJOR,
            abi_minor: ABI_MINOR,
            functions,
        }
    }
}
