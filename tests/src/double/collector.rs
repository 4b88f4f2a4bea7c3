//! `TelemetryService`, on the controller's own port: takes the log of the exporter.

use std::sync::Arc;

use jumpstarter_proto::v1::{
    PushLogsRequest, PushLogsResponse, telemetry_service_server::TelemetryService,
};
use tonic::{Request, Response, Status};

use super::{caller, world::World};

pub(super) struct Collector {
    pub(super) world: Arc<World>,
}

// === impl Collector ===

#[tonic::async_trait]
impl TelemetryService for Collector {
    /// What was pushed is in the journal already.
    async fn push_logs(
        &self,
        request: Request<PushLogsRequest>,
    ) -> Result<Response<PushLogsResponse>, Status> {
        let token = self.world.look(|state| state.exporter_token.clone());
        if caller::bearer(&request)? != token {
            return Err(Status::unauthenticated("invalid token"));
        }
        let accepted = u32::try_from(request.into_inner().entries.len()).unwrap_or(u32::MAX);
        Ok(Response::new(PushLogsResponse {
            accepted,
            dropped: 0,
        }))
    }
}
