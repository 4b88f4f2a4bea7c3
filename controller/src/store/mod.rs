//! The database: SQLite, one file, nothing to set up. Only this module speaks SQL.
//!
//! ```text
//!  commit ─► bounded queue ─► writer thread ─► one transaction, on the disk ─► answer
//!  lease, leases, audit ────► blocking thread with a read connection of its own
//! ```
//!
//! What has been answered survives a killed process and a lost power supply (WAL, `synchronous=FULL`).

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

/// So many orders wait for the writer.
const WAITING: usize = 64;
/// So many read at once: each has a connection and a thread, and may have a long list in memory.
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

/// Everything that matters now: all but leases that have ended.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// All of them.
    pub exporters: Vec<Arc<Exporter>>,
    /// All of them.
    pub clients: Vec<Arc<Client>>,
    /// All of them.
    pub policies: Vec<Arc<Policy>>,
    /// All of them, until retention has forgotten those that ran out.
    pub credentials: Vec<Arc<Credential>>,
    /// Those that have not ended.
    pub leases: Vec<Arc<Lease>>,
    /// When exporters were leased last.
    pub used: Vec<(Uid, Time)>,
}

// === impl Store ===

impl Store {
    /// Opens the database in this file, and makes it if there is none.
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

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of these changes or none; on return the disk has them.
    ///
    /// # Errors
    ///
    /// None was written.
    pub async fn commit(&self, changes: Arc<[Change]>) -> Result<(), StoreError> {
        self.order(|answer| Order::Commit { changes, answer }).await
    }

    /// Forgets a little of what need not be kept, and says whether there may be more.
    ///
    /// # Errors
    ///
    /// Nothing was forgotten.
    pub async fn forget(&self, retention: Retention, now: Time) -> Result<bool, StoreError> {
        let forget = |answer| Order::Forget {
            retention,
            now,
            answer,
        };
        self.order(forget).await
    }

    /// What happened, the latest first.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub async fn audit(&self, query: AuditQuery) -> Result<Vec<Recorded>, StoreError> {
        self.read(move |connection| query::audit(connection, &query))
            .await
    }

    /// Everything that matters now.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        // The lab needs it, and does not wait for readers of lists.
        self.read_at_once(query::load).await
    }

    /// The lease of this name, ended or not.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub async fn lease(&self, key: Key) -> Result<Option<Arc<Lease>>, StoreError> {
        self.read(move |connection| query::lease(connection, &key))
            .await
    }

    /// Leases, ended or not, in the order of names.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub async fn leases(&self, query: LeaseQuery) -> Result<Vec<Arc<Lease>>, StoreError> {
        self.read(move |connection| query::leases(connection, &query))
            .await
    }

    /// The same database, of which nobody writes any more.
    #[cfg(test)]
    pub(crate) fn without_writer(&self) -> Self {
        Self {
            orders: mpsc::channel(1).0,
            ..self.clone()
        }
    }

    /// Has the writer do something.
    async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Order,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let ordered = self.orders.send(order(answer)).await;
        ordered.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Reads when it is its turn.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.readers).acquire_owned().await;
        let turn = turn.map_err(|_| StoreError::Closed)?;
        self.read_at_once(move |connection| {
            // Whoever asked may be gone; the thread works to the end.
            let _turn = turn;
            work(connection)
        })
        .await
    }

    /// Reads on a thread that may block.
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
