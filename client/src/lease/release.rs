//! Giving a lease back, also when nobody can wait for it.

use std::thread;
use std::time::{Duration, SystemTime};

use tokio::time::{sleep, timeout};
use tonic::{Code, Status};
use tracing::{debug, info, warn};

use super::{AskError, Leases, Request};
use crate::backoff::Backoff;
use crate::controller::Controller;

/// How long giving back may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How far away a lease begins that is only made to be withdrawn.
const NOT_BEFORE: Duration = Duration::from_secs(3600);

/// Pauses between attempts to reach a controller: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));

/// Gives a lease back and says so.
pub(super) async fn properly(leases: &Leases, name: &str) -> Result<(), AskError> {
    let released = timeout(PATIENCE, async {
        match leases.get(name).await {
            Ok(lease) if lease.ended.is_some() => {}
            // Somebody else's by now, and so not ours to end.
            Ok(lease) if !leases.client().is_empty() && lease.client != leases.client() => {
                return Ok(());
            }
            Ok(_) => info!("Releasing Lease {name}"),
            Err(error) => debug!("lease {name} cannot be seen: {error}"),
        }
        delete(leases, &leases.controller(), name).await
    });
    match released.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            debug!("lease {name} cannot be released: {error}");
            Err(error)
        }
        Err(_) => {
            warn!("Timeout while deleting lease {name} during cleanup");
            Err(Status::deadline_exceeded("the lease was not released in time").into())
        }
    }
}

/// Asks until there is an answer.
async fn delete(leases: &Leases, controller: &Controller, name: &str) -> Result<(), AskError> {
    let mut pauses = Backoff::new(PAUSES.0, PAUSES.1, 0.2).ok();
    loop {
        let error = match leases.delete_at(controller, name).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let away = error
            .status()
            .is_some_and(|it| it.code() == Code::Unavailable);
        let Some(pauses) = pauses.as_mut().filter(|_| away) else {
            return Err(error);
        };
        if pauses.failures() == 0 {
            let patience = PATIENCE.as_secs();
            warn!("Lease {name} cannot be released yet, trying for up to {patience}s: {error}");
        }
        sleep(pauses.next_delay()).await;
    }
}

/// Gives a lease back from a thread with a connection of its own: where this is called, nobody waits,
/// and the runtime may be about to end.
pub(super) fn apart(leases: &Leases, name: &str) {
    let (leases, lease) = (leases.clone(), name.to_owned());
    in_a_thread(name, async move {
        let controller = leases.controller().apart();
        match timeout(PATIENCE, delete(&leases, &controller, &lease)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!("lease {lease} cannot be released: {error}"),
            Err(_) => warn!("Timeout while deleting lease {lease} during cleanup"),
        }
    });
}

/// The same for a lease that was asked for and may come to exist only after this.
pub(super) fn unanswered(leases: &Leases, request: &Request) {
    let name = request.lease_id.clone().unwrap_or_default();
    let (leases, lease, request) = (leases.clone(), name.clone(), later(request));
    in_a_thread(&name, async move {
        let controller = leases.controller().apart();
        let released = timeout(PATIENCE, async {
            // After this it exists or has existed, whichever question was answered first; nobody can
            // make another one of that name. One that begins later touches no exporter.
            leases.create_at(&controller, &request).await.ok();
            delete(&leases, &controller, &lease).await
        });
        match released.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!("lease {lease} cannot be released: {error}"),
            Err(_) => warn!("Timeout while deleting lease {lease} during cleanup"),
        }
    });
}

/// The same request for a time that will not come before it is withdrawn.
fn later(request: &Request) -> Request {
    let begin = SystemTime::now() + NOT_BEFORE;
    Request {
        begin: Some(request.begin.map_or(begin, |asked| asked.max(begin))),
        ..request.clone()
    }
}

fn in_a_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime {
            runtime.block_on(work);
        }
    };
    match thread::Builder::new()
        .name("release".to_owned())
        .spawn(work)
    {
        // After a panic the process may end with this very thread.
        Ok(thread) if thread::panicking() => {
            thread.join().ok();
        }
        Ok(_) => {}
        Err(error) => warn!("lease {name} cannot be released: {error}"),
    }
}
