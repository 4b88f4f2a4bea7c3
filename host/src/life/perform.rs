//! What the machine wants done. Everything that takes time becomes a task that tells its end.

use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::hook::Job;
use crate::journal::Entry;
use crate::lease::{Action, Event, LeaseId, Timer, When};
use crate::listen::Folder;
use crate::session::Kind;
use crate::{notify, sidecar};

use super::Side;
use super::current::{Current, Stage};
use super::hosted::Hosted;
use super::news::News;
use super::shell::{LAST_MOMENT, Shell, blocking, tell_manager};

/// How long a lease that is over waits for its drivers to open, so that they can be closed before
/// the next lease opens them again.
const OPEN_WITHIN: Duration = Duration::from_secs(30);
/// How long the controller is told that the exporter goes, if somebody has asked twice for its end,
/// or if it may not even know that there is one.
pub(super) const LEAVE_IN_A_HURRY: Duration = Duration::from_secs(2);

// === impl Shell ===

impl Shell {
    /// Does it, or begins it. The exit code if that was the last there is to do.
    pub(super) async fn perform(&mut self, action: Action) -> Option<u8> {
        match action {
            Action::Open { id, lease, client } => self.open(id, lease, client),
            Action::Client { id, client } => {
                if let Some(current) = self.lease(id) {
                    current.belongs_to(client);
                }
            }
            Action::Journal {
                lease,
                client,
                after_started,
            } => {
                let journal = self.journal.clone();
                let entry = Entry {
                    lease,
                    client,
                    after_started,
                };
                blocking(move || journal.write(&entry)).await;
            }
            Action::Forget => {
                let journal = self.journal.clone();
                blocking(move || journal.forget()).await;
            }
            Action::Report { status, message } => {
                if let Side::Controller(link) = &self.side {
                    link.report(status, message.as_str());
                }
                self.show(status, &message);
            }
            Action::Show { status, message } => self.show(status, &message),
            Action::Run(id, when) => self.run_hook(id, when),
            Action::Kill(id, _) => {
                if let Some(hook) = self.lease(id).and_then(|current| current.hook.take()) {
                    hook.cancel();
                }
            }
            Action::Wait(id, timer, time) => self.wait(id, timer, time),
            Action::Release { id, lease } => self.give_back(id, lease),
            Action::Close(id) => self.close(id),
            Action::Offline => self.take_leave(),
            Action::Sidecar => {
                tracing::info!("Exporter configured to exit after lease, shutting down");
                sidecar::shutdown().await;
            }
            Action::Exit(code) => return Some(code),
        }
        None
    }

    fn lease(&mut self, id: LeaseId) -> Option<&mut Current> {
        self.current.as_mut().filter(|current| current.id == id)
    }

    fn open(&mut self, id: LeaseId, lease: String, client: String) {
        let mut current = Current::new(id, lease, client);
        let kind = match &self.side {
            Side::Port(_) => Kind::Direct,
            Side::Controller(_) => {
                current.describe(self.details_of(&current.name));
                let (status, message) = self.machine.status();
                current.say(status, message);
                tracing::info!("Starting new lease: {}", current.name);
                Kind::Leased
            }
        };
        let folder = Folder::create().map(Arc::new);
        current.folder = folder.as_ref().ok().cloned();
        self.current = Some(current);
        let config = Arc::clone(&self.config);
        let registry = Arc::clone(&self.registry);
        let news = self.news.clone();
        // Not dropped half-way: what has been opened is closed.
        self.openings.spawn_lasting(async move {
            let opened = match folder {
                Ok(folder) => Hosted::open(&config, &registry, kind, folder).await,
                Err(error) => Err(error.into()),
            };
            let opened = opened.map(Box::new);
            if let Err(unheard) = news.send(News::Opened(id, opened)).await
                && let News::Opened(_, Ok(hosted)) = unheard.0
            {
                hosted.close().await;
            }
        });
    }

    fn show(&mut self, status: ExporterStatus, message: &str) {
        if let Some(current) = &mut self.current {
            current.say(status, message);
        }
        tell_manager(status, message);
    }

