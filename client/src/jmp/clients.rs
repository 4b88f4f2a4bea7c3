//! The calls of a client, with every page fetched and every trouble as a failure to show.

use jumpstarter_proto::client_v1::{
    CreateLeaseRequest, DeleteLeaseRequest, Exporter, Lease, ListExportersRequest,
    ListLeasesRequest, RotateTokenRequest, RotateTokenResponse, UpdateLeaseRequest,
};
use jumpstarter_proto::names::{self, Kind, Name};

use crate::config::ClientConfig;
use crate::controller::Controller;
use crate::lease;
use crate::ui::{Failure, sentence};

/// The controller, as one client sees it.
#[derive(Debug)]
pub(super) struct Clients {
    controller: Controller,
    namespace: String,
    client: String,
}

/// Which leases to list.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    /// Labels, in the controller's language.
    pub(super) filter: &'a str,
    pub(super) tag_filter: &'a str,
    pub(super) only_active: bool,
    pub(super) page_size: i32,
}

// === impl Clients ===

impl Clients {
    /// Prepares the way to the client's controller.
    pub(super) fn new(config: &ClientConfig) -> Result<Self, Failure> {
        let controller = config
            .controller()
            .map_err(|error| Failure::Error(error.to_string()))?;
        let controller = controller.ok_or_else(|| {
            Failure::Error("endpoint or token not set in client config".to_owned())
        })?;
        Ok(Self {
            controller,
            namespace: config.namespace.clone().unwrap_or_default(),
            client: config.name.clone(),
        })
    }

    pub(super) async fn exporters(
        &self,
        filter: &str,
        show_hidden_labels: bool,
        page_size: i32,
    ) -> Result<Vec<Exporter>, Failure> {
        let mut client = self.controller.clients();
        let mut all = Vec::new();
        let mut request = ListExportersRequest {
            parent: names::parent(&self.namespace),
            page_size,
            page_token: String::new(),
            filter: filter.to_owned(),
            show_hidden_labels,
        };
        loop {
            let page = client.list_exporters(request.clone()).await;
            let page = page
                .map_err(|status| sentence::refused(&status))?
                .into_inner();
            all.extend(page.exporters);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    pub(super) async fn leases(&self, listing: Listing<'_>) -> Result<Vec<Lease>, Failure> {
        let mut client = self.controller.clients();
        let mut all = Vec::new();
        let mut request = ListLeasesRequest {
            parent: names::parent(&self.namespace),
            page_size: listing.page_size,
            page_token: String::new(),
            filter: listing.filter.to_owned(),
            only_active: Some(listing.only_active),
            tag_filter: listing.tag_filter.to_owned(),
        };
        loop {
            let page = client.list_leases(request.clone()).await;
            let page = page
                .map_err(|status| sentence::refused(&status))?
                .into_inner();
            all.extend(page.leases);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    pub(super) async fn create_lease(&self, wanted: Lease, id: &str) -> Result<Lease, Failure> {
        let request = CreateLeaseRequest {
            parent: names::parent(&self.namespace),
            lease_id: id.to_owned(),
            lease: Some(wanted),
        };
        let created = lease::create(&self.controller, &self.client, request).await;
        created.map_err(|error| sentence::unasked(&error))
    }

    /// Changes the fields of `lease` called `paths`.
    pub(super) async fn update_lease(
        &self,
        name: &str,
        lease: Lease,
        paths: Vec<String>,
    ) -> Result<Lease, Failure> {
        let request = UpdateLeaseRequest {
            lease: Some(Lease {
                name: self.name(Kind::Lease, name),
                ..lease
            }),
            update_mask: Some(prost_types::FieldMask { paths }),
        };
        let updated = self.controller.clients().update_lease(request).await;
        Ok(updated
            .map_err(|status| sentence::refused(&status))?
            .into_inner())
    }

    pub(super) async fn delete_lease(&self, name: &str) -> Result<(), Failure> {
        let request = DeleteLeaseRequest {
            name: self.name(Kind::Lease, name),
        };
        let deleted = self.controller.clients().delete_lease(request).await;
        deleted.map_err(|status| sentence::refused(&status))?;
        Ok(())
    }

    pub(super) async fn rotate_token(&self) -> Result<RotateTokenResponse, Failure> {
        let request = RotateTokenRequest {
            parent: names::parent(&self.namespace),
        };
        let rotated = self.controller.clients().rotate_token(request).await;
        Ok(rotated
            .map_err(|status| sentence::refused(&status))?
            .into_inner())
    }

    /// The full name of something in the client's namespace.
    pub(super) fn name(&self, kind: Kind, name: &str) -> String {
        Name::new(kind, &self.namespace, name).to_string()
    }
}
