//! Streams of children, lent to the drivers that opened them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::plugin::error::{CallError, Code};
use crate::plugin::host::Done;
use crate::plugin::instance::frame;
use crate::plugin::services::{self, Station};
use crate::plugin::stream::ValueStream;

static OPEN: LazyLock<Mutex<HashMap<u64, Lent>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Clone)]
struct Lent {
    node: u64,
    station: Arc<Station>,
    stream: Arc<tokio::sync::Mutex<ValueStream>>,
    /// Ends a `next` that is on its way.
    closed: CancellationToken,
}

/// Takes a stream into keeping, and returns its number.
pub(super) fn lend(
    node: u64,
    station: Arc<Station>,
    stream: ValueStream,
) -> Result<u64, CallError> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let lent = Lent {
        node,
        station,
        stream: Arc::new(tokio::sync::Mutex::new(stream)),
        closed: CancellationToken::new(),
    };
    let mut open = lock();
    // A node that is still there forgets this when it goes, since that takes the lock, too.
    if let Err(error) = services::station(node) {
        drop(open);
        return Err(error);
    }
    open.insert(number, lent);
    Ok(number)
}

/// Answers with the next items.
pub(super) fn next(number: u64, max: u32, done: Done) {
    let Some(lent) = lock().get(&number).cloned() else {
        let text = format!("there is no open stream with the number {number}");
        return done.fail(&CallError::new(Code::FailedPrecondition, text));
    };
    let (stream, stop) = (lent.stream, lent.closed);
    lent.station.run(stop, async move {
        let mut stream = stream.lock().await;
        match stream.next_up_to(max).await {
            None => done.items(&[], true),
            Some(Err(error)) => done.fail(&error),
            Some(Ok(items)) => {
                done.items(&frame(&items), false);
            }
        }
    });
}

pub(super) fn close(number: u64) {
    let lent = lock().remove(&number);
    if let Some(lent) = lent {
        lent.closed.cancel();
    }
}

pub(super) fn forget(node: u64) {
    // What falls out runs foreign code when it is dropped: after the lock.
    let _ended: Vec<_> = lock().extract_if(|_, lent| lent.node == node).collect();
}

fn lock() -> MutexGuard<'static, HashMap<u64, Lent>> {
    // The map is whole at every moment, so a panic elsewhere does no harm.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
