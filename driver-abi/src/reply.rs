//! How work is answered.

use abi_stable::StableAbi;

use crate::Slice;

/// [`Reply::flags`]: no item follows the ones in this reply.
pub const FLAG_END_OF_STREAM: u32 = 1;

/// Where to send the answer of one piece of work.
///
/// `done` is called exactly once, from any thread, also before the function that received the
/// completion has returned. A second call is counted by the receiver and has no other effect.
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Completion {
    /// Names the work to its receiver. Opaque to whoever completes it.
    pub ctx: u64,
    /// Takes `ctx` and the reply, which is borrowed for the call.
    pub done: unsafe extern "C" fn(ctx: u64, reply: *const Reply),
}

/// The answer of one piece of work. Which fields mean something depends on the function; the
/// others are zero (`fd`: -1).
#[repr(C)]
#[derive(Clone, Copy, Debug, StableAbi)]
pub struct Reply {
    /// A [`Code`](crate::Code); 0 is success.
    pub code: i32,
    /// [`FLAG_END_OF_STREAM`] or 0.
    pub flags: u32,
    /// Encoded `google.protobuf.Value`; for streams an encoded `ListValue` of the items.
    pub body: Slice,
    /// For people, UTF-8; for a failed call the text that the client shows.
    pub message: Slice,
    /// The new driver or stream, from 1 to 2^53.
    pub handle: u64,
    /// An open file descriptor that now belongs to the receiver, or -1.
    pub fd: i32,
    /// Zero.
    pub reserved0: u32,
    /// Zero.
    pub reserved: [u64; 3],
}

// === impl Reply ===

impl Reply {
    /// Success with nothing in it.
    pub const OK: Self = Self {
        code: 0,
        flags: 0,
        body: Slice::EMPTY,
        message: Slice::EMPTY,
        handle: 0,
        fd: -1,
        reserved0: 0,
        reserved: [0; 3],
    };
}

// === impl Completion ===

impl Completion {
    /// Sends the answer.
    ///
    /// # Safety
    /// The work is still open, and what `reply` borrows lives for the call. Takes over `reply.fd`.
    pub unsafe fn complete(self, reply: &Reply) {
        // SAFETY: `reply` is valid for the call, the rest is the caller's promise.
        unsafe { (self.done)(self.ctx, reply) }
    }
}
