//! A reply that outlives its call.

use std::os::fd::{FromRawFd, OwnedFd};

use jumpstarter_driver_abi::{Code, FLAG_END_OF_STREAM, Reply};

/// What a completion brought, copied out of the borrowed [`Reply`].
#[derive(Debug)]
pub struct Answer {
    /// The outcome.
    pub code: Code,
    /// No further item follows ([`FLAG_END_OF_STREAM`]).
    pub end_of_stream: bool,
    /// Encoded `google.protobuf.Value` or `ListValue`; not checked.
    pub body: Vec<u8>,
    /// Text for people; invalid UTF-8 is replaced.
    pub message: String,
    /// The new driver or stream.
    pub handle: u64,
    /// The file descriptor that came along.
    pub fd: Option<OwnedFd>,
}

// === impl Answer ===

impl Answer {
    /// The answer to a completion that came without a reply.
    pub(crate) fn missing() -> Self {
        Self {
            code: Code::Internal,
            end_of_stream: false,
            body: Vec::new(),
            message: "the driver answered with a null reply".to_owned(),
            handle: 0,
            fd: None,
        }
    }

    /// # Safety
    /// What `reply` borrows is alive, and `reply.fd` is -1 or open and given away.
    pub(crate) unsafe fn copy(reply: &Reply) -> Self {
        // SAFETY: the caller vouches for both slices and for the descriptor.
        let (body, message, fd) = unsafe {
            (
                reply.body.as_bytes(),
                reply.message.as_bytes(),
                (reply.fd >= 0).then(|| OwnedFd::from_raw_fd(reply.fd)),
            )
        };
        Self {
            code: Code::from_i32(reply.code),
            end_of_stream: reply.flags & FLAG_END_OF_STREAM != 0,
            body: body.to_vec(),
            message: String::from_utf8_lossy(message).into_owned(),
            handle: reply.handle,
            fd,
        }
    }
}
