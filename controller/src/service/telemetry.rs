//! `jumpstarter.v1.TelemetryService`: log lines of exporters, which become lines of our log.

use jumpstarter_proto::v1::telemetry_service_server::TelemetryService;
use jumpstarter_proto::v1::{LogEntry, PushLogsRequest, PushLogsResponse};
use tonic::{Request, Response, Status};

use super::brief::cut;
use super::{Services, peer};
use crate::model::Key;

/// Entries that are taken from one call.
const MOST: usize = 500;
/// Additional fields that are taken from one entry.
const MOST_FIELDS: usize = 16;
const LONGEST_KEY: usize = 64;
const LONGEST_VALUE: usize = 256;
/// Fields that exporters may not set themselves.
const RESERVED: [&str; 10] = [
    "client",
    "component",
    "driver_type",
    "exporter",
    "lease",
    "namespace",
    "operation",
    "result",
    "severity",
    "ts",
];

/// Implements the service.
#[derive(Clone, Debug)]
pub struct TelemetryApi {
    services: Services,
}

// === impl TelemetryApi ===

impl TelemetryApi {
    pub fn new(services: Services) -> Self {
        Self { services }
    }
}

#[tonic::async_trait]
impl TelemetryService for TelemetryApi {
    async fn push_logs(
        &self,
        request: Request<PushLogsRequest>,
    ) -> Result<Response<PushLogsResponse>, Status> {
        let exporter = self
            .services
            .inner
            .authenticator
            .exporter_by_token(request.metadata().as_ref(), peer(&request))?;
        let entries = request.into_inner().entries;
        let total = entries.len();
        let mut accepted = 0;
        for entry in entries
            .into_iter()
            .take(MOST)
            .filter(|entry| is_of(entry, &exporter))
        {
            print(&entry, &exporter);
            accepted += 1;
        }
        Ok(Response::new(PushLogsResponse {
            accepted,
            dropped: u32::try_from(total)
                .unwrap_or(u32::MAX)
                .saturating_sub(accepted),
        }))
    }
}

/// Whether an entry is about the exporter that sends it.
fn is_of(entry: &LogEntry, exporter: &Key) -> bool {
    let names = |said: &str, is: &str| said.is_empty() || said == is;
    names(&entry.exporter, &exporter.name) && names(&entry.namespace, &exporter.namespace)
}

fn print(entry: &LogEntry, exporter: &Key) {
    let fields = serde_json::Value::Object(extra(entry)).to_string();
    let LogEntry {
        severity,
        message,
        lease,
        client,
        operation,
        result,
        driver_type,
        ..
    } = entry;
    tracing::info!(
        target: "exporter",
        severity,
        namespace = %exporter.namespace,
        exporter = %exporter.name,
        lease,
        client,
        operation,
        result,
        driver_type,
        fields,
        "{message}"
    );
}

fn extra(entry: &LogEntry) -> serde_json::Map<String, serde_json::Value> {
    let mut keys: Vec<&String> = entry.extra_fields.keys().collect();
    keys.retain(|key| !RESERVED.contains(&key.as_str()));
    keys.sort();
    keys.into_iter()
        .take(MOST_FIELDS)
        .map(|key| {
            let value = cut(&entry.extra_fields[key], LONGEST_VALUE);
            (cut(key, LONGEST_KEY).to_owned(), value.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exporter_speaks_for_itself() {
        let key = Key::new("lab", "a");
        let entry = |exporter: &str, namespace: &str| LogEntry {
            exporter: exporter.to_owned(),
            namespace: namespace.to_owned(),
            ..LogEntry::default()
        };
        assert!(is_of(&entry("", ""), &key) && is_of(&entry("a", "lab"), &key));
        assert!(!is_of(&entry("b", ""), &key) && !is_of(&entry("a", "other"), &key));
    }

    #[test]
    fn fields_are_few_short_and_not_ours() {
        let mut entry = LogEntry::default();
        for at in 0..30 {
            entry
                .extra_fields
                .insert(format!("k{at:02}"), "ü".repeat(200));
        }
        entry
            .extra_fields
            .insert("exporter".to_owned(), "forged".to_owned());
        entry.extra_fields.insert("a".repeat(100), String::new());
        let fields = extra(&entry);
        assert_eq!(fields.len(), MOST_FIELDS);
        assert!(!fields.contains_key("exporter"));
        assert!(fields.contains_key(&"a".repeat(LONGEST_KEY)));
        assert!(
            fields["k00"]
                .as_str()
                .is_some_and(|value| value.len() == 256)
        );
    }
}
