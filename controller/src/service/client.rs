//! `jumpstarter.client.v1.ClientService`: exporters, leases and tokens, for clients.

use jumpstarter_proto::client_v1::client_service_server::ClientService;
use jumpstarter_proto::client_v1::{
    CreateLeaseRequest, DeleteLeaseRequest, Exporter, GetExporterRequest, GetLeaseRequest, Lease,
    ListExportersRequest, ListExportersResponse, ListLeasesRequest, ListLeasesResponse,
    RotateTokenRequest, RotateTokenResponse, UpdateLeaseRequest,
};
use jumpstarter_proto::names::Kind;
use jumpstarter_proto::selector::Selector;
use prost_types::Timestamp;
use tonic::{Request, Response, Status};

use super::paging::Paging;
use super::{Services, errors, named, not_found, parent, selectors, wire};
use crate::identity::Caller;
use crate::lab::{By, LeaseQuery, LeaseUpdate, NewLease};
use crate::model::{self, Client, Time, Wish, validate};
use crate::schedule::{QueuePosition, Waiting};

/// Implements the service.
#[derive(Clone, Debug)]
pub struct ClientApi {
    services: Services,
}

// === impl ClientApi ===

impl ClientApi {
    /// The fields of a lease that can be changed.
    pub const CHANGES: [&str; 4] = ["begin_time", "client", "duration", "end_time"];

    pub fn new(services: Services) -> Self {
        Self { services }
    }

    /// Authenticates the caller, and checks that the namespace is its own.
    async fn caller<T>(
        &self,
        request: &Request<T>,
        namespace: &str,
    ) -> Result<Caller<Client>, Status> {
        let caller = self.services.client(request).await?;
        caller.in_namespace(namespace)?;
        Ok(caller)
    }

    fn lease(&self, lease: &model::Lease) -> Lease {
        let waits = self.services.lab().queue_position(lease);
        self.shown(lease, waits.as_ref())
    }

    fn shown(&self, lease: &model::Lease, waits: Option<&(Waiting, QueuePosition)>) -> Lease {
        wire::lease(lease, waits, &self.services.settings().labels, Time::now())
    }
}

#[tonic::async_trait]
impl ClientService for ClientApi {
    async fn get_exporter(
        &self,
        request: Request<GetExporterRequest>,
    ) -> Result<Response<Exporter>, Status> {
        let key = named(Kind::Exporter, &request.get_ref().name)?;
        self.caller(&request, &key.namespace).await?;
        let exporter = self.services.lab().exporter(&key);
        let exporter = exporter.ok_or_else(|| not_found("exporters", &key.name))?;
        let all = request.get_ref().show_hidden_labels;
        let settings = self.services.settings();
        let exporter = wire::exporter(&exporter, &settings.labels, all);
        Ok(Response::new(exporter))
    }

    async fn list_exporters(
        &self,
        request: Request<ListExportersRequest>,
    ) -> Result<Response<ListExportersResponse>, Status> {
        let namespace = parent(&request.get_ref().parent)?;
        self.caller(&request, &namespace).await?;
        let ListExportersRequest {
            page_size,
            page_token,
            filter,
            show_hidden_labels,
            ..
        } = request.into_inner();
        let labels = selectors::filter(&filter)?;
        let paging = Paging::of(page_size, &page_token, ("exporters", &namespace, &labels))?;
        let mut found = self
            .services
            .lab()
            .exporters(&namespace, &labels, &paging.page());
        let next_page_token = paging.cut(&mut found, |exporter| &exporter.key.name);
        let settings = self.services.settings();
        let rules = &settings.labels;
        let exporters = found.iter();
        Ok(Response::new(ListExportersResponse {
            exporters: exporters
                .map(|exporter| wire::exporter(exporter, rules, show_hidden_labels))
                .collect(),
            next_page_token,
        }))
    }

    async fn get_lease(
        &self,
        request: Request<GetLeaseRequest>,
    ) -> Result<Response<Lease>, Status> {
        let key = named(Kind::Lease, &request.get_ref().name)?;
        self.caller(&request, &key.namespace).await?;
        let lease = self.services.lab().lease(&key).await?;
        let lease = lease.ok_or_else(|| not_found("leases", &key.name))?;
        Ok(Response::new(self.lease(&lease)))
    }

    async fn list_leases(
        &self,
        request: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        let namespace = parent(&request.get_ref().parent)?;
        self.caller(&request, &namespace).await?;
        let ListLeasesRequest {
            page_size,
            page_token,
            filter,
            only_active,
            tag_filter,
            ..
        } = request.into_inner();
        let ended = only_active == Some(false);
        let labels = selectors::filter(&filter)?;
        let tags = selectors::tags(&tag_filter)?;
        let all = labels.requirements().iter().chain(tags.requirements());
        let labels = Selector::new(all.cloned());
        let question = ("leases", &namespace, &labels, ended);
        let paging = Paging::of(page_size, &page_token, question)?;
        let query = LeaseQuery {
            namespace: namespace.clone(),
            labels: labels.clone(),
            ended,
            page: paging.page(),
        };
        let mut found = self.services.lab().leases(query).await?;
        let next_page_token = paging.cut(&mut found, |lease| &lease.key.name);
        let positions = self.services.lab().queue_positions(&found).await;
        Ok(Response::new(ListLeasesResponse {
            leases: found
                .iter()
                .map(|lease| self.shown(lease, positions.get(&lease.uid)))
                .collect(),
            next_page_token,
        }))
    }

