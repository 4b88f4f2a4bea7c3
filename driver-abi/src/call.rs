//! What the host asks of a plugin.

use abi_stable::StableAbi;

use crate::Slice;

/// One driver to open.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct OpenRequest {
    /// The host's number for this place in the tree. The plugin passes it back when it asks the
    /// host for services (logs, children, session folder).
    pub node: u64,
    /// The `type` from the configuration, for example `jumpstarter_driver_power.driver.MockPower`.
    pub class: Slice,
    /// The driver's name in the tree, UTF-8.
    pub name: Slice,
    /// The `config` block as a JSON object, UTF-8.
    pub config: Slice,
    /// Zero.
    pub reserved: [u64; 4],
}

/// One call of a method.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Call {
    /// Names the call for `cancel`; unique among the open calls of the process.
    pub id: u64,
    /// Name of the method, UTF-8.
    pub method: Slice,
    /// The arguments: an encoded `google.protobuf.ListValue`.
    pub args: Slice,
    /// Milliseconds until the caller gives up; 0 means never.
    pub timeout_ms: u64,
    /// Zero.
    pub reserved: [u64; 4],
}
