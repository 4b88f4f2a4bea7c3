//! Exporters, as tables and as data.

use jumpstarter_proto::client_v1::Exporter;
use jumpstarter_proto::names::{Kind, Name};
use jumpstarter_proto::v1::ExporterStatus;
use serde_json::{Map, Value, json};

use super::{Shown, clock, object, pairs};
use crate::ui::{Failure, Resource, Table};

/// What is shown besides name and labels.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::jmp) struct Columns {
    pub(in crate::jmp) enabled: bool,
    pub(in crate::jmp) online: bool,
    pub(in crate::jmp) status: bool,
    pub(in crate::jmp) leases: bool,
}

/// Exporters, and the leases that hold them.
#[derive(Debug)]
pub(in crate::jmp) struct Exporters {
    all: Vec<(Name, Exporter)>,
    leases: Vec<Shown>,
    columns: Columns,
}

// === impl Exporters ===

impl Exporters {
    pub(in crate::jmp) fn new(
        exporters: Vec<Exporter>,
        leases: Vec<Shown>,
        columns: Columns,
    ) -> Result<Self, Failure> {
        let named = exporters.into_iter().map(|exporter| {
            let name = Name::parse(Kind::Exporter, &exporter.name).map_err(|error| {
                let what = "the controller sent an exporter without a proper name";
                Failure::Error(format!("{what}: {error}"))
            })?;
            Ok((name, exporter))
        });
        Ok(Self {
            all: named.collect::<Result<_, Failure>>()?,
            leases,
            columns,
        })
    }

    /// With their short names, also those that are not shown.
    pub(in crate::jmp) fn all(&self) -> impl Iterator<Item = (&str, &Exporter)> {
        self.all
            .iter()
            .map(|(name, exporter)| (name.name.as_str(), exporter))
    }

    /// Disabled exporters are nobody's concern who did not ask for them.
    fn shown(&self) -> impl Iterator<Item = (&Name, &Exporter)> {
        let all = self.columns.enabled;
        let shown = self.all.iter().filter(move |(_, it)| all || is_enabled(it));
        shown.map(|(name, exporter)| (name, exporter))
    }

    fn lease(&self, exporter: &str) -> Option<&Shown> {
        self.leases.iter().find(|lease| lease.holds(exporter))
    }
}

fn is_enabled(exporter: &Exporter) -> bool {
    exporter.enabled.unwrap_or(true)
}

#[allow(deprecated, reason = "older controllers say only this")]
fn is_online(exporter: &Exporter) -> bool {
    exporter.online
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

/// `LEASE_READY`, `UNKNOWN`.
fn status(exporter: &Exporter) -> String {
    let name = match exporter.status() {
        ExporterStatus::Unspecified => return "UNKNOWN".to_owned(),
        known => known.as_str_name(),
    };
    name.strip_prefix("EXPORTER_STATUS_")
        .unwrap_or(name)
        .to_owned()
}

impl Resource for Exporters {
    fn json(&self) -> Value {
        let exporters = self.shown().map(|(name, exporter)| {
            let mut out = Map::new();
            let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
            put("namespace", json!(name.namespace));
            put("name", json!(name.name));
            put("labels", object(&exporter.labels));
            if self.columns.online {
                put("online", json!(is_online(exporter)));
            }
            if self.columns.status {
                let known = (exporter.status != 0).then_some(exporter.status);
                put("status", json!(known));
            }
            if self.columns.enabled {
                put("enabled", json!(is_enabled(exporter)));
            }
            if self.columns.leases {
                put(
                    "lease",
                    self.lease(&name.name).map_or(Value::Null, Shown::json),
                );
            }
            put("deprecated_labels", object(&exporter.deprecated_labels));
            Value::Object(out)
        });
        json!({ "exporters": exporters.collect::<Vec<_>>() })
    }

    fn names(&self) -> Vec<String> {
        self.shown().map(|(name, _)| name.name.clone()).collect()
    }

    fn table(&self) -> Table {
        let columns = self.columns;
        let headers = [
            ("NAME", true),
            ("ENABLED", columns.enabled),
            ("ONLINE", columns.online),
            ("STATUS", columns.status),
            ("LABELS", true),
            ("LEASED BY", columns.leases),
            ("LEASE STATUS", columns.leases),
            ("RELEASE TIME", columns.leases),
        ];
        let shown = headers.iter().filter(|(_, shown)| *shown);
        let mut table = Table::new(shown.map(|(header, _)| *header));
        for (name, exporter) in self.shown() {
            let lease = self.lease(&name.name);
            let (by, state, release) = match lease {
                None => (String::new(), "Available".to_owned(), String::new()),
                Some(lease) => (
                    lease.client.clone(),
                    lease.state(),
                    lease.end().map(clock::local).unwrap_or_default(),
                ),
            };
            let cells = [
                name.name.clone(),
                yes(is_enabled(exporter)),
                yes(is_online(exporter)),
                status(exporter),
                pairs(&exporter.labels),
                by,
                state,
                release,
            ];
            let cells = cells
                .into_iter()
                .zip(&headers)
                .filter(|(_, (_, shown))| *shown);
            table.row(cells.map(|(cell, _)| cell).collect());
        }
        table
    }
}
