//! Exporters: what they tell of themselves (`own`), and what administrators do to them (`admin`).

mod admin;
mod own;

use std::sync::Arc;

use super::LabError;
use super::step::Step;
use crate::model::{Exporter, Key, Uid};
use crate::store::Change;

pub use admin::{ExporterChange, NewExporter};
pub(super) use own::fall_silent;

/// What errors call exporters.
const PLURAL: &str = "exporters";

// === impl Step ===

impl Step<'_> {
    fn exporter(&self, uid: Uid) -> Result<Exporter, LabError> {
        let exporter = self.state.exporters.get(uid);
        exporter
            .map(|exporter| Exporter::clone(exporter))
            .ok_or_else(|| LabError::NotFound {
                plural: PLURAL,
                name: uid.to_string(),
            })
    }

    fn exporter_named(&self, key: &Key) -> Result<Exporter, LabError> {
        let exporter = self.state.exporters.named(key);
        exporter
            .map(|exporter| Exporter::clone(exporter))
            .ok_or_else(|| LabError::NotFound {
                plural: PLURAL,
                name: key.name.clone(),
            })
    }

    fn put_exporter(&mut self, exporter: Exporter) -> Arc<Exporter> {
        let exporter = Arc::new(exporter);
        if self.state.exporters.get(exporter.uid) != Some(&exporter) {
            self.change(Change::Exporter(Arc::clone(&exporter)));
        }
        exporter
    }
}
