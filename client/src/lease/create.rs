//! Asking for a lease so that none gets lost, even if the answer does.
//!
//! ```text
//! CreateLease, with a name of ours ─► answer
//!    ▲      └─► none ─► a pause ─┐
//!    └───────────────────────────┘   until: an answer, or "that name is taken" ─► it is ours
//! ```

use std::time::Duration;

use jumpstarter_proto::client_v1::{CreateLeaseRequest, GetLeaseRequest, Lease};
use jumpstarter_proto::names::{Kind, Name};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};
use tracing::{debug, warn};
use uuid::Uuid;

use super::{AskError, answer};
use crate::connect::was_unsent;
use crate::controller::Controller;

/// How long to ask again after an answer was lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pauses between attempts: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

/// A name that no other lease has, of the kind that controllers choose themselves.
pub(super) fn fresh_name() -> String {
    Uuid::now_v7().to_string()
}

/// Asks for a lease of `client`, until it is known whether there is one.
///
/// The name is chosen here if it was not before, so that the same lease can be asked for again.
pub(crate) async fn create(
    controller: &Controller,
    client: &str,
    mut request: CreateLeaseRequest,
) -> Result<Lease, AskError> {
    if request.lease_id.is_empty() {
        request.lease_id = fresh_name();
    }
    let until = Instant::now() + PATIENCE;
    let mut pause = PAUSES.0;
    let mut lost = false;
    loop {
        let asked = answer::soon(controller, async {
            controller.clients().create_lease(request.clone()).await
        });
        let status = match asked.await {
            Ok(lease) => return Ok(lease),
            Err(status) => status,
        };
        if lost && is_taken(&status) {
            return made(controller, client, &request, status).await;
        }
        let first = !lost;
        lost |= may_be_done(&status);
        let again = match status.code() {
            Code::Unavailable => lost,
            // What cannot be read now will not be readable later, but the name will be taken.
            _ => lost && first,
        };
        if !again || Instant::now() >= until {
            return Err(match lost {
                true => AskError::Unclear {
                    lease: request.lease_id,
                    status: Box::new(status),
                },
                false => status.into(),
            });
        }
        if first {
            warn!(
                "The controller's answer was lost, asking again: {}",
                status.message()
            );
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// The lease that an earlier attempt has made; unless it is another one of that name.
async fn made(
    controller: &Controller,
    client: &str,
    request: &CreateLeaseRequest,
    taken: Status,
) -> Result<Lease, AskError> {
    let namespace = request.parent.trim_start_matches("namespaces/");
    let name = |kind, name: &str| Name::new(kind, namespace, name).to_string();
    let question = GetLeaseRequest {
        name: name(Kind::Lease, &request.lease_id),
    };
    let asked = answer::soon(controller, async {
        controller.clients().get_lease(question).await
    });
    let lease: Lease = asked.await.map_err(|status| AskError::Unclear {
        lease: request.lease_id.clone(),
        status: Box::new(status),
    })?;
    let ours = client.is_empty() || lease.client() == name(Kind::Client, client);
    if !ours || lease.effective_end_time.is_some() {
        return Err(taken.into());
    }
    debug!("lease {} was made by an earlier attempt", request.lease_id);
    Ok(lease)
}

/// Whether the controller may have done what it was asked, for all that came back.
fn may_be_done(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => !was_unsent(status),
        // An answer that makes no sense is one.
        Code::Internal => true,
        _ => false,
    }
}

fn is_taken(status: &Status) -> bool {
    status.code() == Code::AlreadyExists || status.message().contains("already exists")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_gets_lost_leaves_doubt() {
        for doubtful in [
            Status::unavailable("the connection broke: reset"),
            Status::deadline_exceeded("x"),
            Status::internal("failed to decode"),
        ] {
            assert!(may_be_done(&doubtful), "{doubtful:?}");
        }
        for clear in [
            Status::unknown("leases.jumpstarter.dev \"x\" already exists"),
            Status::unauthenticated("token is expired"),
            Status::invalid_argument("x"),
        ] {
            assert!(!may_be_done(&clear), "{clear:?}");
        }
    }

    #[test]
    fn a_name_that_is_taken_is_known_by_its_code_or_its_words() {
        assert!(is_taken(&Status::already_exists("x")));
        let words = "leases.jumpstarter.dev \"x\" already exists";
        assert!(is_taken(&Status::unknown(words)));
        assert!(!is_taken(&Status::unknown("empty")));
    }

    #[test]
    fn names_are_never_the_same() {
        assert_ne!(fresh_name(), fresh_name());
        assert_eq!(fresh_name().len(), 36);
    }
}
