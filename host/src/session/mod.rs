//! One session: the open drivers, where they stand, and what they said.
//!
//! ```text
//!   Session ── Tree     the drivers, opened anew for every session
//!          ├── Board    status, with a version that counts its changes
//!          └── Queue    log lines for clients, from the moment the session opens
//! ```
//!
//! The services in `service/` answer clients from here; nothing here knows gRPC's transport.

mod board;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::{ExporterStatus, GetReportResponse};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use uuid::Uuid;

pub use board::{Board, NotReady, Notice};

use crate::config::ExporterConfig;
use crate::log;
use crate::plugin::Registry;
use crate::resource::Resources;
use crate::tree::{Driver, Tree, TreeErrors};

/// Label under which an exporter tells its name.
const NAME: &str = "jumpstarter.dev/name";

/// What the session is for; it decides what ending it from afar means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For everybody who connects to the port, as long as the process lives.
    Direct,
    /// For one shell on the same machine.
    Local,
}

/// Open drivers and all that clients may ask about them.
#[derive(Debug)]
pub struct Session {
    kind: Kind,
    uuid: Uuid,
    labels: HashMap<String, String>,
    motd: String,
    tree: Tree,
    board: Board,
    logs: log::Attachment,
    closing: CancellationToken,
    given_up: CancellationToken,
}

// === impl Session ===

impl Session {
    /// Opens every driver of the configuration. `folder` is theirs while the session lasts.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the drivers, not only the first mistake.
    pub async fn open(
        config: &ExporterConfig,
        registry: &Registry,
        folder: &Path,
        kind: Kind,
    ) -> Result<Self, TreeErrors> {
        // Before the drivers, so that clients see what these say when they start.
        let logs = log::attach();
        let tree = Tree::open(config, registry, folder).await?;
        Ok(Self {
            kind,
            uuid: Uuid::new_v4(),
            labels: HashMap::from([(NAME.to_owned(), config.metadata.name.clone())]),
            motd: config.motd.clone().unwrap_or_default(),
            tree,
            board: Board::new(),
            logs,
            closing: CancellationToken::new(),
            given_up: CancellationToken::new(),
        })
    }

    /// The driver with this UUID.
    pub fn driver(&self, uuid: &Uuid) -> Option<&Arc<Driver>> {
        self.tree.driver(uuid)
    }

    /// What clients have for drivers, and drivers for clients.
    pub fn resources(&self) -> &Resources {
        self.tree.resources()
    }

    /// Who the exporter is and what hangs on it.
    pub fn report(&self) -> GetReportResponse {
        GetReportResponse {
            uuid: self.uuid.to_string(),
            labels: self.labels.clone(),
            reports: self.tree.reports().to_vec(),
            alternative_endpoints: Vec::new(),
            motd: self.motd.clone(),
        }
    }

    /// A few words for whoever opens a shell, or nothing.
    pub fn motd(&self) -> &str {
        &self.motd
    }

    /// Where the session stands.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Says that the drivers can be used.
    pub fn ready(&self, message: &str) {
        self.board.post(ExporterStatus::LeaseReady, message);
    }

    /// The lines clients have not read yet.
    pub fn logs(&self) -> &log::Queue {
        &self.logs
    }

    /// A client says that it is done: whether that was understood, and what to tell it.
    ///
    /// Without a lease nothing follows from it; other clients go on using the drivers.
    pub fn end(&self) -> (bool, &'static str) {
        match self.kind {
            Kind::Direct => (
                true,
                "Session end triggered, afterLease hook running asynchronously",
            ),
            Kind::Local => (false, "No active lease context"),
        }
    }

    /// The session is about to close: endless answers should end now.
    pub fn begin_closing(&self) {
        self.closing.cancel();
    }

    /// The time for running calls is up: they end with an error.
    pub fn give_up(&self) {
        self.closing.cancel();
        self.given_up.cancel();
    }

    /// Resolves when [`begin_closing`](Self::begin_closing) was called.
    pub async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Resolves when [`give_up`](Self::give_up) was called.
    pub async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// As [`given_up`](Self::given_up), for those who keep it.
    pub fn given_up_owned(&self) -> WaitForCancellationFutureOwned {
        self.given_up.clone().cancelled_owned()
    }

    /// Closes the drivers, waiting for each no longer than `limit` in all.
    pub async fn close(&self, limit: Duration) {
        self.give_up();
        self.tree.close(limit).await;
    }
}
