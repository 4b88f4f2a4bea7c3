//! `jmp.resource/1` and `jmp.transfer/1`: drivers take the data of clients.
//!
//! One task per transfer, on the host's runtime, ends with the node of the driver:
//!
//! ```text
//!   take(node, handle) ─► task: Services::take ─► fd, number ─► what moves the data, if anything
//!   finished(number) ───► the outcome, once
//! ```

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use jumpstarter_driver_abi::ext::{ResourceExt, TRANSFER_READ, TRANSFER_WRITE, TransferExt};
use jumpstarter_driver_abi::{Completion, Slice};
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::{Done, guarded};
use crate::plugin::error::{CallError, Code};
use crate::plugin::services::{self, Record};
use crate::resource::{Direction, Outcome, Transfer};

pub(super) static SIMPLE: ResourceExt = ResourceExt { take: take_simply };
pub(super) static TABLE: TransferExt = TransferExt { take, finished };

/// Transfers of one driver that it has not asked about. One that is over makes room for the next.
const MAX_UNASKED: usize = 256;
/// Transfers and calls of children that one driver may have under way.
const MAX_BUSY: usize = 1024;

/// Outcomes that were not asked for, by driver and number: the oldest first.
static UNASKED: LazyLock<Mutex<BTreeMap<(u64, u64), Outcome>>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Lets go of everything that a driver has asked for.
pub(super) fn forget(node: u64) {
    lock().retain(|(of, _), _| *of != node);
}

unsafe extern "C" fn take_simply(ctx: u64, node: u64, handle: Slice, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.resource/1 take", move || {
        // SAFETY: the plugin's promise for every slice that it passes.
        let handle = unsafe { handle.as_bytes() };
        start(
            node,
            handle,
            Ok(Direction::Either),
            done,
            move |done, fd, outcome| {
                done.fd(fd);
                Some((super::plugin(ctx), outcome))
            },
        );
    });
}

unsafe extern "C" fn take(_ctx: u64, node: u64, resource: Slice, direction: u32, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.transfer/1 take", move || {
        // SAFETY: the plugin's promise for every slice that it passes.
        let resource = unsafe { resource.as_bytes() };
        let direction = match direction {
            TRANSFER_READ => Ok(Direction::Read),
            TRANSFER_WRITE => Ok(Direction::Write),
            other => Err(CallError::new(
                Code::InvalidArgument,
                format!("a transfer has no direction {other}; 1 is read, 2 is write"),
            )),
        };
        start(node, resource, direction, done, move |done, fd, outcome| {
            match keep(node, outcome) {
                Ok(number) => done.transfer(fd, number),
                Err(error) => done.fail(&error),
            }
            None
        });
    });
}

unsafe extern "C" fn finished(_ctx: u64, node: u64, transfer: u64, done: Completion) {
    let done = Done::new(done);
    guarded("jmp.transfer/1 finished", move || {
        let outcome = lock().remove(&(node, transfer)).ok_or_else(|| {
            let text = format!(
                "this driver has no transfer with the number {transfer} that it has not asked about"
            );
            CallError::new(Code::FailedPrecondition, text)
        });
        let found = outcome.and_then(|outcome| Ok((services::station(node)?, outcome)));
        match found {
            Ok((station, outcome)) => station.run(CancellationToken::new(), async move {
                match outcome.wait().await {
                    Ok(()) => done.body(&[]),
                    Err(error) => done.fail(&error),
                }
            }),
            Err(error) => done.fail(&error),
        }
    });
}

/// Who is told about an outcome that nobody can ask for.
type Untold = Option<(String, Outcome)>;

