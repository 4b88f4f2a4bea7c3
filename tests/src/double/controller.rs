//! `ControllerService`: the exporter's side of the controller, and `Dial`.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use jumpstarter_proto::v1::{controller_service_server::ControllerService, *};
use tokio::{sync::mpsc, time::Instant};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{
    EXPORTER, caller,
    journal::{Kind, Rpc, Said},
    lease::Lease,
    token,
    world::{Ending, Heard, World},
};

/// How many clients may wait for an exporter that is slow to listen.
const QUEUE: usize = 8;
/// How long `Dial` waits for an exporter that was leased and has not said that it is ready.
const GATE: Duration = Duration::from_secs(30);

pub(super) struct Controller {
    pub(super) world: Arc<World>,
    /// What both ends of a tunnel are told.
    pub(super) router: String,
}

/// A stream whose end is noted.
pub(super) struct Noted<T> {
    inner: ReceiverStream<Result<T, Status>>,
    _ending: Ending,
}

// === impl Noted ===

impl<T> Stream for Noted<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.inner).poll_next(cx)
    }
}

// === impl Controller ===

impl Controller {
    fn noted<T>(&self, heard: Heard<T>, rpc: Rpc, said: Said) -> Response<Noted<T>> {
        let world = Arc::clone(&self.world);
        Response::new(Noted {
            inner: ReceiverStream::new(heard),
            _ending: Ending {
                world,
                rpc,
                kind: Kind::Exporter,
                said,
            },
        })
    }

    /// Whether the exporter is in a state to be dialled; waits while that may change by itself.
    async fn gate(&self) -> Result<(), Status> {
        use ExporterStatus as S;
        let until = Instant::now() + GATE;
        let mut changes = self.world.changes();
        loop {
            match self.world.look(|state| state.status) {
                S::LeaseReady | S::BeforeLeaseHook | S::AfterLeaseHook | S::Unspecified => {
                    return Ok(());
                }
                S::Offline => return Err(Status::failed_precondition("exporter is offline")),
                S::BeforeLeaseHookFailed => {
                    let text = "exporter beforeLease hook failed";
                    return Err(Status::failed_precondition(text));
                }
                S::AfterLeaseHookFailed => {
                    let text = "exporter afterLease hook failed";
                    return Err(Status::failed_precondition(text));
                }
                S::Available => {}
            }
            if tokio::time::timeout_at(until, changes.changed())
                .await
                .is_err()
            {
                let text = "exporter is not ready (status: Available)";
                return Err(Status::failed_precondition(text));
            }
        }
    }
}

fn missing(name: &str) -> Status {
    Status::unknown(format!("leases.jumpstarter.dev \"{name}\" not found"))
}

