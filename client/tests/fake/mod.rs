//! An exporter of our own, in the test's process, that does and says what a test wants.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test uses a part of it"
)]

mod reports;
mod router;
mod scripts;
mod serve;
mod service;
mod storage;

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use jumpstarter_proto::v1::{
    DriverInstanceReport, ExporterStatus, GetStatusResponse, LogSource, LogStreamResponse,
};
use tokio::sync::Notify;
use tonic::Status;

pub use reports::{DriverReport, driver};
pub use serve::{Certificate, Serving};

/// What the exporter will do.
#[derive(Clone, Default)]
pub struct Fake {
    reports: Vec<DriverInstanceReport>,
    /// Answers to GetStatus, the last one for ever.
    statuses: Vec<Result<GetStatusResponse, Status>>,
    /// Lines for whoever asks first.
    log: Vec<LogStreamResponse>,
    /// What LogStream fails with before it works.
    log_failures: Vec<Status>,
    motd: String,
    passphrase: Option<String>,
    /// GetReport fails with this.
    broken: Option<Status>,
    /// Data cannot be compressed on the way.
    plain: bool,
    stored: Vec<(String, Vec<u8>)>,
}

/// A call the exporter received: `switch.set_outlet [3,true]`.
pub type Calls = Arc<Mutex<Vec<String>>>;

/// What it does while it runs.
struct Running {
    fake: Fake,
    asked: Mutex<usize>,
    log: Mutex<VecDeque<LogStreamResponse>>,
    log_failures: Mutex<VecDeque<Status>>,
    calls: Calls,
    stored: Arc<storage::Stored>,
    resources: router::Resources,
    offered: AtomicUsize,
    /// Bytes that went into the stream `flood`.
    flooded: Arc<AtomicUsize>,
    /// What drivers wait for that take their time.
    released: Arc<Notify>,
}

// === impl Fake ===

impl Fake {
    /// Ready, with these drivers below its root.
    pub fn new(drivers: impl IntoIterator<Item = DriverReport>) -> Self {
        Self::only(DriverReport::group("root").with(drivers))
    }

    /// Ready, with this driver as its root.
    pub fn only(root: DriverReport) -> Self {
        Self {
            reports: reports::flatten(root),
            statuses: vec![status(ExporterStatus::LeaseReady, 1, "")],
            ..Self::default()
        }
    }

    pub fn statuses(mut self, statuses: Vec<Result<GetStatusResponse, Status>>) -> Self {
        self.statuses = statuses;
        self
    }

    pub fn logs(mut self, source: LogSource, severity: &str, message: &str) -> Self {
        self.log.push(LogStreamResponse {
            source: Some(source.into()),
            severity: severity.to_owned(),
            message: message.to_owned(),
            ..Default::default()
        });
        self
    }

    pub fn log_fails_with(mut self, failures: impl IntoIterator<Item = Status>) -> Self {
        self.log_failures.extend(failures);
        self
    }

    pub fn motd(mut self, motd: &str) -> Self {
        self.motd = motd.to_owned();
        self
    }

    pub fn passphrase(mut self, passphrase: &str) -> Self {
        self.passphrase = Some(passphrase.to_owned());
        self
    }

    /// It cannot compress, and says so.
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// There is data at this driver or path.
    pub fn stores(mut self, place: &str, data: impl Into<Vec<u8>>) -> Self {
        self.stored.push((place.to_owned(), data.into()));
        self
    }

    pub fn broken(mut self, status: Status) -> Self {
        self.broken = Some(status);
        self
    }
}

/// An answer to GetStatus.
pub fn status(
    status: ExporterStatus,
    version: u64,
    message: &str,
) -> Result<GetStatusResponse, Status> {
    Ok(GetStatusResponse {
        status: status.into(),
        message: Some(message.to_owned()),
        status_version: version,
        previous_status: None,
    })
}
