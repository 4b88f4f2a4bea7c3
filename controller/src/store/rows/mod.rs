//! Objects as rows, one table per file.

pub(super) mod audit;
pub(super) mod client;
pub(super) mod credential;
pub(super) mod exporter;
pub(super) mod lease;
pub(super) mod policy;

use std::time::Duration;

use rusqlite::Row;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::model::{Migrated, Time, Uid};

/// Reads columns by name; errors name the table.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    table: &'static str,
}

// === impl Columns ===

impl<'a> Columns<'a> {
    fn of(row: &'a Row<'a>, table: &'static str) -> Self {
        Self { row, table }
    }

    fn get<T: rusqlite::types::FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.row
            .get(column)
            .map_err(|error| self.damaged(format!("{column}: {error}")))
    }

    fn uid(&self, column: &str) -> Result<Uid, StoreError> {
        let text: String = self.get(column)?;
        self.parse_uid(&text)
    }

    fn parse_uid(&self, text: &str) -> Result<Uid, StoreError> {
        let uuid = uuid::Uuid::parse_str(text);
        uuid.map(Uid)
            .map_err(|error| self.damaged(format!("{text}: {error}")))
    }

    fn time(&self, column: &str) -> Result<Time, StoreError> {
        self.get(column).map(Time)
    }

    fn maybe_time(&self, column: &str) -> Result<Option<Time>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Time))
    }

    fn maybe_duration(&self, column: &str) -> Result<Option<Duration>, StoreError> {
        let micros: Option<i64> = self.get(column)?;
        Ok(micros.map(|micros| Duration::from_micros(micros.unsigned_abs())))
    }

    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.damaged(format!("{column}: {error}")))
    }

    fn selector(&self, column: &str) -> Result<jumpstarter_proto::selector::Selector, StoreError> {
        let text: String = self.get(column)?;
        text.parse()
            .map_err(|error| self.damaged(format!("{column}: {error}")))
    }

    fn migrated(&self) -> Result<Option<Migrated>, StoreError> {
        let namespace = self.get("migrated_namespace")?;
        let uid = self.get("migrated_uid")?;
        Ok(match (&namespace, &uid) {
            (None, None) => None,
            _ => Some(Migrated { namespace, uid }),
        })
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged {
            table: self.table,
            what,
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // Maps with string keys, lists and plain structs always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
