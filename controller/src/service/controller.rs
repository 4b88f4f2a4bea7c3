//! `jumpstarter.v1.ControllerService`; the methods are in the other files of this module.

use std::pin::Pin;

use futures_util::Stream;
use jumpstarter_proto::v1::controller_service_server::ControllerService;
use jumpstarter_proto::v1::{
    AuditStreamRequest, DialRequest, DialResponse, GetLeaseRequest, GetLeaseResponse,
    GetServiceEndpointsRequest, GetServiceEndpointsResponse, ListLeasesRequest, ListLeasesResponse,
    ListenRequest, ListenResponse, RegisterRequest, RegisterResponse, ReleaseLeaseRequest,
    ReleaseLeaseResponse, ReportStatusRequest, ReportStatusResponse, RequestLeaseRequest,
    RequestLeaseResponse, StatusRequest, StatusResponse, UnregisterRequest, UnregisterResponse,
};
use tonic::{Request, Response, Status, Streaming};

use super::Services;

/// Implements the service.
#[derive(Clone, Debug)]
pub struct ControllerApi {
    pub(super) services: Services,
}

/// The responses of a streaming method.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

// === impl ControllerApi ===

impl ControllerApi {
    pub fn new(services: Services) -> Self {
        Self { services }
    }
}

#[tonic::async_trait]
impl ControllerService for ControllerApi {
    type ListenStream = Answers<ListenResponse>;
    type StatusStream = Answers<StatusResponse>;

    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        self.services.register(request).await.map(Response::new)
    }

    async fn unregister(
        &self,
        request: Request<UnregisterRequest>,
    ) -> Result<Response<UnregisterResponse>, Status> {
        self.services.unregister(request).await.map(Response::new)
    }

    async fn report_status(
        &self,
        request: Request<ReportStatusRequest>,
    ) -> Result<Response<ReportStatusResponse>, Status> {
        self.services
            .report_status(request)
            .await
            .map(Response::new)
    }

    async fn listen(
        &self,
        request: Request<ListenRequest>,
    ) -> Result<Response<Self::ListenStream>, Status> {
        self.services.listen(request).await.map(Response::new)
    }

    async fn status(
        &self,
        request: Request<StatusRequest>,
    ) -> Result<Response<Self::StatusStream>, Status> {
        self.services.status(request).await.map(Response::new)
    }

    async fn dial(&self, request: Request<DialRequest>) -> Result<Response<DialResponse>, Status> {
        self.services.dial(request).await.map(Response::new)
    }

    async fn audit_stream(
        &self,
        request: Request<Streaming<AuditStreamRequest>>,
    ) -> Result<Response<()>, Status> {
        self.services.audit_stream(request).await.map(Response::new)
    }

    async fn get_lease(
        &self,
        request: Request<GetLeaseRequest>,
    ) -> Result<Response<GetLeaseResponse>, Status> {
        self.services
            .legacy_get_lease(request)
            .await
            .map(Response::new)
    }

    async fn request_lease(
        &self,
        request: Request<RequestLeaseRequest>,
    ) -> Result<Response<RequestLeaseResponse>, Status> {
        self.services
            .request_lease(request)
            .await
            .map(Response::new)
    }

    async fn release_lease(
        &self,
        request: Request<ReleaseLeaseRequest>,
    ) -> Result<Response<ReleaseLeaseResponse>, Status> {
        self.services
            .release_lease(request)
            .await
            .map(Response::new)
    }

    async fn list_leases(
        &self,
        request: Request<ListLeasesRequest>,
    ) -> Result<Response<ListLeasesResponse>, Status> {
        self.services
            .legacy_list_leases(request)
            .await
            .map(Response::new)
    }

    async fn get_service_endpoints(
        &self,
        request: Request<GetServiceEndpointsRequest>,
    ) -> Result<Response<GetServiceEndpointsResponse>, Status> {
        self.services
            .service_endpoints(request)
            .await
            .map(Response::new)
    }
}
