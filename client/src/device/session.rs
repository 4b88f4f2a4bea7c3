//! An exporter we talk to: its tree, and the way there.

use std::pin::pin;
use std::sync::Arc;

use jumpstarter_proto::v1::GetReportResponse;
use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use thiserror::Error;
use tokio::time::timeout;
use tonic::{Code, Response, Status};

use super::Device;
use crate::connect::{ConnectError, Connection, PATIENCE, Transport, status_of};
use crate::report::{Tree, TreeError};

/// An exporter whose report was read.
#[derive(Debug, Clone)]
pub struct Session {
    connection: Connection,
    tree: Arc<Tree>,
    motd: String,
}

/// Why there is no session although there is a connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The two sides do not speak the same protocol.
    #[error(transparent)]
    Connection(#[from] ConnectError),
    /// The passphrase is wrong or missing.
    #[error("{}", .0.message())]
    Unauthenticated(Box<Status>),
    /// The exporter did not answer.
    #[error("{}", .0.message())]
    NoAnswer(Box<Status>),
    /// It answered with an error.
    #[error("GetReport failed with gRPC {}: {}", super::code_name(.0.code()), .0.message())]
    Refused(Box<Status>),
    /// Its report makes no sense.
    #[error(transparent)]
    Report(#[from] TreeError),
}

/// Waits for the report for as long as it takes, but not for a peer that never says a word.
async fn get_report(connection: &Connection) -> Result<Response<GetReportResponse>, Status> {
    let mut client = ExporterServiceClient::new(connection.transport());
    let mut report = pin!(client.get_report(()));
    match timeout(PATIENCE, &mut report).await {
        Ok(report) => report,
        Err(_) if connection.heard() => report.await,
        Err(_) => Err(Status::deadline_exceeded(format!(
            "`{}` accepted the connection, but did not say anything in {} s",
            connection.host(),
            PATIENCE.as_secs()
        ))),
    }
}

// === impl Session ===

impl Session {
    /// Asks for the report and sorts it into a tree.
    ///
    /// # Errors
    ///
    /// When the exporter does not answer, or not with a report.
    pub async fn open(connection: Connection) -> Result<Self, OpenError> {
        let report = match get_report(&connection).await {
            Ok(response) => response.into_inner(),
            Err(status) => {
                // What tonic found out by itself has a cause, what the exporter said has none.
                let own = std::error::Error::source(&status).is_some();
                let status = Box::new(status_of(status));
                let unreachable = own || status.code() == Code::Unavailable;
                return Err(match (status.code(), connection.diagnosis()) {
                    (_, Some(error)) if unreachable => OpenError::Connection(error),
                    (Code::Unauthenticated, _) => OpenError::Unauthenticated(status),
                    (Code::Unavailable | Code::DeadlineExceeded, _) => OpenError::NoAnswer(status),
                    _ if own => OpenError::NoAnswer(status),
                    _ => OpenError::Refused(status),
                });
            }
        };
        Ok(Self {
            connection,
            tree: Arc::new(Tree::new(report.reports)?),
            motd: report.motd,
        })
    }

    /// The driver at the top of the tree.
    pub fn root(&self) -> Device {
        Device {
            transport: self.connection.transport(),
            tree: Arc::clone(&self.tree),
            index: self.tree.root(),
        }
    }

    /// What the exporter wants to tell whoever starts an interactive shell.
    pub fn motd(&self) -> &str {
        &self.motd
    }

    /// A client for the exporter's other calls.
    pub fn client(&self) -> ExporterServiceClient<Transport> {
        ExporterServiceClient::new(self.connection.transport())
    }
}
