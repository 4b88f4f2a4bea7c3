//! Table `policies`.

use std::time::Duration;

use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};

use super::{Columns, json, micros};
use crate::model::{Key, Policy, Rule, Uid};
use crate::store::StoreError;

/// A rule, as in the column `rules`.
#[derive(Serialize, Deserialize)]
struct Stored {
    description: String,
    priority: i64,
    from: Vec<String>,
    maximum: Option<i64>,
    spot: bool,
}

pub(in crate::store) fn put(connection: &Connection, policy: &Policy) -> Result<(), StoreError> {
    let rules: Vec<Stored> = policy.rules.iter().map(Stored::of).collect();
    connection
        .prepare_cached(
            "INSERT INTO policies (uid, namespace, name, exporters, rules, generation, \
             created) VALUES (:uid, :namespace, :name, :exporters, :rules, :generation, :created) \
             ON CONFLICT (uid) DO UPDATE SET exporters = excluded.exporters, rules = \
             excluded.rules, generation = excluded.generation",
        )?
        .execute(named_params! {
            ":uid": policy.uid.to_string(),
            ":namespace": policy.key.namespace,
            ":name": policy.key.name,
            ":exporters": policy.exporters.to_string(),
            ":rules": json(&rules),
            ":generation": policy.generation,
            ":created": policy.created.0,
        })?;
    Ok(())
}

pub(in crate::store) fn remove(connection: &Connection, uid: Uid) -> Result<(), StoreError> {
    connection.execute("DELETE FROM policies WHERE uid = ?1", [uid.to_string()])?;
    Ok(())
}

pub(in crate::store) fn read(row: &Row<'_>) -> Result<Policy, StoreError> {
    let columns = Columns::of(row, "policies");
    let rules: Vec<Stored> = columns.json("rules")?;
    let rules = rules.into_iter().map(|stored| stored.rule(&columns));
    Ok(Policy {
        uid: columns.uid("uid")?,
        key: Key::new(
            columns.get::<String>("namespace")?,
            columns.get::<String>("name")?,
        ),
        exporters: columns.selector("exporters")?,
        rules: rules.collect::<Result<_, _>>()?,
        generation: columns.get("generation")?,
        created: columns.time("created")?,
    })
}

// === impl Stored ===

impl Stored {
    fn of(rule: &Rule) -> Self {
        Self {
            description: rule.description.clone(),
            priority: rule.priority,
            from: rule.from.iter().map(ToString::to_string).collect(),
            maximum: rule.maximum.map(micros),
            spot: rule.spot,
        }
    }

    fn rule(self, columns: &Columns<'_>) -> Result<Rule, StoreError> {
        let from = self.from.iter().map(|text| {
            text.parse()
                .map_err(|error| columns.damaged(format!("rules: {error}")))
        });
        Ok(Rule {
            from: from.collect::<Result<_, _>>()?,
            description: self.description,
            priority: self.priority,
            maximum: self
                .maximum
                .map(|micros| Duration::from_micros(micros.unsigned_abs())),
            spot: self.spot,
        })
    }
}