fn start(
    node: u64,
    handle: &[u8],
    direction: Result<Direction, CallError>,
    done: Done,
    answer: impl FnOnce(Done, OwnedFd, Outcome) -> Untold + Send + 'static,
) {
    let prepared = direction.and_then(|direction| {
        let station = services::station(node)?;
        if station.work.len() >= MAX_BUSY {
            let text = format!("this driver has {MAX_BUSY} transfers and calls under way already");
            return Err(CallError::new(Code::Unavailable, text));
        }
        let taking = station.services()?.take(node, handle, direction)?;
        Ok((station, taking))
    });
    let (station, taking) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return done.fail(&error),
    };
    station.run(CancellationToken::new(), async move {
        let Transfer {
            socket,
            work,
            outcome,
        } = match taking.await {
            Ok(transfer) => transfer,
            Err(error) => return done.fail(&error),
        };
        let untold = answer(done, socket, outcome);
        let Some(work) = work else { return };
        work.await;
        if let Some((plugin, outcome)) = untold
            && let Err(error) = outcome.wait().await
        {
            complain(node, plugin, &error);
        }
    });
}

/// Keeps an outcome until it is asked for, and returns its number.
fn keep(node: u64, outcome: Outcome) -> Result<u64, CallError> {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Dropped after the lock.
    let _oldest;
    let mut unasked = lock();
    // A node that is still there forgets this when it goes, since that takes the lock, too.
    services::station(node)?;
    let mut of_node = unasked.range((node, 0)..=(node, u64::MAX));
    if of_node.clone().count() >= MAX_UNASKED {
        let Some((&oldest, _)) = of_node.find(|(_, outcome)| outcome.is_over()) else {
            let text = format!("this driver has {MAX_UNASKED} transfers under way already");
            return Err(CallError::new(Code::Unavailable, text));
        };
        _oldest = unasked.remove(&oldest);
    }
    unasked.insert((node, number), outcome);
    Ok(number)
}

fn complain(node: u64, plugin: String, error: &CallError) {
    services::log(Record {
        node: Some(node),
        plugin,
        level: Level::WARN,
        target: "resource".to_owned(),
        message: format!("the data of a client was not whole: {error}"),
        fields: Vec::new(),
    });
}

fn lock() -> MutexGuard<'static, BTreeMap<(u64, u64), Outcome>> {
    // The map is whole at every moment, so a panic elsewhere does no harm.
    UNASKED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Weak};

    use tokio::runtime::Handle;

    use super::*;
    use crate::plugin::Instance;
    use crate::plugin::Node;
    use crate::plugin::services::{Child, Services};
    use crate::resource::{Options, Resources};

    struct Nothing;

    impl Services for Nothing {
        fn children(&self, _: u64) -> Result<Vec<Child>, CallError> {
            Ok(Vec::new())
        }

        fn child(&self, _: u64, path: &str) -> Result<Instance, CallError> {
            Err(CallError::new(Code::NotFound, path))
        }

        fn folder(&self, _: u64) -> Result<std::path::PathBuf, CallError> {
            Err(CallError::new(Code::NotFound, "none"))
        }
    }

    async fn outcome() -> Outcome {
        let resources = Resources::new(&Options::default());
        let uuid = uuid::Uuid::new_v4();
        let offer = resources.offer(uuid, None).unwrap();
        let handle: serde_json::Value = serde_json::from_str(offer.metadata().0).unwrap();
        let handle = jumpstarter_value::to_vec(&handle).unwrap();
        let taken = resources.take(&[uuid], &handle, Direction::Read).await;
        taken.unwrap().outcome
    }

    #[tokio::test]
    async fn nothing_is_kept_for_a_driver_that_is_gone() {
        let services: Weak<dyn Services> = Arc::downgrade(&(Arc::new(Nothing) as Arc<_>));
        let node = Node::new(services, &Handle::current());
        let id = node.id();
        let kept = || lock().keys().filter(|(of, _)| *of == id).count();
        keep(id, outcome().await).unwrap();
        assert_eq!(kept(), 1);
        drop(node);
        assert_eq!(kept(), 0);
        // Taken while the driver was being closed.
        keep(id, outcome().await).unwrap_err();
        assert_eq!(kept(), 0);
    }
}
