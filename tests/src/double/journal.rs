//! What was asked of the controller and the router, by whom, in which order.

use std::time::Instant;

use jumpstarter_proto::v1::{
    DialRequest, ExporterStatus, ListenRequest, LogEntry, PushLogsRequest, RegisterRequest,
    ReleaseLeaseRequest, ReportStatusRequest, UnregisterRequest,
};
use prost::Message;

/// A method of the controller or the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Rpc {
    Register,
    Unregister,
    ReportStatus,
    Listen,
    Status,
    Dial,
    ReleaseLease,
    GetServiceEndpoints,
    CreateLease,
    GetLease,
    ListLeases,
    UpdateLease,
    DeleteLease,
    GetExporter,
    ListExporters,
    PushLogs,
    /// `RouterService.Stream`: one end of a tunnel.
    Tunnel,
    /// Anything else.
    Other,
}

/// On whose behalf a call comes, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `jumpstarter-kind: Exporter`.
    Exporter,
    /// `jumpstarter-kind: Client`.
    Client,
    /// It does not say; at the router nobody does.
    Unsaid,
}

/// The part of a request that stories are about.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// What an exporter registers.
    Register(RegisterRequest),
    /// A status, its message, and whether it gives the lease back.
    Status(ExporterStatus, String, bool),
    /// The lease that a call is about.
    Lease(String),
    /// Why an exporter leaves.
    Leaving(String),
    /// Lines of an exporter's log.
    Lines(Vec<LogEntry>),
    /// Nothing that matters here.
    Nothing,
}

/// One call, or the end of a stream.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which method.
    pub rpc: Rpc,
    /// Who.
    pub kind: Kind,
    /// Every textual key of its metadata; a token stands for itself.
    pub metadata: Vec<(String, String)>,
    /// What it asks.
    pub said: Said,
    /// False for the moment at which a stream ended.
    pub begins: bool,
    /// When.
    pub at: Instant,
}

// === impl Rpc ===

impl Rpc {
    /// The method with this path, `/package.Service/Method`.
    pub(super) fn of(path: &str) -> Self {
        match path.rsplit('/').next().unwrap_or_default() {
            "Register" => Self::Register,
            "Unregister" => Self::Unregister,
            "ReportStatus" => Self::ReportStatus,
            "Listen" => Self::Listen,
            "Status" => Self::Status,
            "Dial" => Self::Dial,
            "ReleaseLease" => Self::ReleaseLease,
            "GetServiceEndpoints" => Self::GetServiceEndpoints,
            "CreateLease" => Self::CreateLease,
            "GetLease" => Self::GetLease,
            "ListLeases" => Self::ListLeases,
            "UpdateLease" => Self::UpdateLease,
            "DeleteLease" => Self::DeleteLease,
            "GetExporter" => Self::GetExporter,
            "ListExporters" => Self::ListExporters,
            "PushLogs" => Self::PushLogs,
            "Stream" => Self::Tunnel,
            _ => Self::Other,
        }
    }

    /// Reads the message of a request to it.
    pub(super) fn read(self, message: &[u8]) -> Said {
        let read = || -> Result<Said, prost::DecodeError> {
            Ok(match self {
                Self::Register => Said::Register(RegisterRequest::decode(message)?),
                Self::ReportStatus => {
                    let request = ReportStatusRequest::decode(message)?;
                    let release = request.release_lease();
                    Said::Status(request.status(), request.message().to_owned(), release)
                }
                Self::Listen => Said::Lease(ListenRequest::decode(message)?.lease_name),
                Self::Dial => Said::Lease(DialRequest::decode(message)?.lease_name),
                Self::ReleaseLease => Said::Lease(ReleaseLeaseRequest::decode(message)?.name),
                Self::Unregister => Said::Leaving(UnregisterRequest::decode(message)?.reason),
                Self::PushLogs => Said::Lines(PushLogsRequest::decode(message)?.entries),
                _ => Said::Nothing,
            })
        };
        // What cannot be read is answered by the service; here it is only noted.
        read().unwrap_or(Said::Nothing)
    }
}

// === impl Call ===

impl Call {
    /// The value of a metadata key.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let found = self.metadata.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The name of the lease it is about.
    pub fn lease(&self) -> Option<&str> {
        match &self.said {
            Said::Lease(name) => Some(name),
            _ => None,
        }
    }
}
