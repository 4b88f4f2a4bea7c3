//! Calls of children: what is wanted, the task that gets it, and its end.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jumpstarter_driver_abi::{Call, Slice};
use jumpstarter_value::ListReader;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::plugin::error::{CallError, Code};
use crate::plugin::host::Done;
use crate::plugin::services::{self, Station};

/// Calls that one driver may have open. A driver that needs more has lost count.
const MAX_OPEN: usize = 1024;

/// Calls that were started and not answered, by driver and id.
static OPEN: LazyLock<Mutex<HashMap<(u64, u64), CancellationToken>>> =
    LazyLock::new(Mutex::default);

/// A call of a child, copied out of what the plugin lends.
pub(super) struct Wanted {
    id: u64,
    pub(super) child: String,
    pub(super) method: String,
    pub(super) args: Vec<Bytes>,
    pub(super) deadline: Option<Instant>,
}

/// What a call brings.
pub(super) enum Outcome {
    Body(Bytes),
    Handle(u64),
    Fd(OwnedFd),
}

/// A call is open until this is dropped.
struct Open {
    node: u64,
    id: u64,
}

/// Does the work of a call in a task, which `cancel` and the end of the node stop.
pub(super) fn start<W, F>(node: u64, wanted: Result<Wanted, CallError>, done: Done, work: W)
where
    W: FnOnce(Arc<Station>, Wanted) -> F,
    F: Future<Output = Result<Outcome, CallError>> + Send + 'static,
{
    let prepared = wanted.and_then(|wanted| {
        let station = services::station(node)?;
        let (open, stop) = Open::register(node, wanted.id, &station)?;
        Ok((station, wanted, open, stop))
    });
    let (station, wanted, open, stop) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return done.fail(&error),
    };
    let work = work(Arc::clone(&station), wanted);
    station.run(stop, async move {
        let _open = open;
        match work.await {
            Ok(Outcome::Body(body)) => done.body(&body),
            Ok(Outcome::Handle(handle)) => done.handle(handle),
            Ok(Outcome::Fd(fd)) => done.fd(fd),
            Err(error) => done.fail(&error),
        }
    });
}

pub(super) fn cancel(node: u64, id: u64) {
    if let Some(stop) = lock().get(&(node, id)) {
        stop.cancel();
    }
}

pub(super) fn forget(node: u64) {
    lock().retain(|(of, _), _| *of != node);
}

fn lock() -> MutexGuard<'static, HashMap<(u64, u64), CancellationToken>> {
    // The map is whole at every moment, so a panic elsewhere does no harm.
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Wanted ===

impl Wanted {
    /// # Safety
    /// `call` is null or points to a call, and what it and `child` borrow is alive.
    pub(super) unsafe fn read(child: Slice, call: *const Call) -> Result<Self, CallError> {
        let wrong = |what: &str| CallError::new(Code::InvalidArgument, what);
        // SAFETY: the caller vouches for it.
        let call = unsafe { call.as_ref() }.ok_or_else(|| wrong("the call is null"))?;
        // SAFETY: the caller vouches for all three slices.
        let (child, method, args) =
            unsafe { (child.as_str(), call.method.as_str(), call.args.as_bytes()) };
        let args = ListReader::new(args)
            .map(|arg| arg.map(Bytes::copy_from_slice))
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(&format!("the arguments are malformed: {error}")))?;
        Ok(Self {
            id: call.id,
            child: child
                .map_err(|_| wrong("the name of the child is not UTF-8"))?
                .to_owned(),
            method: method
                .map_err(|_| wrong("the name of the method is not UTF-8"))?
                .to_owned(),
            args,
            deadline: match call.timeout_ms {
                0 => None,
                ms => Instant::now().checked_add(Duration::from_millis(ms)),
            },
        })
    }
}

// === impl Open ===

impl Open {
    fn register(
        node: u64,
        id: u64,
        station: &Station,
    ) -> Result<(Self, CancellationToken), CallError> {
        if station.work.len() >= MAX_OPEN {
            let text = format!("this driver has {MAX_OPEN} calls of its children open already");
            return Err(CallError::new(Code::Unavailable, text));
        }
        let stop = CancellationToken::new();
        lock().insert((node, id), stop.clone());
        Ok((Self { node, id }, stop))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock().remove(&(self.node, self.id));
    }
}
