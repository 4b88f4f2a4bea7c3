//! The lease as the shell sees it: its session, its tasks, its place in the log.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use jumpstarter_proto::v1::ExporterStatus;
use tokio_util::sync::CancellationToken;

use crate::lease::LeaseId;
use crate::listen::Folder;
use crate::log;

use super::hosted::Hosted;
use super::tasks::Tasks;

/// The lease that has a session, or is about to have one.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) id: LeaseId,
    pub(super) name: String,
    pub(super) client: String,
    /// When its session was asked for.
    pub(super) since: Instant,
    pub(super) stage: Stage,
    /// The folder of its session.
    pub(super) folder: Option<Arc<Folder>>,
    /// Everything that runs for it.
    pub(super) tasks: Tasks,
    /// Ends the hook that runs.
    pub(super) hook: Option<CancellationToken>,
    /// What the controller has to say about it, for the log.
    details: BTreeMap<String, String>,
    context: Option<log::LeaseContext>,
    /// What its clients are to be told as soon as they can come.
    notice: Option<(ExporterStatus, String)>,
}

/// How far its session is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Drivers are being opened.
    Opening,
    /// Drivers are being opened that nobody wants any more; closed as soon as they are open.
    Unwanted,
    /// Drivers could not be opened; there is nothing to close.
    Unopened,
    /// Clients may come.
    Open(Box<Hosted>),
    /// It is being closed.
    Closing,
}

// === impl Current ===

impl Current {
    pub(super) fn new(id: LeaseId, name: String, client: String) -> Self {
        Self {
            id,
            name,
            client,
            since: Instant::now(),
            stage: Stage::Opening,
            folder: None,
            tasks: Tasks::default(),
            hook: None,
            details: BTreeMap::new(),
            context: None,
            notice: None,
        }
    }

    /// Puts the lease on every line of the log, with what the controller says about it.
    pub(super) fn describe(&mut self, details: BTreeMap<String, String>) {
        self.details = details;
        let mut fields = vec![("lease_id", self.name.as_str())];
        if !self.client.is_empty() {
            fields.push(("client", &self.client));
        }
        let details = self.details.iter();
        fields.extend(details.map(|(key, value)| (key.as_str(), value.as_str())));
        match &self.context {
            Some(context) => context.set(&fields),
            None => self.context = Some(log::lease_context(&fields)),
        }
    }

    /// The lease is somebody else's now.
    pub(super) fn belongs_to(&mut self, client: String) {
        self.client = client;
        if self.context.is_some() {
            let details = mem::take(&mut self.details);
            self.describe(details);
        }
    }

    /// The session, if clients may come.
    pub(super) fn open(&self) -> Option<&Hosted> {
        match &self.stage {
            Stage::Open(hosted) => Some(hosted),
            Stage::Opening | Stage::Unwanted | Stage::Unopened | Stage::Closing => None,
        }
    }

    /// The drivers are open. The board says at once what has been said meanwhile.
    pub(super) fn opened(&mut self, hosted: Box<Hosted>) {
        if let Some((status, message)) = self.notice.take() {
            hosted.session.board().post(status, message);
        }
        self.stage = Stage::Open(hosted);
    }

    /// Tells the clients, now or when they can come. A failure stays on the board until the session
    /// closes: clients do not give up when they read that the exporter is free or about to go.
    pub(super) fn say(&mut self, status: ExporterStatus, message: &str) {
        use ExporterStatus::{AfterLeaseHookFailed, Available, BeforeLeaseHookFailed, Offline};
        match &self.stage {
            Stage::Open(hosted) => {
                let board = hosted.session.board();
                let failed = [BeforeLeaseHookFailed, AfterLeaseHookFailed];
                let passing = matches!(status, Available | Offline);
                if !(passing && failed.contains(&board.read().status)) {
                    board.post(status, message);
                }
            }
            Stage::Opening => self.notice = Some((status, message.to_owned())),
            Stage::Unwanted | Stage::Unopened | Stage::Closing => {}
        }
    }

    /// What has to be wound up, once. A session that still opens does not belong to it.
    pub(super) fn close(&mut self) -> Remains {
        let (hosted, stage) = match mem::replace(&mut self.stage, Stage::Closing) {
            Stage::Open(hosted) => (Some(hosted), Stage::Closing),
            Stage::Opening | Stage::Unwanted => (None, Stage::Unwanted),
            Stage::Unopened | Stage::Closing => (None, Stage::Closing),
        };
        self.stage = stage;
        Remains {
            tasks: mem::take(&mut self.tasks),
            hosted,
            _context: self.context.take(),
        }
    }
}

/// What is left of a lease when it is over.
#[derive(Debug)]
pub(super) struct Remains {
    tasks: Tasks,
    hosted: Option<Box<Hosted>>,
    /// The last lines are about the lease, too.
    _context: Option<log::LeaseContext>,
}

// === impl Remains ===

impl Remains {
    /// Ends its tasks, then lets clients and drivers go.
    pub(super) async fn wind_up(self) {
        self.tasks.end().await;
        if let Some(hosted) = self.hosted {
            hosted.close().await;
        }
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        // Whoever opens or closes drivers that never get up keeps it for as long as the process lives.
        if let Some(folder) = &self.folder {
            folder.remove();
        }
    }
}
