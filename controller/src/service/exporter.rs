//! What exporters call to tell about themselves: registration and status.

use jumpstarter_proto::v1::{
    AuditStreamRequest, ExporterStatus, GetServiceEndpointsRequest, GetServiceEndpointsResponse,
    RegisterRequest, RegisterResponse, ReportStatusRequest, ReportStatusResponse,
    UnregisterRequest, UnregisterResponse,
};
use tonic::{Request, Status, Streaming};

use super::Services;
use super::brief::cut;
use crate::model::{Device, Reported};

/// The longest text of a status or reason, in bytes, since lists show it.
const LONGEST_WORDS: usize = 4096;
/// Labels that an exporter may report.
const MOST_LABELS: usize = 64;
/// Devices that an exporter may report.
const MOST_DEVICES: usize = 1000;
/// Bytes that the devices of an exporter may take in all: they are kept in memory, and written as a
/// whole with every status.
const LONGEST_DEVICES: usize = 256 << 10;

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
        let devices: Vec<Device> = devices.collect();
        check(&devices)?;
        let labels = labels.into_iter().collect();
        self.lab().register(exporter.uid, labels, devices).await?;
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
            // A status of a newer exporter that we do not know is like none.
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

    /// How exporters once reported the events of their drivers; these become log lines.
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

/// Checks that devices are few and small enough to be kept.
fn check(devices: &[Device]) -> Result<(), Status> {
    let count = devices.len();
    if count > MOST_DEVICES {
        return Err(Status::invalid_argument(format!(
            "too many drivers: {count} (maximum {MOST_DEVICES})"
        )));
    }
    let length: usize = devices.iter().map(length).sum();
    if length > LONGEST_DEVICES {
        return Err(Status::invalid_argument(format!(
            "the drivers take too many bytes to tell of: {length} (maximum {LONGEST_DEVICES}); \
             shorten their labels"
        )));
    }
    Ok(())
}

fn length(device: &Device) -> usize {
    let labels = device.labels.iter();
    let labels: usize = labels.map(|(key, value)| key.len() + value.len()).sum();
    device.uuid.len() + device.parent.as_ref().map_or(0, String::len) + labels
}

/// Shortens a text to [`LONGEST_WORDS`].
fn shown(words: String) -> String {
    if words.len() > LONGEST_WORDS {
        return format!("{}...", cut(&words, LONGEST_WORDS));
    }
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::model::Labels;

    fn device(label: usize) -> Device {
        Device {
            uuid: "u".to_owned(),
            parent: Some("p".to_owned()),
            labels: Labels::from([("k".to_owned(), "v".repeat(label))]),
        }
    }

    #[test]
    fn exporters_are_not_made_of_more_than_can_be_kept() {
        check(&vec![device(1); MOST_DEVICES]).unwrap();
        let refused = check(&vec![device(1); MOST_DEVICES + 1]).unwrap_err();
        assert_eq!(refused.message(), "too many drivers: 1001 (maximum 1000)");
        check(&[device(LONGEST_DEVICES - 3)]).unwrap();
        let refused = check(&[device(LONGEST_DEVICES - 2)]).unwrap_err();
        assert_eq!(
            refused.message(),
            "the drivers take too many bytes to tell of: 262145 (maximum 262144); shorten their \
             labels"
        );
    }
}
