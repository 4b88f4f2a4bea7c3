//! The open drivers of a session, and the report that clients build their own tree from.
//!
//! ```text
//!   ExporterConfig ─plan─► types found, settings checked       nothing has run yet
//!                  ─open─► children before parents; drivers bring children of their own
//!                  ─────► references resolved, report made once
//! ```
//!
//! A driver is one object however many references lead to it; the report shows it at every place.

mod close;
mod driver;
mod error;
mod methods;
mod open;
mod plan;
mod report;
mod services;
mod state;

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use jumpstarter_proto::v1::DriverInstanceReport;
use uuid::Uuid;

pub use crate::plugin::MethodKind as Kind;
pub use driver::Driver;
pub use error::{Failure, TreeErrors};
pub use plan::{Summary, check};

use crate::{
    config::ExporterConfig,
    plugin::Registry,
    resource::{self, Resources},
};
use state::State;

/// The open drivers of a session.
#[derive(Debug)]
pub struct Tree {
    state: Arc<State>,
    drivers: HashMap<Uuid, Arc<Driver>>,
    reports: Vec<DriverInstanceReport>,
}

// === impl Tree ===

impl Tree {
    /// Opens every driver of the configuration. Drivers that ask for a folder get one below
    /// `folder`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the configuration; or else every driver that did not open. No
    /// driver is open then.
    pub async fn open(
        config: &ExporterConfig,
        registry: &Registry,
        folder: &Path,
    ) -> Result<Self, TreeErrors> {
        let plan = plan::plan(config, registry)?;
        for warning in &plan.warnings {
            tracing::warn!("{}", warning.show(&config.source, ""));
        }
        let libraries = open::load(&plan, registry).map_err(TreeErrors::Open)?;
        let resources = Resources::new(&resource::Options::from_env());
        let state = open::open(&plan, &libraries, folder, resources).await;
        let state = match state {
            Ok(state) => state,
            Err((state, failures)) => {
                close::close(&state, close::LIMIT).await;
                return Err(TreeErrors::Open(failures));
            }
        };
        let (drivers, reports) = report::make(&plan, &state, config.description.as_deref());
        Ok(Self {
            state,
            drivers,
            reports,
        })
    }

    /// The tree as clients see it: parents before their children, children in the order of the
    /// configuration.
    pub fn reports(&self) -> &[DriverInstanceReport] {
        &self.reports
    }

    /// The driver with this uuid.
    pub fn driver(&self, uuid: &Uuid) -> Option<&Arc<Driver>> {
        self.drivers.get(uuid)
    }

    /// What clients offer to the drivers of this tree.
    pub fn resources(&self) -> &Arc<Resources> {
        &self.state.resources
    }

    /// Closes every driver once, parents before their children, in `limit` at most. What goes wrong
    /// is logged.
    pub async fn close(&self, limit: Duration) {
        close::close(&self.state, limit).await;
    }
}
