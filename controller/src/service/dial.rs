//! Dial: a client wants to connect to the exporter of its lease.

use std::time::Duration;

use jumpstarter_proto::v1::{DialRequest, DialResponse};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::{Code, Request, Status};

use super::{Services, errors, not_found};
use crate::dial::{Gate, Invitation, Offered, gate};
use crate::lab::ExporterState;
use crate::model::{Key, Lease};

/// How long an exporter may take to notice its lease.
const NOTICE: Duration = Duration::from_secs(30);
/// How long an exporter may take to listen again after its connection broke.
const RECONNECT: Duration = Duration::from_secs(5);
/// A client that dials again and again after the end of its lease; the pause lets it notice that end.
const COOL_DOWN: Duration = Duration::from_millis(2500);
/// The reference client looks after its lease and dials again only after a text like this one. Any
/// other it takes for a broken connection, and waits for minutes.
const ENDED: &str = "lease has ended, its exporter is not ready for it";

// === impl Services ===

impl Services {
    pub(super) async fn dial(&self, request: Request<DialRequest>) -> Result<DialResponse, Status> {
        let client = self.client(&request).await?.object;
        let name = request.into_inner().lease_name;
        if name.is_empty() {
            return Err(Status::unknown("empty lease name"));
        }
        let key = Key::new(&client.key.namespace, &name);
        let lease = self.lab().lease(&key).await?;
        let lease = lease.ok_or_else(|| not_found("leases", &name))?;
        if lease.owner != client.key.name {
            return Err(denied());
        }
        if lease.has_ended() {
            return Err(ended().await);
        }
        let Some(exporter) = &lease.exporter else {
            return Err(Status::unknown("lease not active"));
        };
        let mut states = self.lab().watch(exporter.uid);
        match timeout(NOTICE, pass(&mut states, &lease)).await {
            Ok(passed) => passed?,
            Err(_) => {
                return Err(Status::failed_precondition(
                    "exporter is not ready (status: Available)",
                ));
            }
        }
        let Some(router) = self.settings().routers.first().cloned() else {
            return Err(Status::unknown("no router available"));
        };
        if timeout(RECONNECT, self.listened(&mut states, &lease))
            .await
            .is_err()
        {
            return Err(Status::unavailable(format!(
                "exporter is not listening on lease {name}"
            )));
        }
        // The lease may have changed meanwhile. There is no await between this look and the offer.
        let state = states.borrow_and_update().clone();
        look(&state, &lease).await?;
        let tokens = self.inner.router_tokens.pair(&lease.key).map_err(|error| {
            tracing::error!(%error, "no token for the router");
            Status::internal("failed to sign a router token")
        })?;
        let invitation = Invitation {
            endpoint: router.clone(),
            token: tokens.exporter,
            stream: tokens.stream,
        };
        match self.inner.listeners.offer(lease.uid, invitation) {
            Offered::Taken => Ok(DialResponse {
                router_endpoint: router.clone(),
                router_token: tokens.client.expose().clone(),
            }),
            Offered::Nobody => Err(Status::unavailable(format!(
                "exporter is not listening on lease {name}"
            ))),
            Offered::Full => Err(Status::resource_exhausted(format!(
                "listener buffer full on lease {name}"
            ))),
        }
    }

    /// Waits until the exporter listens, or has no more reason to.
    async fn listened(&self, states: &mut watch::Receiver<ExporterState>, lease: &Lease) {
        tokio::select! {
            () = self.inner.listeners.listened(lease.uid) => {}
            // The caller finds out which; or the offer finds nobody.
            _ = states.wait_for(|state| !serves(state, lease) || !state.online) => {}
        }
    }
}

/// Waits until the exporter's status allows dialling.
async fn pass(states: &mut watch::Receiver<ExporterState>, lease: &Lease) -> Result<(), Status> {
    loop {
        let state = states.borrow_and_update().clone();
        look(&state, lease).await?;
        match gate(&state) {
            Gate::Open => return Ok(()),
            Gate::Shut(why) => return Err(Status::failed_precondition(why)),
            Gate::Wait => {}
        }
        if states.changed().await.is_err() {
            return Err(Status::unavailable("the controller is shutting down"));
        }
    }
}

/// Checks that the exporter still serves this lease, and that the lease still has this owner.
async fn look(state: &ExporterState, lease: &Lease) -> Result<(), Status> {
    if state.gone {
        return Err(not_found(
            "exporters",
            lease
                .exporter
                .as_ref()
                .map_or("", |exporter| &exporter.name),
        ));
    }
    match &state.assignment {
        Some(assignment) if assignment.uid == lease.uid => match assignment.client == lease.owner {
            true => Ok(()),
            false => Err(denied()),
        },
        _ => Err(ended().await),
    }
}

fn serves(state: &ExporterState, lease: &Lease) -> bool {
    let assignment = state.assignment.as_ref();
    assignment
        .is_some_and(|assignment| assignment.uid == lease.uid && assignment.client == lease.owner)
}

fn denied() -> Status {
    errors::unknown(Code::PermissionDenied, "permission denied")
}

async fn ended() -> Status {
    sleep(COOL_DOWN).await;
    Status::failed_precondition(ENDED)
}
