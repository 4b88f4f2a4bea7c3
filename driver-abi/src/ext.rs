//! Extensions: tables asked for by name.
//!
//! A table is frozen once released; a change is a new name (`jmp.tree/2`). A side that asks for a
//! name the other does not know gets null and goes on without. The functions of the host's tables
//! take the host's `ctx` and the number of the asking driver, [`OpenRequest::node`]; they may be
//! called from any thread and do not block.
//!
//! [`OpenRequest::node`]: crate::OpenRequest::node

use abi_stable::StableAbi;

use crate::{Call, Completion, Slice};

/// Name of [`LogExt`].
pub const LOG: &str = "jmp.log/1";
/// Name of [`TreeExt`].
pub const TREE: &str = "jmp.tree/1";
/// Name of [`SessionExt`].
pub const SESSION: &str = "jmp.session/1";
/// Name of [`ResourceExt`].
pub const RESOURCE: &str = "jmp.resource/1";
/// Name of [`TransferExt`].
pub const TRANSFER: &str = "jmp.transfer/1";
/// Name of [`BytesExt`].
pub const BYTES: &str = "jmp.bytes/1";

/// Direction of a transfer: the driver reads what the client sends.
pub const TRANSFER_READ: u32 = 1;
/// Direction of a transfer: the driver writes what the client receives.
pub const TRANSFER_WRITE: u32 = 2;

/// One line of a driver's log.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct LogRecord {
    /// A [`LogLevel`](crate::LogLevel) as number.
    pub level: i32,
    /// Zero.
    pub reserved0: u32,
    /// The driver that speaks, or 0 for the plugin as a whole.
    pub node: u64,
    /// Where in the plugin the line comes from, for example a module path.
    pub target: Slice,
    /// The text, UTF-8.
    pub message: Slice,
    /// Further fields: an encoded `google.protobuf.Struct`, or empty.
    pub fields: Slice,
    /// Zero.
    pub reserved: [u64; 2],
}

/// `jmp.log/1`, offered by the host: structured log lines.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct LogExt {
    /// Writes a line.
    pub log: unsafe extern "C" fn(ctx: u64, record: *const LogRecord),
    /// The least important [`LogLevel`](crate::LogLevel) that the host keeps, as number, so that a
    /// plugin can save the work for the others.
    pub max_level: unsafe extern "C" fn(ctx: u64) -> i32,
}

/// `jmp.tree/1`, offered by the host: a driver uses its children, also those in other plugins and
/// those that are references to another place in the tree.
///
/// `child` is the name of a child of `node`, or a dotted path below it. The other parameters are
/// those of the plugin function of the same name, the direction is reversed.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct TreeExt {
    /// Completes with a list of `{name, type}` for the children of `node`.
    pub children: unsafe extern "C" fn(ctx: u64, node: u64, done: Completion),
    /// Calls a method of a child.
    pub call: unsafe extern "C" fn(
        ctx: u64,
        node: u64,
        child: Slice,
        call: *const Call,
        done: Completion,
    ),
    /// Opens a stream of values of a child.
    pub stream_open: unsafe extern "C" fn(
        ctx: u64,
        node: u64,
        child: Slice,
        call: *const Call,
        done: Completion,
    ),
    /// Asks for up to `max` items of such a stream.
    pub stream_next: unsafe extern "C" fn(ctx: u64, stream: u64, max: u32, done: Completion),
    /// Lets go of such a stream.
    pub stream_close: unsafe extern "C" fn(ctx: u64, stream: u64),
    /// Opens a byte stream of a child.
    pub connect: unsafe extern "C" fn(
        ctx: u64,
        node: u64,
        child: Slice,
        call: *const Call,
        done: Completion,
    ),
    /// Gives up the call that `node` started with this [`Call::id`].
    pub cancel: unsafe extern "C" fn(ctx: u64, node: u64, id: u64),
}

/// `jmp.session/1`, offered by the host.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct SessionExt {
    /// Completes with the path of a folder, mode 0700, that lives as long as the session and is
    /// removed with everything in it.
    pub folder: unsafe extern "C" fn(ctx: u64, node: u64, done: Completion),
}

/// `jmp.resource/1`, offered by the host: data that the client provides or takes.
///
/// The simple form, for a driver that need not know whether all of the data went through; see
/// [`TransferExt`].
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct ResourceExt {
    /// Takes the resource that `handle`, an encoded `google.protobuf.Value` from an argument,
    /// stands for. Completes with `fd`, a stream socket of the plain data: encodings are dealt with
    /// by the host.
    pub take: unsafe extern "C" fn(ctx: u64, node: u64, handle: Slice, done: Completion),
}

/// `jmp.transfer/1`, offered by the host: as [`ResourceExt`], with a direction and an end that can be
/// asked about.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct TransferExt {
    /// Takes the resource that `resource`, an encoded `google.protobuf.Value` from an argument,
    /// stands for, in one `direction`: [`TRANSFER_READ`] or [`TRANSFER_WRITE`]. Completes with
    /// `fd`, a stream socket of the plain data, and with `handle`, the number of the transfer.
    pub take: unsafe extern "C" fn(
        ctx: u64,
        node: u64,
        resource: Slice,
        direction: u32,
        done: Completion,
    ),
    /// Completes when the transfer is over, with an error if it is not whole: the client went away,
    /// the data is corrupt, the web server refused it. Asked for once, after a reader has met the
    /// end of file, or after a writer has shut its side of the socket down.
    pub finished: unsafe extern "C" fn(ctx: u64, node: u64, transfer: u64, done: Completion),
}

/// `jmp.bytes/1`, offered by a plugin: how its byte streams end.
///
/// `stream` is the `handle` of the answer to `connect`. A plugin answers 0 there for a stream about
/// which there is nothing to ask, and the end of its socket is all there is to know.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct BytesExt {
    /// Completes when the driver is through with the stream, with an error if it failed. Asked for
    /// once per stream, and then the number is gone.
    pub outcome: unsafe extern "C" fn(stream: u64, done: Completion),
    /// The client is gone, and the driver has been given time to notice: the stream is ended now.
    pub close: unsafe extern "C" fn(stream: u64),
}
