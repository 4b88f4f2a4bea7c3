//! `ClientService`: leases and exporters, as clients see them.

use std::{sync::Arc, time::Duration};

use jumpstarter_proto::{
    client_v1::{client_service_server::ClientService, *},
    names::{Kind, Name},
    selector::Selector,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    CLIENT, EXPORTER, LABELS, NAMESPACE, caller,
    lease::Lease as Held,
    world::{State, World},
};

pub(super) struct Clients {
    pub(super) world: Arc<World>,
}

// === impl Clients ===

impl Clients {
    /// Finds a lease by its full name and does something with it.
    fn with<T>(
        &self,
        name: &str,
        what: impl FnOnce(&mut Held) -> Result<T, Status>,
    ) -> Result<Response<T>, Status> {
        let parsed = Name::parse(Kind::Lease, name);
        let name = parsed.map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.world.change(|state| {
            let lease = state.lease(&name.name).ok_or_else(|| {
                Status::unknown(format!(
                    "leases.jumpstarter.dev \"{}\" not found",
                    name.name
                ))
            })?;
            what(lease).map(Response::new)
        })
    }
}

fn exporter(state: &State) -> Exporter {
    let labels = LABELS
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    #[allow(deprecated)]
    Exporter {
        name: Name::new(Kind::Exporter, NAMESPACE, EXPORTER).to_string(),
        labels: labels.collect(),
        online: state.is_online(),
        status: state.status.into(),
        status_message: state.message.clone(),
        enabled: Some(true),
        ..Exporter::default()
    }
}

#[tonic::async_trait]
impl ClientService for Clients {
    async fn get_exporter(
        &self,
        request: Request<GetExporterRequest>,
    ) -> Result<Response<Exporter>, Status> {
        caller::client(&self.world, &request)?;
        let name = request.into_inner().name;
        if name != Name::new(Kind::Exporter, NAMESPACE, EXPORTER).to_string() {
            let text = format!("exporters.jumpstarter.dev \"{name}\" not found");
            return Err(Status::unknown(text));
        }
        Ok(Response::new(self.world.look(exporter)))
    }

    async fn list_exporters(
        &self,
        request: Request<ListExportersRequest>,
    ) -> Result<Response<ListExportersResponse>, Status> {
        caller::client(&self.world, &request)?;
        let selector = selector(&request.into_inner().filter)?;
        let label = |key: &str| LABELS.iter().find(|(k, _)| *k == key).map(|l| l.1);
        let found = selector.matches(label).then(|| self.world.look(exporter));
        Ok(Response::new(ListExportersResponse {
            exporters: found.into_iter().collect(),
            ..ListExportersResponse::default()
        }))
    }

    async fn create_lease(
        &self,
        request: Request<CreateLeaseRequest>,
    ) -> Result<Response<Lease>, Status> {
        caller::client(&self.world, &request)?;
        let request = request.into_inner();
        let wanted = request.lease;
        let wanted = wanted.ok_or_else(|| Status::invalid_argument("lease is required"))?;
        let pinned = wanted.exporter_name();
        if wanted.selector.is_empty() && pinned.is_empty() {
            let text = "one of selector or exporter_name is required";
            return Err(Status::invalid_argument(text));
        }
        if !pinned.is_empty() && pinned != EXPORTER {
            return Err(Status::unimplemented("there is one exporter in this lab"));
        }
        let duration = wanted.duration.and_then(|d| Duration::try_from(d).ok());
        let duration = duration.ok_or_else(|| Status::unknown("duration is required"))?;
        let name = if request.lease_id.is_empty() {
            Uuid::new_v4().to_string()
        } else {
            request.lease_id
        };
        let mut lease = Held::new(name.clone(), CLIENT, selector(&wanted.selector)?, duration);
        lease.context = wanted.context;
        self.world.change(|state| {
            if state.lease(&name).is_some() {
                let text = format!("leases.jumpstarter.dev \"{name}\" already exists");
                return Err(Status::unknown(text));
            }
            state.leases.push(lease);
            Ok(())
        })?;
        // It may have been given the exporter in the same moment.
        let shown = self
            .world
            .change(|state| state.lease(&name).map(|lease| lease.shown()));
        shown
            .map(Response::new)
            .ok_or_else(|| Status::internal("a lease got lost"))
    }

    async fn get_lease(
        &self,
        request: Request<GetLeaseRequest>,
    ) -> Result<Response<Lease>, Status> {
        caller::client(&self.world, &request)?;
        self.with(&request.into_inner().name, |lease| Ok(lease.shown()))
    }

    async fn list_leases(
        &self,
        request: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        caller::client(&self.world, &request)?;
        let active = request.into_inner().only_active.unwrap_or(true);
        let leases = self.world.look(|state| {
            let wanted = |lease: &&Held| lease.ended.is_none() || !active;
            state
                .leases
                .iter()
                .filter(wanted)
                .map(Held::shown)
                .collect()
        });
        Ok(Response::new(ListLeasesResponse {
            leases,
            ..ListLeasesResponse::default()
        }))
    }

    async fn update_lease(
        &self,
        request: Request<UpdateLeaseRequest>,
    ) -> Result<Response<Lease>, Status> {
        caller::client(&self.world, &request)?;
        let wanted = request.into_inner().lease.unwrap_or_default();
        self.with(&wanted.name, |lease| {
            if let Some(duration) = wanted.duration.and_then(|d| Duration::try_from(d).ok()) {
                lease.duration = duration;
            }
            if let Some(client) = wanted.client.as_deref().filter(|name| !name.is_empty()) {
                let name = Name::parse(Kind::Client, client);
                let name = name.map_err(|error| Status::unknown(error.to_string()))?;
                lease.client = name.name;
            }
            Ok(lease.shown())
        })
    }

    async fn delete_lease(
        &self,
        request: Request<DeleteLeaseRequest>,
    ) -> Result<Response<()>, Status> {
        caller::client(&self.world, &request)?;
        let name = request.into_inner().name;
        self.with(&name, |lease| {
            if lease.ended.is_some() {
                let text = format!("lease \"{name}\" has already been released");
                return Err(Status::failed_precondition(text));
            }
            lease.end("Released", "The lease was marked for release");
            Ok(())
        })
    }

    async fn rotate_token(
        &self,
        _: Request<RotateTokenRequest>,
    ) -> Result<Response<RotateTokenResponse>, Status> {
        Err(Status::unimplemented("tokens do not change in this lab"))
    }
}

fn selector(text: &str) -> Result<Selector, Status> {
    let parsed = text.parse::<Selector>();
    parsed.map_err(|error| Status::unknown(error.to_string()))
}
