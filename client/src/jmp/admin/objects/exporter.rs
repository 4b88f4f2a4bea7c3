//! Exporters, and their devices.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::age::age;
use super::super::views::{Exporter, Labels};
use super::Object;
use crate::config::API_VERSION;
use crate::ui::Table;

// === impl Object ===

impl Object for Exporter {
    const KIND: &'static str = "Exporter";

    fn resource_name(&self) -> String {
        format!("exporter.jumpstarter.dev/{}", self.meta.name)
    }

    fn json(&self) -> Value {
        let mut spec = self.meta.spec();
        if !self.enabled {
            spec.insert("enabled".to_owned(), json!(false));
        }
        let devices = self.devices.iter();
        let devices = devices.map(|it| json!({"labels": it.labels, "uuid": it.uuid}));
        json!({
            "apiVersion": API_VERSION,
            "kind": Self::KIND,
            "metadata": self.meta.metadata(),
            "spec": spec,
            "status": {
                "credential": {"name": format!("{}-exporter", self.meta.name)},
                "devices": devices.collect::<Vec<_>>(),
                "endpoint": self.meta.endpoint,
                "exporterStatus": self.status,
                "statusMessage": self.status_message,
            },
        })
    }

    fn table() -> Table {
        Table::new(["NAME", "STATUS", "ENDPOINT", "DEVICES", "AGE"])
    }

    fn row(&self, table: &mut Table, now: Timestamp) {
        table.row(vec![
            self.meta.name.clone(),
            self.status().to_owned(),
            self.meta.endpoint.clone(),
            self.devices.len().to_string(),
            age(&self.meta.created, now),
        ]);
    }
}

// === impl Exporter ===

impl Exporter {
    fn status(&self) -> &str {
        self.status.as_deref().unwrap_or("Unknown")
    }

    /// A row for each device.
    pub(in crate::jmp::admin) fn devices(exporters: &[Self]) -> Table {
        let headers = ["NAME", "STATUS", "ENDPOINT", "AGE", "LABELS", "UUID"];
        let mut table = Table::new(headers).keep_whole("NAME");
        let now = Timestamp::now();
        for exporter in exporters {
            for device in &exporter.devices {
                table.row(vec![
                    exporter.meta.name.clone(),
                    exporter.status().to_owned(),
                    exporter.meta.endpoint.clone(),
                    age(&exporter.meta.created, now),
                    pairs(&device.labels),
                    device.uuid.clone(),
                ]);
            }
        }
        table
    }
}

fn pairs(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}:{value}"))
        .collect();
    pairs.join(",")
}
