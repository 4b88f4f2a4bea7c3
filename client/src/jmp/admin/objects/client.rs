//! Clients.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::views::Client;
use super::Object;
use crate::config::API_VERSION;
use crate::ui::Table;

// === impl Object ===

impl Object for Client {
    const KIND: &'static str = "Client";

    fn resource_name(&self) -> String {
        format!("client.jumpstarter.dev/{}", self.meta.name)
    }

    fn json(&self) -> Value {
        json!({
            "apiVersion": API_VERSION,
            "kind": Self::KIND,
            "metadata": self.meta.metadata(),
            "spec": self.meta.spec(),
            "status": {
                "credential": {"name": format!("{}-client", self.meta.name)},
                "endpoint": self.meta.endpoint,
            },
        })
    }

    fn table() -> Table {
        Table::new(["NAME", "ENDPOINT"])
    }

    fn row(&self, table: &mut Table, _now: Timestamp) {
        table.row(vec![self.meta.name.clone(), self.meta.endpoint.clone()]);
    }
}
