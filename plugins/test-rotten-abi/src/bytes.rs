//! Byte streams: the table of `jmp.bytes/1`, and the threads that serve them (`ways`).

mod ways;

use std::collections::HashMap;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use jumpstarter_driver_abi::ext::BytesExt;
use jumpstarter_driver_abi::{Completion, Reply};

use crate::answer::{error, reply};
use ways::Way;

/// The extension's table.
pub(crate) static TABLE: BytesExt = BytesExt { outcome, close };

static STREAMS: LazyLock<Mutex<HashMap<u64, Stream>>> = LazyLock::new(Mutex::default);
static CHANGED: Condvar = Condvar::new();
static NEXT: AtomicU64 = AtomicU64::new(1);
static CLOSED: AtomicU64 = AtomicU64::new(0);

/// A stream that nobody knows the outcome of yet.
#[derive(Default)]
struct Stream {
    asked: Option<Completion>,
    outcome: Option<Result<(), String>>,
    told_to_close: bool,
}

/// The number of a stream, for the thread that serves it.
#[derive(Clone, Copy)]
struct Number(u64);

/// How often the host had to say that a stream is over.
pub(crate) fn closed() -> u64 {
    CLOSED.load(Ordering::Relaxed)
}

/// How many streams have no outcome, or one that nobody has asked for.
pub(crate) fn open() -> u64 {
    streams().len() as u64
}

/// Answers `connect`.
pub(crate) fn connect(method: &str, done: Completion) {
    let Some(way) = Way::of(method) else {
        return reply(done, &error(12, b"no bytes here"));
    };
    let socket = match way.socket() {
        Ok(socket) => socket,
        Err(failure) => return reply(done, &error(13, failure.to_string().as_bytes())),
    };
    let (ours, theirs) = socket;
    let number = Number(NEXT.fetch_add(1, Ordering::Relaxed));
    let tells = way.tells();
    if tells {
        streams().insert(number.0, Stream::default());
    }
    give(done, theirs, if tells { number.0 } else { 0 });
    std::thread::spawn(move || way.serve(ours, number));
}

fn give(done: Completion, socket: OwnedFd, handle: u64) {
    reply(
        done,
        &Reply {
            handle,
            fd: socket.into_raw_fd(),
            ..Reply::OK
        },
    );
}

unsafe extern "C" fn outcome(stream: u64, done: Completion) {
    let mut streams = streams();
    let Some(entry) = streams.get_mut(&stream) else {
        drop(streams);
        return reply(done, &error(5, b"no such stream"));
    };
    entry.asked = Some(done);
    settle(streams, stream);
}

unsafe extern "C" fn close(stream: u64) {
    CLOSED.fetch_add(1, Ordering::Relaxed);
    if let Some(entry) = streams().get_mut(&stream) {
        entry.told_to_close = true;
    }
    CHANGED.notify_all();
}

/// Answers if there is both a question and an answer.
fn settle(mut streams: MutexGuard<'_, HashMap<u64, Stream>>, number: u64) {
    let ready = streams
        .get(&number)
        .is_some_and(|stream| stream.asked.is_some() && stream.outcome.is_some());
    let entry = if ready { streams.remove(&number) } else { None };
    drop(streams);
    if let Some(Stream {
        asked: Some(done),
        outcome: Some(outcome),
        ..
    }) = entry
    {
        match outcome {
            Ok(()) => reply(done, &Reply::OK),
            Err(message) => reply(done, &error(13, message.as_bytes())),
        }
    }
}

fn streams() -> MutexGuard<'static, HashMap<u64, Stream>> {
    STREAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Number ===

impl Number {
    /// The driver is through with the stream.
    fn ends(self, outcome: Result<(), String>) {
        let mut streams = streams();
        if let Some(stream) = streams.get_mut(&self.0) {
            stream.outcome = Some(outcome);
        }
        settle(streams, self.0);
    }

    /// Waits until the host says that the stream is over.
    fn told_to_close(self) {
        let mut streams = streams();
        while streams
            .get(&self.0)
            .is_some_and(|stream| !stream.told_to_close)
        {
            streams = CHANGED
                .wait(streams)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
