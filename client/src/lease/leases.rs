//! Leases of one client at a controller.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jumpstarter_proto::client_v1::{self, DeleteLeaseRequest, GetLeaseRequest, ListLeasesRequest};
use jumpstarter_proto::client_v1::{GetExporterRequest, UpdateLeaseRequest};
use jumpstarter_proto::names::{self, Kind, Name};
use prost_types::FieldMask;

use super::{AskError, Held, Lease, Request, TakeError};
use super::{answer, create, release};
use crate::controller::Controller;

/// How many leases are listed at a time.
const PAGE: i32 = 100;

/// One client's leases; cheap to clone.
///
/// Clones share a controller, and the token to which it was last [renewed](Self::renew).
#[derive(Debug, Clone)]
pub struct Leases(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    controller: RwLock<Controller>,
    namespace: String,
    client: String,
}

/// A lease that was asked for, until the answer is there.
struct Asking<'a> {
    leases: &'a Leases,
    request: Option<&'a Request>,
}

// === impl Leases ===

impl Leases {
    /// The leases of `client` in `namespace`, for whom `controller` is prepared.
    pub fn new(
        controller: Controller,
        namespace: impl Into<String>,
        client: impl Into<String>,
    ) -> Self {
        Self(Arc::new(Inner {
            controller: RwLock::new(controller),
            namespace: namespace.into(),
            client: client.into(),
        }))
    }

    /// The controller that is asked now.
    pub fn controller(&self) -> Controller {
        let controller = self.0.controller.read();
        controller.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks this one from now on: the same controller, with another token.
    pub fn renew(&self, controller: Controller) {
        let mut place = self.0.controller.write();
        *place
            .as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut()) = controller;
    }

    /// Whose leases these are.
    pub fn client(&self) -> &str {
        &self.0.client
    }

    /// Asks for a lease, and does no more: nobody gives it back but [`delete`](Self::delete).
    ///
    /// An answer that gets lost is asked for again, for half a minute.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it.
    pub async fn create(&self, request: &Request) -> Result<Lease, AskError> {
        self.create_at(&self.controller(), request).await
    }

    /// The same over another connection.
    pub(super) async fn create_at(
        &self,
        controller: &Controller,
        request: &Request,
    ) -> Result<Lease, AskError> {
        let request = request.to_wire(&self.0.namespace);
        let lease = create::create(controller, self.client(), request).await?;
        Ok(lease.try_into()?)
    }

    /// Asks for a lease that is given back when the result goes away.
    ///
    /// Whoever stops waiting for the answer has no lease: one that the controller was about to give is
    /// given back.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it.
    pub async fn hold(&self, mut request: Request) -> Result<Held, AskError> {
        // Known before there is an answer, so that there is something to give back if none comes.
        request.lease_id.get_or_insert_with(create::fresh_name);
        let asking = Asking {
            leases: self,
            request: Some(&request),
        };
        let asked = self.create(&request).await;
        asking.answered();
        Ok(Held::created(self.clone(), request, asked?))
    }

    /// Uses a lease that exists; it will not be given back.
    ///
    /// # Errors
    ///
    /// When it is over, or somebody else's, or the controller does not know it.
    pub async fn take(&self, name: &str) -> Result<Held, TakeError> {
        let lease = self.get(name).await?;
        if lease.ended.is_some() {
            return Err(TakeError::Ended(lease.name));
        }
        if !self.0.client.is_empty() && lease.client != self.0.client {
            return Err(TakeError::NotOurs {
                lease: lease.name,
                owner: lease.client,
                client: self.0.client.clone(),
            });
        }
        Ok(Held::taken(self.clone(), lease))
    }

    /// A lease, by its short name.
    ///
    /// # Errors
    ///
    /// Why the controller does not tell.
    pub async fn get(&self, name: &str) -> Result<Lease, AskError> {
        let name = self.full(Kind::Lease, name);
        let controller = self.controller();
        let asked = async {
            controller
                .clients()
                .get_lease(GetLeaseRequest { name })
                .await
        };
        Ok(answer::soon(&controller, asked).await?.try_into()?)
    }

    /// All leases of this client that have not ended.
    ///
    /// # Errors
    ///
    /// Why the controller does not tell.
    pub async fn active(&self) -> Result<Vec<Lease>, AskError> {
        let mut request = ListLeasesRequest {
            parent: names::parent(&self.0.namespace),
            page_size: PAGE,
            only_active: Some(true),
            ..ListLeasesRequest::default()
        };
        let mut found = Vec::new();
        let controller = self.controller();
        loop {
            let asked = async { controller.clients().list_leases(request.clone()).await };
            let page = answer::soon(&controller, asked).await?;
            for lease in page.leases {
                let lease = Lease::try_from(lease)?;
                if lease.client == self.0.client {
                    found.push(lease);
                }
            }
            if page.next_page_token.is_empty() {
                return Ok(found);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Makes a lease last this long, counted from its beginning.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it.
    pub async fn extend(&self, name: &str, duration: Duration) -> Result<Lease, AskError> {
        let changed = client_v1::Lease {
            duration: duration.try_into().ok(),
            ..client_v1::Lease::default()
        };
        self.update(name, changed, "duration").await
    }

    /// Hands a lease to another client of the namespace.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it.
    pub async fn transfer(&self, name: &str, client: &str) -> Result<Lease, AskError> {
        let changed = client_v1::Lease {
            client: Some(self.full(Kind::Client, client)),
            ..client_v1::Lease::default()
        };
        self.update(name, changed, "client").await
    }

    /// Gives a lease back.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it.
    pub async fn delete(&self, name: &str) -> Result<(), AskError> {
        self.delete_at(&self.controller(), name).await
    }

    /// The same over another connection.
    pub(super) async fn delete_at(
        &self,
        controller: &Controller,
        name: &str,
    ) -> Result<(), AskError> {
        let name = self.full(Kind::Lease, name);
        let request = DeleteLeaseRequest { name };
        let asked = async { controller.clients().delete_lease(request).await };
        Ok(answer::soon(controller, asked).await?)
    }

    /// The labels of an exporter.
    ///
    /// # Errors
    ///
    /// Why the controller does not tell.
    pub async fn labels(&self, exporter: &str) -> Result<HashMap<String, String>, AskError> {
        let request = GetExporterRequest {
            name: self.full(Kind::Exporter, exporter),
            ..GetExporterRequest::default()
        };
        let controller = self.controller();
        let asked = async { controller.clients().get_exporter(request).await };
        Ok(answer::soon(&controller, asked).await?.labels)
    }

    async fn update(
        &self,
        name: &str,
        changed: client_v1::Lease,
        path: &str,
    ) -> Result<Lease, AskError> {
        let request = UpdateLeaseRequest {
            lease: Some(client_v1::Lease {
                name: self.full(Kind::Lease, name),
                ..changed
            }),
            update_mask: Some(FieldMask {
                paths: vec![path.to_owned()],
            }),
        };
        let controller = self.controller();
        let asked = async { controller.clients().update_lease(request).await };
        Ok(answer::soon(&controller, asked).await?.try_into()?)
    }

    fn full(&self, kind: Kind, name: &str) -> String {
        Name::new(kind, &self.0.namespace, name).to_string()
    }
}

// === impl Asking ===

impl Asking<'_> {
    fn answered(mut self) {
        self.request = None;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if let Some(request) = self.request {
            release::unanswered(self.leases, request);
        }
    }
}
