//! The answer that is owed to the host.

use std::os::fd::{IntoRawFd, OwnedFd};

use jumpstarter_driver_abi::{Code, Completion, FLAG_END_OF_STREAM, Reply, Slice};

use crate::{Error, Result};

/// A completion that is completed exactly once: with an answer, or, if the work was dropped on the
/// way, with [`Code::Cancelled`].
#[derive(Debug)]
pub(crate) struct Done(Option<Completion>);

// === impl Done ===

impl Done {
    pub(crate) fn new(completion: Completion) -> Self {
        Self(Some(completion))
    }

    /// Answers with an encoded value, or an error.
    pub(crate) fn value(self, result: Result<Vec<u8>>) {
        match result {
            Ok(body) => self.send(Reply {
                body: Slice::new(&body),
                ..Reply::OK
            }),
            Err(error) => self.error(&error),
        }
    }

    pub(crate) fn error(self, error: &Error) {
        self.send(Reply {
            code: error.code() as i32,
            message: Slice::from(error.message()),
            ..Reply::OK
        });
    }

    pub(crate) fn handle(self, handle: u64, body: &[u8]) {
        self.send(Reply {
            handle,
            body: Slice::new(body),
            ..Reply::OK
        });
    }

    /// Answers with items of a stream, an encoded `ListValue`.
    pub(crate) fn items(self, list: &[u8], end: bool) {
        self.send(Reply {
            body: Slice::new(list),
            flags: if end { FLAG_END_OF_STREAM } else { 0 },
            ..Reply::OK
        });
    }

    /// Answers with a socket, and with the number by which more can be asked about it, or 0.
    pub(crate) fn socket(self, fd: OwnedFd, handle: u64) {
        self.send(Reply {
            fd: fd.into_raw_fd(),
            handle,
            ..Reply::OK
        });
    }

    /// Answers that it worked, or why not.
    pub(crate) fn result(self, result: &Result<()>) {
        match result {
            Ok(()) => self.empty(),
            Err(error) => self.error(error),
        }
    }

    pub(crate) fn empty(self) {
        self.send(Reply::OK);
    }

    fn send(mut self, reply: Reply) {
        if let Some(completion) = self.0.take() {
            // SAFETY: taken out, so this is the only time; every caller above keeps what the reply
            // borrows until this returns, and gives the descriptor away.
            unsafe { completion.complete(&reply) }
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(completion) = self.0.take() {
            let error = if std::thread::panicking() {
                Error::internal("the driver panicked")
            } else {
                Error::new(Code::Cancelled, "the call was given up")
            };
            Self(Some(completion)).error(&error);
        }
    }
}
