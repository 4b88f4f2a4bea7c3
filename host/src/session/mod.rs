//! One session: the open drivers, where they stand, and what they said.
//!
//! ```text
//!   Session ── Tree     the drivers, opened anew for every session
//!          ├── Board    status, with a version that counts its changes
//!          ├── Clients  who is connected, and what they have read
//!          └── Queue    log lines for clients, from the moment the session opens
//! ```
//!
//! The services in `service/` answer clients from here; nothing here knows gRPC's transport.

mod board;
mod visitor;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jumpstarter_proto::v1::{ExporterStatus, GetReportResponse};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use uuid::Uuid;

pub use board::{Board, NotReady, Notice};
pub use visitor::{Audience, Visitor};

use visitor::Clients;

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
    /// For whoever has leased the exporter.
    Leased,
}

/// Open drivers and all that clients may ask about them.
#[derive(Debug)]
pub struct Session {
    kind: Kind,
    uuid: Uuid,
    labels: HashMap<String, String>,
    motd: Mutex<String>,
    tree: Tree,
    board: Board,
    clients: Clients,
    logs: log::Attachment,
    ended: CancellationToken,
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
            motd: Mutex::new(config.motd.clone().unwrap_or_default()),
            tree,
            board: Board::new(),
            clients: Clients::default(),
            logs,
            ended: CancellationToken::new(),
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
            motd: self.motd(),
        }
    }

    /// A few words for whoever opens a shell, or nothing.
    pub fn motd(&self) -> String {
        self.lock_motd().clone()
    }

    /// Adds what a hook has to say to them.
    pub fn append_motd(&self, more: &str) {
        let mut motd = self.lock_motd();
        if !motd.is_empty() {
            motd.push('\n');
        }
        motd.push_str(more);
    }

    fn lock_motd(&self) -> MutexGuard<'_, String> {
        // Text is only ever added at its end, so that none is lost by a panic.
        self.motd.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// What follows from it is for those who wait for [`ended`](Self::ended).
    pub fn end(&self) -> (bool, &'static str) {
        match self.kind {
            Kind::Direct | Kind::Leased => {
                self.ended.cancel();
                (
                    true,
                    "Session end triggered, afterLease hook running asynchronously",
                )
            }
            Kind::Local => (false, "No active lease context"),
        }
    }

    /// Resolves when a client has said that it is done.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Resolves when the clients know what the board says now, or when there are none.
    pub async fn have_read(&self) {
        self.clients.have_read(&self.board.read()).await;
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
