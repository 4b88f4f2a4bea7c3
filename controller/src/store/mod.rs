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
mod query;
mod rows;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

pub use change::{Change, Event};
pub use error::StoreError;

use crate::lab::LeaseQuery;
use crate::model::{Client, Credential, Exporter, Key, Lease, Policy, Time, Uid};
use writer::{Order, Writer};

/// So many orders wait for the writer.
const WAITING: usize = 64;
/// How long one connection waits for another that writes.
const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// The database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: Arc<PathBuf>,
    orders: mpsc::Sender<Order>,
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
    /// Those that have not ended by themselves.
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
        let path = path.into();
        let failed = |source| StoreError::Open {
            path: path.clone(),
            source,
        };
        let mut connection = Connection::open(&path).map_err(failed)?;
        configure(&connection).map_err(failed)?;
        match schema::migrate(&mut connection, &path) {
            Err(StoreError::Sqlite(source)) => return Err(failed(source)),
            other => other?,
        }
        let (orders, queue) = mpsc::channel(WAITING);
        std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || Writer::new(connection, queue).run())
            .map_err(|error| StoreError::Damaged {
                table: "none",
                what: format!("no thread for the database: {error}"),
            })?;
        Ok(Self {
            path: Arc::new(path),
            orders,
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
        let (answer, answered) = oneshot::channel();
        let order = Order { changes, answer };
        self.orders
            .send(order)
            .await
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Everything that matters now.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub async fn load(&self) -> Result<Loaded, StoreError> {
        self.read(query::load).await
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

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = Arc::clone(&self.path);
        let read = move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&*path, flags)?;
            connection.busy_timeout(BUSY)?;
            work(&connection)
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| StoreError::Closed)?
    }
}

fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(())
}