    async fn create_lease(
        &self,
        request: Request<CreateLeaseRequest>,
    ) -> Result<Response<Lease>, Status> {
        let namespace = parent(&request.get_ref().parent)?;
        let owner = self.caller(&request, &namespace).await?.object;
        let CreateLeaseRequest {
            lease_id, lease, ..
        } = request.into_inner();
        let lease = lease.ok_or_else(|| Status::invalid_argument("lease is required"))?;
        let selector = selectors::wanted(&lease.selector)?;
        let pinned = lease.exporter_name.filter(|name| !name.is_empty());
        if selector.is_empty() && pinned.is_none() {
            return Err(Status::invalid_argument(
                "one of selector or exporter_name is required",
            ));
        }
        if let Some(name) = &pinned {
            validate::name("exporters", name).map_err(errors::invalid)?;
        }
        let created = self
            .services
            .lab()
            .create_lease(NewLease {
                namespace,
                name: Some(lease_id).filter(|id| !id.is_empty()),
                owner: owner.key.name.clone(),
                selector,
                pinned,
                allow_disabled: lease.allow_disabled,
                wish: Wish {
                    begin: wire::time("begin_time", lease.begin_time)?,
                    end: wire::time("end_time", lease.end_time)?,
                    duration: wire::length(lease.duration)?,
                },
                tags: lease.tags.into_iter().collect(),
                context: lease.context.into_iter().collect(),
                most_tags: self.services.settings().most_tags,
            })
            .await?;
        Ok(Response::new(self.lease(&created)))
    }

    async fn update_lease(
        &self,
        request: Request<UpdateLeaseRequest>,
    ) -> Result<Response<Lease>, Status> {
        let lease = request.get_ref().lease.clone();
        let lease = lease.ok_or_else(|| Status::invalid_argument("lease is required"))?;
        let key = named(Kind::Lease, &lease.name)?;
        let caller = self.caller(&request, &key.namespace).await?.object;
        let mask = request.into_inner().update_mask.unwrap_or_default().paths;
        let strange = |path: &&String| *path != "*" && !Self::CHANGES.contains(&path.as_str());
        if let Some(path) = mask.iter().find(strange) {
            return Err(Status::invalid_argument(format!(
                "invalid update_mask: there is no `{path}` to be changed; `begin_time`, `client`, \
                 `duration` and `end_time` are"
            )));
        }
        // Without a mask, the fields that are set are meant.
        let meant =
            |field: &str| mask.is_empty() || mask.iter().any(|path| path == field || path == "*");
        let owner = lease
            .client
            .filter(|client| !client.is_empty() && meant("client"));
        let owner = match owner {
            Some(client) => {
                let to = named(Kind::Client, &client)?;
                if to.namespace != key.namespace {
                    return Err(errors::invalid(
                        "cannot transfer lease to client in different namespace",
                    ));
                }
                // A lease that is sent back as it came is not handed over.
                Some(to.name).filter(|name| *name != caller.key.name)
            }
            None => None,
        };
        let update = LeaseUpdate {
            duration: wire::length(lease.duration.filter(|_| meant("duration")))?,
            begin: wire::time(
                "begin_time",
                lease.begin_time.filter(|_| meant("begin_time")),
            )?,
            end: wire::time("end_time", lease.end_time.filter(|_| meant("end_time")))?,
            owner,
        };
        let by = Some(caller.key.name.clone());
        let updated = self.services.lab().update_lease(key, by, update).await?;
        Ok(Response::new(self.lease(&updated)))
    }

    async fn delete_lease(
        &self,
        request: Request<DeleteLeaseRequest>,
    ) -> Result<Response<()>, Status> {
        let key = named(Kind::Lease, &request.get_ref().name)?;
        let caller = self.caller(&request, &key.namespace).await?.object;
        let by = By::Client(caller.key.name.clone());
        self.services.lab().delete_lease(key, by).await?;
        Ok(Response::new(()))
    }

    async fn rotate_token(
        &self,
        request: Request<RotateTokenRequest>,
    ) -> Result<Response<RotateTokenResponse>, Status> {
        let namespace = parent(&request.get_ref().parent)?;
        let caller = self.caller(&request, &namespace).await?.object;
        let settings = self.services.settings();
        let issued = self
            .services
            .inner
            .tokens
            .for_client(&caller, settings.token_lifetime);
        let (token, credential) = issued.map_err(|error| {
            tracing::error!(%error, "no token for a client");
            Status::internal("failed to sign token")
        })?;
        let expiry = Timestamp::from(credential.expires);
        let actor = format!("client:{}", caller.key);
        let grace = Some(settings.rotation_grace);
        let kept =
            self.services
                .lab()
                .keep_credential(credential, caller.key.clone(), grace, &actor);
        kept.await?;
        Ok(Response::new(RotateTokenResponse {
            token: token.expose().clone(),
            expiry: Some(expiry),
        }))
    }
}
