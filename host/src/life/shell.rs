//! The loop around the machine: what happens becomes an event, what it answers is done.

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::{ExporterStatus, StatusResponse};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::ExporterConfig;
use crate::failure::RapidFailures;
use crate::journal::Journal;
use crate::lease::{Event, Life, Mode, Setup, Stopping};
use crate::notify;
use crate::plugin::Registry;

use super::current::{Current, Stage};
use super::hosted::HostError;
use super::news::News;
use super::perform::LEAVE_IN_A_HURRY;
use super::registration::Registration;
use super::tasks::Tasks;
use super::{Exporter, LifeError, Side, Stop};

/// What may wait for the loop. It is quick, so this is plenty.
const NEWS: usize = 64;
/// How long what is left of the process may take to end: the collector of log lines gets its last.
const END_WITHIN: Duration = Duration::from_secs(11);
/// The same when somebody does not want to wait.
const DROP_WITHIN: Duration = Duration::from_millis(300);
/// How long a stop waits for drivers that are being opened.
pub(super) const LAST_MOMENT: Duration = Duration::from_millis(200);

/// The machine and everything it moves.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) config: Arc<ExporterConfig>,
    pub(super) registry: Arc<Registry>,
    pub(super) side: Side,
    pub(super) machine: Life,
    pub(super) journal: Journal,
    pub(super) failures: RapidFailures,
    pub(super) current: Option<Current>,
    /// Gives up telling the controller that a lease is over.
    pub(super) release: Option<CancellationToken>,
    /// What belongs to no lease, or has to outlive it.
    pub(super) tasks: Tasks,
    /// Drivers that are being opened; foreign code may keep them for ever.
    pub(super) openings: Tasks,
    pub(super) news: mpsc::Sender<News>,
    inbox: mpsc::Receiver<News>,
    /// The last of what it has shown that was worth a line in the log.
    pub(super) shown: Option<StatusResponse>,
    /// How often somebody asked for the end, now.
    pub(super) stops: u32,
    /// Why the only session there is could not be opened.
    pub(super) failure: Option<HostError>,
}

// === impl Shell ===

impl Shell {
    pub(super) fn new(exporter: Exporter) -> Self {
        let Exporter {
            config,
            registry,
            side,
            exit_on_lease_end,
        } = exporter;
        let mode = match side {
            Side::Port(_) => Mode::Direct,
            Side::Controller(_) => Mode::Controller,
        };
        let (news, inbox) = mpsc::channel(NEWS);
        Self {
            machine: Life::new(Setup::new(mode, &config.hooks, exit_on_lease_end)),
            journal: Journal::of(&config.metadata),
            failures: RapidFailures::new(config.failure_detection),
            config: Arc::new(config),
            registry: Arc::new(registry),
            side,
            current: None,
            release: None,
            tasks: Tasks::default(),
            openings: Tasks::default(),
            news,
            inbox,
            shown: None,
            stops: 0,
            failure: None,
        }
    }

    /// Lives until the machine says that it is over, or until somebody loses patience.
    pub(super) async fn run(
        mut self,
        mut stops: mpsc::Receiver<Stop>,
        force: CancellationToken,
    ) -> Result<u8, LifeError> {
        let code = tokio::select! {
            biased;
            () = force.cancelled() => None,
            code = self.live(&mut stops) => Some(code),
        };
        let patience = match code {
            Some(_) if self.stops < 2 => END_WITHIN,
            _ => DROP_WITHIN,
        };
        self.end(patience).await;
        match (self.failure, code) {
            (Some(error), _) => Err(LifeError::Open(error)),
            (None, Some(code)) => Ok(code),
            (None, None) => Err(LifeError::Forced),
        }
    }

    async fn live(&mut self, stops: &mut mpsc::Receiver<Stop>) -> u8 {
        if let Some(code) = self.start().await {
            return code;
        }
        loop {
            let over = tokio::select! {
                biased;
                Some(stop) = stops.recv() => self.stop(stop).await,
                Some(news) = self.inbox.recv() => self.hear(news).await,
            };
            if let Some(code) = over {
                return code;
            }
        }
    }