    fn run_hook(&mut self, id: LeaseId, when: When) {
        let hook = match when {
            When::Before => self.config.hooks.before_lease.clone(),
            When::After => self.config.hooks.after_lease.clone(),
        };
        let news = self.news.clone();
        let Some(current) = self.lease(id) else {
            return;
        };
        let (Some(hook), Some(hosted)) = (hook, current.open()) else {
            return;
        };
        let job = Job {
            hook,
            when,
            lease: current.name.clone(),
            client: current.client.clone(),
            socket: hosted.socket(),
        };
        let cancel = CancellationToken::new();
        current.hook = Some(cancel.clone());
        current.tasks.spawn(async move {
            let ran = job.run(cancel).await;
            // Nobody listens any more when the process ends.
            news.send(News::Ran(id, when, ran)).await.ok();
        });
    }

    fn wait(&mut self, id: LeaseId, timer: Timer, time: Duration) {
        self.send(id, async move {
            sleep(time).await;
            Event::Timeout(id, timer)
        });
        let session = self.lease(id).and_then(|current| current.open());
        if let (Timer::Settle, Some(hosted)) = (timer, session) {
            let session = Arc::clone(&hosted.session);
            self.send(id, async move {
                session.have_read().await;
                Event::Seen(id)
            });
        }
    }

    fn give_back(&mut self, id: LeaseId, lease: String) {
        let Side::Controller(link) = &self.side else {
            return;
        };
        let link = link.clone();
        let (status, _) = self.machine.status();
        let giving_up = CancellationToken::new();
        self.release = Some(giving_up.clone());
        let news = self.news.clone();
        self.tasks.spawn(async move {
            let release = link.release(&lease, status);
            giving_up.run_until_cancelled(release).await;
            // Nobody listens any more when the process ends.
            news.send(News::Event(Event::Released(id))).await.ok();
        });
    }

    fn close(&mut self, id: LeaseId) {
        if let Some(release) = self.release.take() {
            release.cancel();
        }
        let Some(current) = self.lease(id) else {
            self.closed_after(Duration::ZERO, id);
            return;
        };
        let remains = current.close();
        let unwanted = matches!(current.stage, Stage::Unwanted);
        let news = self.news.clone();
        self.tasks.spawn_lasting(async move {
            remains.wind_up().await;
            if !unwanted {
                // Nobody listens any more when the process ends.
                news.send(News::Event(Event::Closed(id))).await.ok();
            }
        });
        if unwanted {
            let limit = match self.stops {
                0 => OPEN_WITHIN,
                _ => LAST_MOMENT,
            };
            self.closed_after(limit, id);
        }
    }

    /// Counts as closed then at the latest.
    pub(super) fn closed_after(&self, limit: Duration, id: LeaseId) {
        let news = self.news.clone();
        self.tasks.spawn(async move {
            sleep(limit).await;
            // Nobody listens any more when the process ends.
            news.send(News::Event(Event::Closed(id))).await.ok();
        });
    }

    fn take_leave(&mut self) {
        // Not before: an exporter that waits for the end of its lease may take hours.
        notify::stopping();
        let link = match &self.side {
            Side::Controller(link) => Some(link.clone()),
            Side::Port(_) => None,
        };
        let limit = match self.stops {
            0 | 1 => Duration::MAX,
            _ => LEAVE_IN_A_HURRY,
        };
        let news = self.news.clone();
        self.tasks.spawn(async move {
            if let Some(link) = link {
                // Whether or not the controller has heard it: this was the last word.
                timeout(limit, link.leave()).await.ok();
            }
            // Nobody listens any more when the process ends.
            news.send(News::Event(Event::Gone)).await.ok();
        });
    }

    /// Sends the event when it comes, unless the lease is over before.
    fn send(&mut self, id: LeaseId, event: impl Future<Output = Event> + Send + 'static) {
        let news = self.news.clone();
        let current = self.current.as_ref().filter(|current| current.id == id);
        let tasks = current.map_or(&self.tasks, |current| &current.tasks);
        tasks.spawn(async move {
            let event = event.await;
            // Nobody listens any more when the process ends.
            news.send(News::Event(event)).await.ok();
        });
    }
}
