//! What the controller knows, and how it decides: one exporter, its leases, who listens.
//!
//! ```text
//!   a call, a story, the clock ──► change(|state| …) ──► settle ──► Status streams
//!                                                         │ expire what is due
//!                                                         │ tell            leased=false
//!                                                         │ give the exporter to who waits
//!                                                         └ tell            leased=true
//! ```
//!
//! It outlives the servers, so that a controller that was away comes back with what it knew.

use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use jumpstarter_proto::v1::{
    ExporterStatus, ListenResponse, RegisterRequest, StatusResponse, TelemetryEndpoint,
};
use tokio::sync::{mpsc, watch};
use tonic::Status;
use uuid::Uuid;

use super::{
    EXPORTER,
    fault::Rule,
    journal::{Call, Kind, Rpc, Said},
    lease::Lease,
    token,
};

/// Long enough for every story; a stream that does not read this many is dropped.
const UNREAD: usize = 256;
/// How long an exporter counts as there after its last sign of life.
const OFFLINE_AFTER: Duration = Duration::from_secs(60);

pub(super) type Told<T> = mpsc::Sender<Result<T, Status>>;
pub(super) type Heard<T> = mpsc::Receiver<Result<T, Status>>;

pub(super) struct World {
    state: Mutex<State>,
    told: Condvar,
    changed: watch::Sender<()>,
}

pub(super) struct State {
    pub(super) exporter_token: String,
    pub(super) client_token: String,
    pub(super) registered: Option<RegisterRequest>,
    pub(super) status: ExporterStatus,
    pub(super) message: String,
    /// Every status that was reported, with its message.
    pub(super) reported: Vec<(ExporterStatus, String)>,
    pub(super) leases: Vec<Lease>,
    pub(super) listeners: HashMap<String, Told<ListenResponse>>,
    pub(super) watchers: Vec<Told<StatusResponse>>,
    pub(super) rules: Vec<Rule>,
    pub(super) journal: Vec<Call>,
    /// Where it wants the log of the exporter.
    pub(super) collector: Option<TelemetryEndpoint>,
    /// How many router tokens will reach the exporter damaged.
    pub(super) spoiled: u32,
    /// Tunnel ids by router token.
    pub(super) tunnels: HashMap<String, Uuid>,
    seen: Option<Instant>,
    shown: StatusResponse,
}

// === impl World ===

impl World {
    pub(super) fn new() -> Self {
        let state = State {
            exporter_token: token::identity("exporter", super::NAMESPACE, EXPORTER),
            client_token: token::identity("client", super::NAMESPACE, super::CLIENT),
            registered: None,
            status: ExporterStatus::Unspecified,
            message: String::new(),
            reported: Vec::new(),
            leases: Vec::new(),
            listeners: HashMap::new(),
            watchers: Vec::new(),
            rules: Vec::new(),
            journal: Vec::new(),
            collector: None,
            spoiled: 0,
            tunnels: HashMap::new(),
            seen: None,
            shown: StatusResponse::default(),
        };
        Self {
            state: Mutex::new(state),
            told: Condvar::new(),
            changed: watch::Sender::new(()),
        }
    }