    /// Lets the machine know, and does what follows; the exit code once everything is over.
    pub(super) async fn on(&mut self, event: Event) -> Option<u8> {
        tracing::trace!(?event, "event");
        for action in self.machine.on(event) {
            tracing::trace!(?action, "action");
            if let Some(code) = self.perform(action).await {
                return Some(code);
            }
        }
        None
    }

    async fn start(&mut self) -> Option<u8> {
        self.tasks.spawn(notify::stay_alive());
        match &self.side {
            Side::Port(_) => self.on(Event::Start).await,
            Side::Controller(link) => {
                let registration = Registration {
                    config: Arc::clone(&self.config),
                    registry: Arc::clone(&self.registry),
                    link: link.clone(),
                    news: self.news.clone(),
                };
                let ending = self.tasks.ending();
                self.tasks.spawn_lasting(registration.run(ending));
                None
            }
        }
    }

    async fn stop(&mut self, stop: Stop) -> Option<u8> {
        let Stop { how, code, signal } = stop;
        match (how, &self.side) {
            (Stopping::Now, _) if self.stops > 0 => tracing::warn!(signal, "Stopping at once"),
            (_, Side::Port(_)) => tracing::info!(signal, "Stopping exporter"),
            (Stopping::AfterLease, _) => {
                tracing::info!(signal, "Exporter marked for stop upon lease exit");
            }
            (Stopping::Now, _) => tracing::info!(
                signal,
                "Stopping exporter immediately, unregistering from controller"
            ),
        }
        if how == Stopping::Now || matches!(self.side, Side::Port(_)) {
            self.hurry();
            notify::stopping();
        }
        self.on(Event::Stop { how, code }).await
    }

    /// From here on foreign code is not waited for that opens drivers; and the second time not even
    /// for their end.
    pub(super) fn hurry(&mut self) {
        self.stops += 1;
        let Some(current) = &self.current else {
            return;
        };
        match current.stage {
            Stage::Unwanted => self.closed_after(LAST_MOMENT, current.id),
            Stage::Closing if self.stops > 1 => self.closed_after(Duration::ZERO, current.id),
            _ => {}
        }
    }

    /// Ends what is left, and closes what was opened too late.
    async fn end(&mut self, patience: Duration) {
        let openings = std::mem::take(&mut self.openings);
        openings.end_within(LAST_MOMENT).await;
        self.inbox.close();
        while let Ok(news) = self.inbox.try_recv() {
            if let News::Opened(_, Ok(hosted)) = news {
                self.tasks.spawn_lasting(hosted.close());
            }
        }
        if let Some(mut current) = self.current.take() {
            self.tasks.spawn_lasting(current.close().wind_up());
        }
        std::mem::take(&mut self.tasks).end_within(patience).await;
        if let Side::Controller(link) = &self.side {
            // It has taken leave already, unless it was stopped while it registered: then the
            // controller may know it all the same.
            timeout(patience.min(LEAVE_IN_A_HURRY), link.leave())
                .await
                .ok();
        }
    }
}

/// Does what takes as long as the disk does. None if it failed, which is said in the log: a lease
/// goes on without its journal.
pub(super) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Option<T>
where
    T: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Some(done),
        Ok(Err(error)) => {
            tracing::warn!(
                "{error}; after a crash afterLease may be missed, or run twice. Make room there, or \
                 set XDG_STATE_HOME to a folder of yours"
            );
            None
        }
        Err(error) => {
            tracing::error!("the journal of open leases broke: {error}");
            None
        }
    }
}

/// Tells the service manager in one line.
pub(super) fn tell_manager(status: ExporterStatus, message: &str) {
    let name = status.as_str_name();
    let name = name.strip_prefix("EXPORTER_STATUS_").unwrap_or(name);
    notify::status(&format!("{name}: {message}"));
}
