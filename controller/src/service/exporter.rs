//! What exporters say of themselves.

use jumpstarter_proto::v1::{
    AuditStreamRequest, ExporterStatus, GetServiceEndpointsRequest, GetServiceEndpointsResponse,
    RegisterRequest, RegisterResponse, ReportStatusRequest, ReportStatusResponse,
    UnregisterRequest, UnregisterResponse,
};
use tonic::{Request, Status, Streaming};

use super::Services;
use super::brief::cut;
use crate::model::{Device, Reported};

/// What an exporter says of itself is shown with all others, in pages that have to fit.
const LONGEST_WORDS: usize = 4096;
/// So many labels it may tell.
const MOST_LABELS: usize = 64;

// === impl Services ===

impl Services {
    pub(super) async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<RegisterResponse, Status> {
        let exporter = self.exporter(&request).await?.object;
        let RegisterRequest { labels, reports } = request.into_inner();
        let devices = reports.into_iter().map(|report| Device {
            uuid: report.uuid,
            parent: report.parent_uuid,
            labels: report.labels.into_iter().collect(),
        });
        if labels.len() > MOST_LABELS {
            return Err(Status::invalid_argument(format!(
                "too many labels: {} (maximum {MOST_LABELS})",
                labels.len()
            )));
        }
        let labels = labels.into_iter().collect();
        self.lab()
            .register(exporter.uid, labels, devices.collect())
            .await?;
        Ok(RegisterResponse {
            uuid: exporter.uid.to_string(),
        })
    }

    pub(super) async fn unregister(
        &self,
        request: Request<UnregisterRequest>,
    ) -> Result<UnregisterResponse, Status> {
        let exporter = self.exporter(&request).await?.object;
        let reason = shown(request.into_inner().reason);
        self.lab().unregister(exporter.uid, reason).await?;
        Ok(UnregisterResponse {})
    }

    pub(super) async fn report_status(
        &self,
        request: Request<ReportStatusRequest>,
    ) -> Result<ReportStatusResponse, Status> {
        let exporter = self.exporter(&request).await?.object;
        let request = request.into_inner();
        let reported = Reported {
            // A number of a newer exporter is as good as none.
            status: ExporterStatus::try_from(request.status).unwrap_or_default(),
            message: shown(request.message.unwrap_or_default()),
        };
        let release = request.release_lease.unwrap_or_default();
        self.lab().report(exporter.uid, reported, release).await?;
        Ok(ReportStatusResponse {})
    }

    pub(super) async fn service_endpoints(
        &self,
        request: Request<GetServiceEndpointsRequest>,
    ) -> Result<GetServiceEndpointsResponse, Status> {
        self.exporter(&request).await?;
        Ok(GetServiceEndpointsResponse {
            telemetry_endpoints: self.settings().telemetry.clone().into_iter().collect(),
        })
    }

    /// What exporters used to tell about their drivers; it becomes log lines.
    pub(super) async fn audit_stream(
        &self,
        request: Request<Streaming<AuditStreamRequest>>,
    ) -> Result<(), Status> {
        let exporter = self.exporter(&request).await?.object;
        let mut entries = request.into_inner();
        while let Some(entry) = entries.message().await? {
            tracing::info!(
                exporter = %exporter.key.name,
                driver = %entry.driver_instance_uuid,
                severity = %entry.severity,
                "{}",
                entry.message
            );
        }
        Ok(())
    }
}

/// No more words than can be shown.
fn shown(words: String) -> String {
    if words.len() > LONGEST_WORDS {
        return format!("{}...", cut(&words, LONGEST_WORDS));
    }
    words
}
