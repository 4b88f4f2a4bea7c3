//! What the tasks have to tell, and what it means for the machine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_proto::v1::StatusResponse;
use tokio::sync::oneshot;

use crate::failure::Verdict;
use crate::hook::Ran;
use crate::lease::{Event, LeaseId, Stopping, Timer, When};
use crate::listen::Address;
use crate::{log, notify};

use super::current::{Current, Stage};
use super::hosted::{HostError, Hosted};
use super::news::News;
use super::registration::Unregistered;
use super::shell::{Shell, blocking};
use super::{Side, listening, telemetry};

// === impl Shell ===

impl Shell {
    pub(super) async fn hear(&mut self, news: News) -> Option<u8> {
        match news {
            News::Event(event) => self.happened(event).await,
            News::Registered => self.registered().await,
            News::Unregistered(Unregistered { why, after }) => {
                tracing::error!("The exporter is not registered: {why}");
                self.failed(after).await
            }
            News::Status(status) => self.status(status).await,
            News::Opened(id, Ok(hosted)) => self.opened(id, hosted).await,
            News::Opened(id, Err(error)) => self.unopened(id, error).await,
            News::Tunnel(id, stream) => {
                let current = self.current.as_ref().filter(|current| current.id == id);
                if let Some(hosted) = current.and_then(Current::open) {
                    let calls = hosted.rpc.for_clients(None);
                    hosted.server.serve_stream(*stream, calls);
                }
                None
            }
            News::Ran(id, when, ran) => self.ran(id, when, ran).await,
        }
    }

    async fn happened(&mut self, event: Event) -> Option<u8> {
        let mut failed = None;
        match event {
            Event::Closed(id) => drop(self.current.take_if(|current| current.id == id)),
            Event::Timeout(id, Timer::Opening) => {
                let current = self.current.as_ref().filter(|current| current.id == id);
                failed = current
                    .filter(|current| matches!(current.stage, Stage::Opening))
                    .map(|current| current.since.elapsed());
            }
            _ => {}
        }
        let over = self.on(event).await;
        match (over, failed) {
            (None, Some(after)) => self.failed(after).await,
            _ => over,
        }
    }

    async fn registered(&mut self) -> Option<u8> {
        let Side::Controller(link) = &self.side else {
            return None;
        };
        let link = link.clone();
        self.failures.succeeded();
        notify::ready();
        let journal = self.journal.clone();
        let entry = blocking(move || journal.load()).await;
        if let Some(Some(entry)) = entry {
            tracing::warn!(
                "The last exporter ended in the middle of the lease {}",
                entry.lease
            );
            let event = Event::Recovered {
                lease: entry.lease,
                client: entry.client,
                after_started: entry.after_started,
            };
            if let Some(code) = self.on(event).await {
                return Some(code);
            }
        }
        if let Some(code) = self.on(Event::Start).await {
            return Some(code);
        }
        let (endpoints, asked) = oneshot::channel();
        self.tasks.spawn(listening::watch_status(
            link.clone(),
            endpoints,
            self.news.clone(),
        ));
        let config = Arc::clone(&self.config);
        let ending = self.tasks.ending();
        self.tasks
            .spawn_lasting(telemetry::push(asked, config, ending));
        None
    }

    async fn status(&mut self, status: StatusResponse) -> Option<u8> {
        if self.shown.as_ref() != Some(&status) {
            if status.leased {
                tracing::info!(
                    "Currently leased by {} under {}",
                    status.client_name(),
                    status.lease_name()
                );
            } else {
                tracing::info!("Currently not leased");
            }
            self.shown = Some(status.clone());
        }
        let event = Event::Status {
            leased: status.leased,
            lease: status.lease_name().to_owned(),
            client: status.client_name().to_owned(),
        };
        let over = self.on(event).await;
        if let Some(current) = &mut self.current
            && status.lease_name() == current.name
        {
            current.describe(details(&status));
        }
        over
    }

