//! The database: SQLite, one file, nothing to set up. Only this module speaks SQL.
//!
//! ```text
//!  commit ─► bounded queue ─► writer thread ─► one transaction, on the disk ─► answer
//!  lease, leases, audit ────► blocking thread with a read connection of its own
//! ```
//!
//! A committed change survives a killed process and a power failure (WAL, `synchronous=FULL`).

mod backup;
mod change;
mod error;
mod open;
mod query;
mod retention;
mod rows;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot};

pub use backup::restore;
pub use change::{Change, Event};
pub use error::StoreError;
pub use query::{AuditQuery, Recorded};
pub use retention::Retention;

use crate::lab::LeaseQuery;
use crate::model::{Client, Credential, Exporter, Key, Lease, Policy, Time, Uid};
use writer::{Order, Writer};

/// How many orders may wait for the writer.
const WAITING: usize = 64;
/// How many reads run at once: each has a connection and a thread, and may hold a long list in memory.
const READERS: usize = 8;
/// How long one connection waits for another that writes.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// The database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: Arc<PathBuf>,
    orders: mpsc::Sender<Order>,
    readers: Arc<Semaphore>,
}

/// What the lab keeps in memory: everything but ended leases.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub exporters: Vec<Arc<Exporter>>,
    pub clients: Vec<Arc<Client>>,
    pub policies: Vec<Arc<Policy>>,
    /// All but those that retention has deleted.
    pub credentials: Vec<Arc<Credential>>,
    /// Leases that have not ended.
    pub leases: Vec<Arc<Lease>>,
    /// When each exporter was last leased.
    pub used: Vec<(Uid, Time)>,
}

// === impl Store ===

impl Store {
    /// Opens the database in this file, or makes it if there is none.
    ///
    /// # Errors
    ///
    /// The file cannot be used; the message says what to do.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = Arc::new(path.into());
        let connection = open::open(&path)?;
        let (orders, queue) = mpsc::channel(WAITING);
        let writer = Writer {
            connection,
            queue,
            path: Arc::clone(&path),
        };
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::Thread)?;
        Ok(Self {
            path,
            orders,
            readers: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of these changes or none; on return they are on disk.
    ///
    /// # Errors
    ///
    /// Nothing was written.
    pub async fn commit(&self, changes: Arc<[Change]>) -> Result<(), StoreError> {
        self.order(|answer| Order::Commit { changes, answer }).await
    }

    /// Deletes a little of what need not be kept; returns whether there may be more.
    ///
    /// # Errors
    ///
    /// Nothing was deleted.
    pub async fn forget(&self, retention: Retention, now: Time) -> Result<bool, StoreError> {
        let forget = |answer| Order::Forget {
            retention,
            now,
            answer,
        };
        self.order(forget).await
    }

    /// Reads the audit log, the latest first.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn audit(&self, query: AuditQuery) -> Result<Vec<Recorded>, StoreError> {
        self.read(move |connection| query::audit(connection, &query))
            .await
    }

    /// Reads what the lab keeps in memory.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        // Not behind the limit of readers: the lab cannot go on without it.
        self.read_at_once(query::load).await
    }

    /// The lease of this name, ended or not.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn lease(&self, key: Key) -> Result<Option<Arc<Lease>>, StoreError> {
        self.read(move |connection| query::lease(connection, &key))
            .await
    }

    /// Leases, ended or not, ordered by name.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn leases(&self, query: LeaseQuery) -> Result<Vec<Arc<Lease>>, StoreError> {
        self.read(move |connection| query::leases(connection, &query))
            .await
    }

    /// The same database, with its writer closed.
    #[cfg(test)]
    pub(crate) fn without_writer(&self) -> Self {
        Self {
            orders: mpsc::channel(1).0,
            ..self.clone()
        }
    }

    /// Sends an order to the writer, and waits for its answer.
    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Order,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let ordered = self.orders.send(order(answer)).await;
        ordered.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Reads, when there is a free slot for a reader.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.readers).acquire_owned().await;
        let turn = turn.map_err(|_| StoreError::Closed)?;
        self.read_at_once(move |connection| {
            // The slot is held to the end of the read, even if the caller has gone.
            let _turn = turn;
            work(connection)
        })
        .await
    }

    /// Reads on a blocking thread, without waiting for a slot.
    async fn read_at_once<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = Arc::clone(&self.path);
        let read = move || {
            let read = open::read(&path).and_then(|connection| work(&connection));
            read.map_err(|error| error.at(&path))
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| StoreError::Closed)?
    }
}

#[cfg(test)]
mod tests;