    pub(super) fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(&self.lock())
    }

    pub(super) fn change<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = what(&mut state);
        state.settle();
        drop(state);
        self.told.notify_all();
        self.changed.send_replace(());
        result
    }

    /// Notes a moment in the journal.
    pub(super) fn note(&self, call: Call) {
        self.change(|state| state.journal.push(call));
    }

    /// Waits until `found` finds something; `None` when `patience` ran out.
    pub(super) fn wait<T>(
        &self,
        patience: Duration,
        mut found: impl FnMut(&State) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(found) = found(&state) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            state = self.told.wait_timeout(state, left).expect("unpoisoned").0;
        }
    }

    /// Is told of every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Lets leases end when their time has come, for as long as the controller is there.
    pub(super) async fn keep_time(&self) {
        let mut changes = self.changes();
        loop {
            let due = self.look(|state| state.leases.iter().filter_map(Lease::due).min());
            let left = due.map_or(OFFLINE_AFTER, |due| {
                due.duration_since(SystemTime::now()).unwrap_or_default()
            });
            tokio::select! {
                () = tokio::time::sleep(left) => self.change(|_| ()),
                _ = changes.changed() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no story panics in here")
    }
}

// === impl State ===

impl State {
    /// What a Status stream says now.
    fn present(&self) -> StatusResponse {
        let Some(lease) = self.active() else {
            return StatusResponse::default();
        };
        StatusResponse {
            leased: true,
            lease_name: Some(lease.name.clone()),
            client_name: Some(lease.client.clone()),
            context: lease.context.clone(),
        }
    }

    pub(super) fn active(&self) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.is_active())
    }

    pub(super) fn lease(&mut self, name: &str) -> Option<&mut Lease> {
        self.leases.iter_mut().find(|lease| lease.name == name)
    }

    /// A sign of life of the exporter.
    pub(super) fn sign_of_life(&mut self) {
        self.seen = Some(Instant::now());
    }

    pub(super) fn is_online(&self) -> bool {
        let fresh = self.seen.is_some_and(|at| at.elapsed() < OFFLINE_AFTER);
        self.status != ExporterStatus::Offline
            && (fresh || self.watchers.iter().any(|watcher| !watcher.is_closed()))
    }

    pub(super) fn is_registered(&self) -> bool {
        let reports = self.registered.as_ref().map(|r| r.reports.len());
        reports.is_some_and(|reports| reports > 0)
    }

    pub(super) fn report(&mut self, status: ExporterStatus, message: String) {
        self.reported.push((status, message.clone()));
        (self.status, self.message) = (status, message);
        self.sign_of_life();
    }

    /// Opens a Status stream: the present state at once, then every change.
    pub(super) fn watch(&mut self) -> Heard<StatusResponse> {
        self.sign_of_life();
        if self.status == ExporterStatus::Offline {
            (self.status, self.message) = (ExporterStatus::Unspecified, String::new());
        }
        let (told, heard) = mpsc::channel(UNREAD);
        told.try_send(Ok(self.shown.clone())).expect("it is empty");
        self.watchers.push(told);
        heard
    }

    /// Ends every stream of a kind, with an error or in good order.
    pub(super) fn hang_up(&mut self, rpc: Rpc, error: Option<&Status>) {
        fn end<T>(told: &Told<T>, error: Option<&Status>) {
            if let Some(status) = error {
                // One that does not read is dropped, which ends it too.
                told.try_send(Err(status.clone())).ok();
            }
        }
        match rpc {
            Rpc::Status => self.watchers.drain(..).for_each(|told| end(&told, error)),
            Rpc::Listen => self
                .listeners
                .drain()
                .for_each(|(_, told)| end(&told, error)),
            other => panic!("{other:?} is no stream of the controller"),
        }
    }

    /// One lease ends and the next begins, and nobody says `leased=false` in between.
    pub(super) fn jump(&mut self, next: Lease) {
        for lease in &mut self.leases {
            lease.end("Released", "The lease was marked for release");
        }
        self.leases.push(next);
        if let Some(next) = self.leases.last_mut() {
            next.begin();
        }
    }

    fn settle(&mut self) {
        let now = SystemTime::now();
        for lease in &mut self.leases {
            if lease.due().is_some_and(|due| due <= now) {
                lease.end("Expired", "The lease has expired");
            }
        }
        self.tell();
        self.schedule();
        self.tell();
    }

    fn tell(&mut self) {
        let present = self.present();
        if present != self.shown {
            self.watchers
                .retain(|watcher| watcher.try_send(Ok(present.clone())).is_ok());
            self.shown = present;
        }
    }

    fn schedule(&mut self) {
        use ExporterStatus::{Available, Unspecified};
        let refused = if !self.is_registered() || !self.is_online() {
            Some(("Offline", "none of them are online"))
        } else if self.active().is_some() {
            Some(("NotAvailable", "but all of them are already leased"))
        } else if !matches!(self.status, Available | Unspecified) {
            Some(("NotReady", "none are ready"))
        } else {
            None
        };
        let label = |key: &str| super::LABELS.iter().find(|(k, _)| *k == key).map(|l| l.1);
        let mut free = refused.is_none();
        let waiting = self.leases.iter_mut().filter(|lease| lease.is_pending());
        for lease in waiting.filter(|lease| lease.selector.matches(label)) {
            match refused {
                _ if free => {
                    lease.begin();
                    free = false;
                }
                None => lease.wait("NotAvailable", "but all of them are already leased"),
                Some((reason, message)) => {
                    lease.wait(
                        reason,
                        &format!("There is 1 exporter (`{EXPORTER}`), {message}"),
                    );
                }
            }
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

/// Notes in the journal that a stream has ended, when it is dropped.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) world: std::sync::Arc<World>,
    pub(super) rpc: Rpc,
    pub(super) kind: Kind,
    pub(super) said: Said,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.world.note(Call {
            rpc: self.rpc,
            kind: self.kind,
            metadata: Vec::new(),
            said: self.said.clone(),
            begins: false,
            at: Instant::now(),
        });
    }
}