    /// What the controller has to say about a lease that it shows.
    pub(super) fn details_of(&self, lease: &str) -> BTreeMap<String, String> {
        let shown = self.shown.as_ref();
        let shown = shown.filter(|status| status.leased && status.lease_name() == lease);
        shown.map(details).unwrap_or_default()
    }

    async fn opened(&mut self, id: LeaseId, hosted: Box<Hosted>) -> Option<u8> {
        let current = self.current.as_mut().filter(|current| current.id == id);
        let Some(current) = current.filter(|current| matches!(current.stage, Stage::Opening))
        else {
            // The lease was over before it began.
            let news = self.news.clone();
            self.tasks.spawn_lasting(async move {
                hosted.close().await;
                news.send(News::Event(Event::Closed(id))).await.ok();
            });
            return None;
        };
        let socket = hosted.socket();
        current.opened(hosted);
        let hosted = current.open()?;
        let session = Arc::clone(&hosted.session);
        let news = self.news.clone();
        current.tasks.spawn(async move {
            session.ended().await;
            // Nobody listens any more when the process ends.
            news.send(News::Event(Event::EndSession(id))).await.ok();
        });
        match &mut self.side {
            Side::Controller(link) => {
                self.failures.succeeded();
                tracing::info!("Session serving on hook={}", socket.display());
                let listening = listening::listen(link.clone(), id, &current.name);
                current.tasks.spawn(listening.run(self.news.clone()));
                self.on(Event::SessionReady(id)).await
            }
            Side::Port(_) => {
                // Before anybody is let in, and told: the first question of the first client finds the
                // status that follows from the start.
                let over = self.on(Event::SessionReady(id)).await;
                if let Some(address) = self.let_in() {
                    tracing::info!(
                        "Session server started on {address} and unix://{}",
                        socket.display()
                    );
                    notify::ready();
                }
                over
            }
        }
    }

    /// Serves the port, if there is one and a session behind it; its address.
    fn let_in(&mut self) -> Option<&Address> {
        let hosted = self.current.as_ref()?.open()?;
        let Side::Port(port) = &mut self.side else {
            return None;
        };
        if let Some(listener) = port.listener.take() {
            let rpc = hosted.rpc.for_clients(port.passphrase.take());
            hosted.server.serve_tcp(listener, port.tls.take(), rpc);
        }
        Some(&port.address)
    }

    async fn unopened(&mut self, id: LeaseId, error: HostError) -> Option<u8> {
        let current = self.current.as_mut().filter(|current| current.id == id)?;
        if matches!(current.stage, Stage::Unwanted) {
            return self.happened(Event::Closed(id)).await;
        }
        current.stage = Stage::Unopened;
        let after = current.since.elapsed();
        let event = Event::SessionFailed(id, error.to_string());
        match &self.side {
            // There will be no other try, and the one who typed the command waits for an answer.
            Side::Port(_) => {
                self.failure = Some(error);
                self.on(event).await
            }
            Side::Controller(_) => {
                tracing::error!("The session could not be opened: {error}");
                if let Some(code) = self.on(event).await {
                    return Some(code);
                }
                self.failed(after).await
            }
        }
    }

    /// Something failed that has to work. So often, and somebody has to look.
    pub(super) async fn failed(&mut self, after: Duration) -> Option<u8> {
        match self.failures.failed(after) {
            Verdict::Again => None,
            Verdict::TooMany => {
                log::print(&self.failures.farewell());
                self.hurry();
                let how = Stopping::Now;
                self.on(Event::Stop { how, code: 1 }).await
            }
        }
    }

    async fn ran(&mut self, id: LeaseId, when: When, ran: Ran) -> Option<u8> {
        let Ran { ended, motd } = ran;
        if let Some(current) = self.current.as_mut().filter(|current| current.id == id) {
            current.hook = None;
            if let (Some(hosted), Some(motd)) = (current.open(), motd) {
                hosted.session.append_motd(&motd);
            }
        }
        self.on(Event::HookEnded(id, when, ended)).await
    }
}

fn details(status: &StatusResponse) -> BTreeMap<String, String> {
    let context = status.context.iter();
    context
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
