//! What clients before `jumpstarter.client.v1` call, and ReleaseLease, which exporters call, too.

use jumpstarter_proto::v1::{
    GetLeaseRequest, GetLeaseResponse, ListLeasesRequest, ListLeasesResponse, ReleaseLeaseRequest,
    ReleaseLeaseResponse, RequestLeaseRequest, RequestLeaseResponse,
};
use prost_types::Timestamp;
use tonic::{Code, Request, Status};

use super::{Services, errors, not_found, peer, selectors, wire};
use crate::identity::{Anyone, ConnectionState};
use crate::lab::{By, LabError, LeaseQuery, NewLease};
use crate::model::{Key, Labels, Wish};

// === impl Services ===

impl Services {
    pub(super) async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<ReleaseLeaseResponse, Status> {
        let peer = peer(&request);
        let caller = self
            .inner
            .authenticator
            .anyone(request.metadata().as_ref(), peer)
            .await?;
        if let Some(connection) = request.extensions().get::<ConnectionState>() {
            connection.mark_authenticated();
        }
        let name = request.into_inner().name;
        let (namespace, by, by_exporter) = match &caller {
            Anyone::Client(client) => {
                let key = &client.object.key;
                (&key.namespace, By::Client(key.name.clone()), false)
            }
            Anyone::Exporter(exporter) => {
                let key = &exporter.object.key;
                let by = By::Exporter {
                    uid: exporter.object.uid,
                    name: key.name.clone(),
                };
                (&key.namespace, by, true)
            }
        };
        match self
            .lab()
            .release_lease(Key::new(namespace, &name), by)
            .await
        {
            Ok(()) => Ok(ReleaseLeaseResponse {}),
            Err(LabError::NotFound { .. }) if by_exporter => {
                Err(Status::not_found(format!("lease {name} not found")))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn legacy_get_lease(
        &self,
        request: Request<GetLeaseRequest>,
    ) -> Result<GetLeaseResponse, Status> {
        let client = self.client(&request).await?.object;
        let name = request.into_inner().name;
        let key = Key::new(&client.key.namespace, &name);
        let lease = self.lab().lease(&key).await?;
        let lease = lease.ok_or_else(|| not_found("leases", &name))?;
        if lease.owner != client.key.name {
            let denied = "GetLease permission denied";
            return Err(errors::unknown(Code::PermissionDenied, denied));
        }
        let waits = self.lab().queue_position(&lease);
        let conditions = lease.conditions.iter();
        Ok(GetLeaseResponse {
            duration: lease.duration.map(wire::duration),
            selector: Some(selectors::to_message(&lease.selector)),
            begin_time: lease.began.map(Timestamp::from),
            end_time: lease.ended.or(lease.end()).map(Timestamp::from),
            exporter_uuid: lease
                .exporter
                .as_ref()
                .map(|exporter| exporter.uid.to_string()),
            conditions: conditions
                .map(|condition| wire::condition(condition, waits.as_ref()))
                .collect(),
        })
    }

    pub(super) async fn request_lease(
        &self,
        request: Request<RequestLeaseRequest>,
    ) -> Result<RequestLeaseResponse, Status> {
        let client = self.client(&request).await?.object;
        let request = request.into_inner();
        let lease = self
            .lab()
            .create_lease(NewLease {
                namespace: client.key.namespace.clone(),
                name: None,
                owner: client.key.name.clone(),
                selector: selectors::of_message(request.selector.unwrap_or_default())?,
                pinned: None,
                allow_disabled: false,
                wish: Wish {
                    duration: wire::length(request.duration)?,
                    ..Wish::default()
                },
                tags: Labels::new(),
                context: Labels::new(),
                most_tags: self.settings().most_tags,
            })
            .await?;
        Ok(RequestLeaseResponse {
            name: lease.key.name.clone(),
        })
    }

    pub(super) async fn legacy_list_leases(
        &self,
        request: Request<ListLeasesRequest>,
    ) -> Result<ListLeasesResponse, Status> {
        let client = self.client(&request).await?.object;
        let query = LeaseQuery {
            namespace: client.key.namespace.clone(),
            ..LeaseQuery::default()
        };
        let leases = self.lab().leases(query).await?;
        let own = leases.iter().filter(|lease| lease.owner == client.key.name);
        Ok(ListLeasesResponse {
            names: own.map(|lease| lease.key.name.clone()).collect(),
        })
    }
}
