//! The controller's side of `ClientService`.

use std::sync::{Arc, Mutex};

use jumpstarter_proto::client_v1::client_service_server::ClientService;
use jumpstarter_proto::client_v1::{
    CreateLeaseRequest, DeleteLeaseRequest, Exporter, GetExporterRequest, GetLeaseRequest, Lease,
    ListExportersRequest, ListExportersResponse, ListLeasesRequest, ListLeasesResponse,
    RotateTokenRequest, RotateTokenResponse, UpdateLeaseRequest,
};
use tonic::{Request, Response, Status, async_trait};

use super::Lab;

pub struct Service(pub Arc<Mutex<Lab>>);

type Answer<T> = Result<Response<T>, Status>;

impl Service {
    /// Notes the call and looks at who calls.
    fn enter<T>(&self, request: &Request<T>, note: String) -> Result<(), Status> {
        let header = |name: &str| {
            let value = request.metadata().get(name).map(|it| it.to_str().unwrap());
            value.unwrap_or("<none>").to_owned()
        };
        let mut lab = self.0.lock().unwrap();
        lab.calls.push(note);
        let who = [
            "jumpstarter-kind",
            "jumpstarter-namespace",
            "jumpstarter-name",
        ]
        .map(header);
        if who != ["Client", "lab", "me"] {
            return Err(Status::unauthenticated(format!("{who:?}")));
        }
        let authorization = header("authorization");
        let token = authorization.strip_prefix("Bearer ").unwrap_or_default();
        if lab.expired.iter().any(|expired| expired == token) {
            let why = "invalid token: token has invalid claims: token is expired";
            return Err(Status::unauthenticated(why));
        }
        lab.broken.clone().map_or(Ok(()), Err)
    }
}

/// A page, and the token of the next.
fn page<T: Clone>(all: &[T], size: i32, token: &str) -> (Vec<T>, String) {
    let begin: usize = token.parse().unwrap_or_default();
    let end = (begin + usize::try_from(size).unwrap()).min(all.len());
    let next = if end < all.len() {
        end.to_string()
    } else {
        String::new()
    };
    (all[begin..end].to_vec(), next)
}

#[async_trait]
impl ClientService for Service {
    async fn list_exporters(
        &self,
        request: Request<ListExportersRequest>,
    ) -> Answer<ListExportersResponse> {
        let asked = request.get_ref();
        self.enter(
            &request,
            format!(
                "ListExporters {} {} {:?} {}",
                asked.parent, asked.page_size, asked.filter, asked.show_hidden_labels
            ),
        )?;
        let lab = self.0.lock().unwrap();
        let (exporters, next_page_token) = page(&lab.exporters, asked.page_size, &asked.page_token);
        Ok(Response::new(ListExportersResponse {
            exporters,
            next_page_token,
        }))
    }

    async fn list_leases(&self, request: Request<ListLeasesRequest>) -> Answer<ListLeasesResponse> {
        let asked = request.get_ref();
        self.enter(
            &request,
            format!(
                "ListLeases {} {} {:?} {:?} {:?}",
                asked.parent, asked.page_size, asked.filter, asked.only_active, asked.tag_filter
            ),
        )?;
        let lab = self.0.lock().unwrap();
        let (leases, next_page_token) = page(&lab.leases, asked.page_size, &asked.page_token);
        Ok(Response::new(ListLeasesResponse {
            leases,
            next_page_token,
        }))
    }

    async fn create_lease(&self, request: Request<CreateLeaseRequest>) -> Answer<Lease> {
        let asked = request.get_ref();
        let mut lease = asked.lease.clone().unwrap_or_default();
        let mut context: Vec<_> = lease.context.iter().collect();
        context.sort();
        self.enter(
            &request,
            format!(
                "CreateLease {} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
                asked.parent,
                asked.lease_id,
                lease.selector,
                lease.exporter_name,
                lease.duration.map(|it| (it.seconds, it.nanos)),
                lease.begin_time.map(|it| it.seconds),
                lease.tags,
                context,
                lease.allow_disabled,
            ),
        )?;
        let mute = {
            let mut lab = self.0.lock().unwrap();
            let mute = lab.mute > 0;
            lab.mute = lab.mute.saturating_sub(1);
            mute
        };
        if mute {
            std::future::pending::<()>().await;
        }
        lease.name = "namespaces/lab/leases/new".to_owned();
        lease.client = Some("namespaces/lab/clients/me".to_owned());
        lease.exporter = Some(String::new());
        if lease.selector == "old=1" {
            lease
                .deprecated_labels
                .insert("old".into(), "use new".into());
            lease
                .deprecated_labels
                .insert("older".into(), String::new());
        }
        Ok(Response::new(lease))
    }

    async fn update_lease(&self, request: Request<UpdateLeaseRequest>) -> Answer<Lease> {
        let asked = request.get_ref();
        let mut lease = asked.lease.clone().unwrap_or_default();
        self.enter(
            &request,
            format!(
                "UpdateLease {} {:?} {:?} {:?} {:?}",
                lease.name,
                asked.update_mask.as_ref().map(|mask| mask.paths.clone()),
                lease.duration.map(|it| it.seconds),
                lease.begin_time.map(|it| it.seconds),
                lease.client,
            ),
        )?;
        lease
            .client
            .get_or_insert("namespaces/lab/clients/me".to_owned());
        Ok(Response::new(lease))
    }

    async fn delete_lease(&self, request: Request<DeleteLeaseRequest>) -> Answer<()> {
        let name = request.get_ref().name.clone();
        self.enter(&request, format!("DeleteLease {name}"))?;
        if name.ends_with("/nope") {
            return Err(Status::not_found("leases \"nope\" not found"));
        }
        Ok(Response::new(()))
    }

    async fn rotate_token(
        &self,
        request: Request<RotateTokenRequest>,
    ) -> Answer<RotateTokenResponse> {
        let parent = &request.get_ref().parent;
        self.enter(&request, format!("RotateToken {parent}"))?;
        let token = self.0.lock().unwrap().rotated.clone();
        let expiry = None;
        Ok(Response::new(RotateTokenResponse { token, expiry }))
    }

    async fn get_exporter(&self, _: Request<GetExporterRequest>) -> Answer<Exporter> {
        Err(Status::unimplemented("nobody asks for this"))
    }

    async fn get_lease(&self, _: Request<GetLeaseRequest>) -> Answer<Lease> {
        Err(Status::unimplemented("nobody asks for this"))
    }
}
