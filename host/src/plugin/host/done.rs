//! The obligation to answer.

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use jumpstarter_driver_abi::{Completion, FLAG_END_OF_STREAM, Reply, Slice};

use crate::plugin::error::{CallError, Code};

/// A completion of a plugin. Dropping it unanswered answers that the work was given up, so that
/// every way out of the code that holds it answers exactly once.
#[derive(Debug)]
pub(super) struct Done(Option<Completion>);

// === impl Done ===

impl Done {
    pub(super) fn new(completion: Completion) -> Self {
        Self(Some(completion))
    }

    /// Answers with an encoded value.
    pub(super) fn body(self, body: &[u8]) {
        self.items(body, false);
    }

    /// Answers with an encoded list of items of a stream.
    pub(super) fn items(self, items: &[u8], end: bool) {
        self.send(Reply {
            body: Slice::new(items),
            flags: if end { FLAG_END_OF_STREAM } else { 0 },
            ..Reply::OK
        });
    }

    pub(super) fn handle(self, handle: u64) {
        self.send(Reply {
            handle,
            ..Reply::OK
        });
    }

    /// Gives a descriptor away.
    pub(super) fn fd(self, fd: OwnedFd) {
        self.transfer(fd, 0);
    }

    /// Gives a descriptor away that can be asked about.
    pub(super) fn transfer(self, fd: OwnedFd, handle: u64) {
        let reply = Reply {
            handle,
            fd: fd.as_raw_fd(),
            ..Reply::OK
        };
        let _given_away = fd.into_raw_fd();
        self.send(reply);
    }

    pub(super) fn fail(self, error: &CallError) {
        self.send(Reply {
            code: error.code as i32,
            message: Slice::from(error.message.as_str()),
            ..Reply::OK
        });
    }

    fn send(mut self, reply: Reply) {
        if let Some(completion) = self.0.take() {
            // SAFETY: the completion is taken out, so this is its only use; what the reply borrows
            // lives in the callers above, until this returns.
            unsafe { completion.complete(&reply) }
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if self.0.is_some() {
            let error = CallError::new(Code::Cancelled, "the call was given up");
            Self(self.0.take()).fail(&error);
        }
    }
}
