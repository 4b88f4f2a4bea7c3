//! An exporter we talk to: its tree, and the way there.

use std::sync::Arc;

use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use thiserror::Error;
use tonic::{Code, Status};

use super::Device;
use crate::connect::{ConnectError, Connection, Transport};
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

// === impl Session ===

impl Session {
    /// Asks for the report and sorts it into a tree.
    ///
    /// # Errors
    ///
    /// When the exporter does not answer, or not with a report.
    pub async fn open(connection: Connection) -> Result<Self, OpenError> {
        let mut client = ExporterServiceClient::new(connection.transport());
        let report = match client.get_report(()).await {
            Ok(response) => response.into_inner(),
            Err(status) => {
                if let Some(error) = connection.diagnosis() {
                    return Err(OpenError::Connection(error));
                }
                let status = Box::new(status);
                return Err(match status.code() {
                    Code::Unauthenticated => OpenError::Unauthenticated(status),
                    Code::Unavailable | Code::DeadlineExceeded => OpenError::NoAnswer(status),
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
            client: self.client(),
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
