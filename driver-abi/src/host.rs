//! What the host offers to every plugin.

use std::ffi::c_void;

use abi_stable::StableAbi;

use crate::Slice;

/// How much a log line matters. Numbered as `tracing` orders its levels.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed that a person must look at.
    Error = 1,
    /// Something went wrong and was dealt with.
    Warn = 2,
    /// What the driver does, a line per action.
    Info = 3,
    /// For finding faults in the driver.
    Debug = 4,
    /// Every step.
    Trace = 5,
}

/// The host, as given to `init`. Lives as long as the process; copy it.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Host {
    /// [`ABI_MAJOR`](crate::ABI_MAJOR) of the host.
    pub abi_major: u32,
    /// [`ABI_MINOR`](crate::ABI_MINOR) of the host.
    pub abi_minor: u32,
    /// How many worker threads a plugin with its own runtime should start; at least 1.
    pub worker_threads: u32,
    /// Zero.
    pub reserved0: u32,
    /// Passed to every function of the host and of its extensions.
    pub ctx: u64,
    /// Writes a line to the host's log: a [`LogLevel`] as number, where it comes from, the text.
    /// `jmp.log/1` can do more. Any thread.
    pub log: unsafe extern "C" fn(ctx: u64, level: i32, target: Slice, message: Slice),
    /// The table of an extension such as `jmp.tree/1`, valid for ever, or null if the host does not
    /// have it. Any thread.
    pub extension: unsafe extern "C" fn(ctx: u64, id: Slice) -> *const c_void,
    /// Zero.
    pub reserved: [u64; 4],
}