#[tonic::async_trait]
impl ControllerService for Controller {
    type ListenStream = Noted<ListenResponse>;
    type StatusStream = Noted<StatusResponse>;

    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        caller::exporter(&self.world, &request)?;
        let request = request.into_inner();
        self.world.change(|state| state.registered = Some(request));
        let uuid = Uuid::new_v4().to_string();
        Ok(Response::new(RegisterResponse { uuid }))
    }

    async fn unregister(
        &self,
        request: Request<UnregisterRequest>,
    ) -> Result<Response<UnregisterResponse>, Status> {
        caller::exporter(&self.world, &request)?;
        let reason = request.into_inner().reason;
        self.world.change(|state| {
            state.registered = None;
            (state.status, state.message) = (ExporterStatus::Offline, reason);
        });
        Ok(Response::new(UnregisterResponse {}))
    }

    async fn report_status(
        &self,
        request: Request<ReportStatusRequest>,
    ) -> Result<Response<ReportStatusResponse>, Status> {
        caller::exporter(&self.world, &request)?;
        let request = request.into_inner();
        self.world.change(|state| {
            if request.release_lease() {
                let active = state.leases.iter_mut().find(|lease| lease.is_active());
                if let Some(lease) = active {
                    lease.end("Released", "The lease was marked for release");
                }
            }
            state.report(request.status(), request.message().to_owned());
        });
        Ok(Response::new(ReportStatusResponse {}))
    }

    async fn listen(
        &self,
        request: Request<ListenRequest>,
    ) -> Result<Response<Self::ListenStream>, Status> {
        caller::exporter(&self.world, &request)?;
        let name = request.into_inner().lease_name;
        if name.is_empty() {
            return Err(Status::unknown("empty lease name"));
        }
        let (told, heard) = mpsc::channel(QUEUE);
        self.world.change(|state| {
            let lease = state.lease(&name).ok_or_else(|| missing(&name))?;
            if lease.begun.is_none() {
                return Err(Status::unknown("permission denied"));
            }
            // Whoever listened before reads what is queued, and then its stream ends.
            state.listeners.insert(name.clone(), told);
            Ok(())
        })?;
        Ok(self.noted(heard, Rpc::Listen, Said::Lease(name)))
    }

    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<Self::StatusStream>, Status> {
        caller::exporter(&self.world, &request)?;
        let heard = self.world.change(super::world::State::watch);
        Ok(self.noted(heard, Rpc::Status, Said::Nothing))
    }

    async fn dial(&self, request: Request<DialRequest>) -> Result<Response<DialResponse>, Status> {
        caller::client(&self.world, &request)?;
        let name = request.into_inner().lease_name;
        if name.is_empty() {
            return Err(Status::unknown("empty lease name"));
        }
        let begun = self.world.look(|state| {
            let lease = state.leases.iter().find(|lease| lease.name == name);
            let lease = lease.ok_or_else(|| missing(&name))?;
            if lease.client != super::CLIENT {
                return Err(Status::unknown("permission denied"));
            }
            Ok(lease.begun.is_some())
        })?;
        if !begun {
            return Err(Status::unknown("lease not active"));
        }
        self.gate().await?;
        let stream = Uuid::new_v4();
        let token = token::router(stream);
        let listening = self.world.change(|state| {
            let spoil = state.spoiled > 0;
            state.spoiled -= u32::from(spoil);
            let listener = state.listeners.get(&name)?;
            let answer = ListenResponse {
                router_endpoint: self.router.clone(),
                router_token: if spoil {
                    format!("{token}-damaged")
                } else {
                    token.clone()
                },
            };
            let queued = listener.try_send(Ok(answer));
            if queued.is_ok() {
                state.tunnels.insert(token.clone(), stream);
            }
            Some(queued.map_err(|full| matches!(full, mpsc::error::TrySendError::Full(_))))
        });
        match listening {
            Some(Ok(())) => Ok(Response::new(DialResponse {
                router_endpoint: self.router.clone(),
                router_token: token,
            })),
            Some(Err(true)) => {
                let text = format!("listener buffer full on lease {name}");
                Err(Status::resource_exhausted(text))
            }
            Some(Err(false)) | None => {
                let text = format!("exporter is not listening on lease {name}");
                Err(Status::unavailable(text))
            }
        }
    }

    async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        let kind = request.metadata().get("jumpstarter-kind");
        let exporter = kind.is_some_and(|kind| kind.as_bytes() == b"Exporter");
        if exporter {
            caller::exporter(&self.world, &request)?;
        } else {
            caller::client(&self.world, &request)?;
        }
        let name = request.into_inner().name;
        self.world.change(|state| match state.lease(&name) {
            None if exporter => Err(Status::not_found(format!("lease {name} not found"))),
            None => Err(missing(&name)),
            Some(Lease { begun: None, .. }) if exporter => {
                let text = format!("lease {name} is not held by exporter {EXPORTER}");
                Err(Status::failed_precondition(text))
            }
            Some(lease) => {
                lease.end("Released", "The lease was marked for release");
                Ok(())
            }
        })?;
        Ok(Response::new(ReleaseLeaseResponse {}))
    }

    async fn get_service_endpoints(
        &self,
        request: Request<GetServiceEndpointsRequest>,
    ) -> Result<Response<GetServiceEndpointsResponse>, Status> {
        caller::exporter(&self.world, &request)?;
        let collector = self.world.look(|state| state.collector.clone());
        Ok(Response::new(GetServiceEndpointsResponse {
            telemetry_endpoints: collector.into_iter().collect(),
        }))
    }

    async fn audit_stream(
        &self,
        _: Request<Streaming<AuditStreamRequest>>,
    ) -> Result<Response<()>, Status> {
        Err(Status::unimplemented("nobody uses this"))
    }

    async fn get_lease(
        &self,
        _: Request<GetLeaseRequest>,
    ) -> Result<Response<GetLeaseResponse>, Status> {
        Err(Status::unimplemented("only older clients use this"))
    }

    async fn request_lease(
        &self,
        _: Request<RequestLeaseRequest>,
    ) -> Result<Response<RequestLeaseResponse>, Status> {
        Err(Status::unimplemented("only older clients use this"))
    }

    async fn list_leases(
        &self,
        _: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        Err(Status::unimplemented("only older clients use this"))
    }
}
