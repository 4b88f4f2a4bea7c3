//! Work on its way into a driver.

use std::borrow::Cow;
use std::sync::Arc;

use jumpstarter_driver_abi::{Call, Completion, Functions, Reply, Slice};

use super::error::{CallError, Code};
use super::stream::Turn;

/// Work for a driver.
#[derive(Debug)]
pub(super) enum Ask<'a> {
    /// Start a method.
    Method {
        kind: Kind,
        method: Cow<'a, str>,
        /// An encoded `ListValue`.
        args: Vec<u8>,
        timeout_ms: u64,
    },
    /// Ask a stream for items.
    Next {
        stream: u64,
        max: u32,
        turn: Arc<Turn>,
    },
}

/// Which of the functions that take a [`Call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Stream,
    Connect,
}

/// Answers in place of the plugin, which never saw the completion.
pub(super) fn refuse(completion: Completion, error: &CallError) {
    let reply = Reply {
        code: error.code as i32,
        message: Slice::from(error.message.as_str()),
        ..Reply::OK
    };
    // SAFETY: the completion was just made and not handed out; the text lives for the call.
    unsafe { completion.complete(&reply) }
}

// === impl Ask ===

impl Ask<'_> {
    /// For work that is done on another thread.
    pub(super) fn into_owned(self) -> Ask<'static> {
        match self {
            Self::Next { stream, max, turn } => Ask::Next { stream, max, turn },
            Self::Method {
                kind,
                method,
                args,
                timeout_ms,
            } => Ask::Method {
                kind,
                method: Cow::Owned(method.into_owned()),
                args,
                timeout_ms,
            },
        }
    }

    /// Calls the plugin's function. The caller is inside the gate of the driver.
    pub(super) fn start(&self, functions: &Functions, driver: u64, done: Completion) {
        match self {
            Self::Method {
                kind,
                method,
                args,
                timeout_ms,
            } => {
                let call = Call {
                    id: done.ctx,
                    method: Slice::from(&**method),
                    args: Slice::new(args),
                    timeout_ms: *timeout_ms,
                    reserved: [0; 4],
                };
                let function = match kind {
                    Kind::Call => functions.call,
                    Kind::Stream => functions.stream_open,
                    Kind::Connect => functions.connect,
                };
                // SAFETY: the caller is inside the gate, so the driver is open; what `call` borrows
                // lives until the function returns, and the plugin copies what it needs later.
                unsafe { function(driver, &raw const call, done) }
            }
            Self::Next { stream, max, turn } => {
                let asked = turn.ask(|| {
                    // SAFETY: it is this stream's turn, so it is open; and its driver is, because
                    // the caller is inside the gate.
                    unsafe { (functions.stream_next)(*stream, *max, done) }
                });
                if !asked {
                    refuse(
                        done,
                        &CallError::new(Code::Cancelled, "the stream is closed"),
                    );
                }
            }
        }
    }
}
