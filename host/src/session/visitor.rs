//! Somebody who is connected to a session: through which door, and what they have read.
//!
//! The door decides when drivers may be called: hooks call them while clients still wait, or have
//! gone. What clients have read decides how long a session stays open after its last notice: until
//! they know how it ended, and no longer.

use std::collections::BTreeMap;
use std::sync::Arc;

use jumpstarter_proto::v1::ExporterStatus;
use tokio::sync::watch;

use super::{NotReady, Notice, Session};

/// Who comes through a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever holds the lease.
    Client,
    /// Hooks, which the exporter runs itself, on this machine.
    Hook,
}

/// One connection.
#[derive(Debug)]
pub struct Visitor {
    session: Arc<Session>,
    audience: Audience,
    /// Its number among the clients.
    client: Option<u64>,
}

/// The clients that are connected now.
#[derive(Debug, Default)]
pub(super) struct Clients(watch::Sender<Present>);

#[derive(Debug, Default)]
struct Present {
    /// How many there have been.
    came: u64,
    /// The version of the notice each of them has read last, if any.
    read: BTreeMap<u64, Option<u64>>,
}

// === impl Visitor ===

impl Visitor {
    /// Somebody who has just connected. Dropping it means they are gone.
    pub fn new(session: Arc<Session>, audience: Audience) -> Self {
        let client = (audience == Audience::Client).then(|| session.clients.came());
        Self {
            session,
            audience,
            client,
        }
    }

    /// The session they are connected to.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Whether they may call drivers now.
    ///
    /// # Errors
    ///
    /// Not yet, or no more.
    pub fn admitted(&self) -> Result<(), NotReady> {
        self.session.board.admits_calls(self.audience)
    }

    /// What the board says, for them to read.
    pub fn read(&self) -> Notice {
        let notice = self.session.board.read();
        if let Some(client) = self.client {
            self.session.clients.read(client, notice.version);
        }
        notice
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if let Some(client) = self.client {
            self.session.clients.left(client);
        }
    }
}

// === impl Clients ===

impl Clients {
    fn came(&self) -> u64 {
        let mut number = 0;
        self.0.send_modify(|present| {
            number = present.came;
            present.came += 1;
            present.read.insert(number, None);
        });
        number
    }

    fn left(&self, client: u64) {
        self.0.send_modify(|present| {
            present.read.remove(&client);
        });
    }

    fn read(&self, client: u64, version: u64) {
        self.0.send_if_modified(|present| {
            present
                .read
                .insert(client, Some(version))
                .is_none_or(|before| before != Some(version))
        });
    }

    /// Resolves when nobody is left who has yet to read this notice.
    pub(super) async fn have_read(&self, notice: &Notice) {
        let mut present = self.0.subscribe();
        // Fails only once the sender is gone, and that is us.
        present.wait_for(|present| present.know(notice)).await.ok();
    }
}

// === impl Present ===

impl Present {
    fn know(&self, notice: &Notice) -> bool {
        if notice.status == ExporterStatus::BeforeLeaseHookFailed {
            // Whoever waits for a hook that has failed at once is still on the way here; and the
            // first time clients ask they only look whether anybody answers.
            return false;
        }
        if self.read.is_empty() {
            return true;
        }
        // Who never asks does not want to know, as long as somebody does.
        let mut versions = self.read.values().flatten().peekable();
        versions.peek().is_some() && versions.all(|version| *version >= notice.version)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use jumpstarter_proto::v1::ExporterStatus;

    use super::{Clients, Notice};

    fn last(status: ExporterStatus) -> Notice {
        Notice {
            status,
            message: String::new(),
            version: 3,
            previous: None,
        }
    }

    fn know(clients: &Clients, status: ExporterStatus) -> bool {
        clients.0.borrow().know(&last(status))
    }

    #[test]
    fn nobody_there_has_nothing_to_read() {
        let clients = Clients::default();
        assert!(know(&clients, ExporterStatus::Available));
        assert!(know(&clients, ExporterStatus::AfterLeaseHookFailed));
    }

    #[test]
    fn a_failed_hook_is_shown_for_as_long_as_there_is_time() {
        let clients = Clients::default();
        let failed = ExporterStatus::BeforeLeaseHookFailed;
        assert!(!know(&clients, failed));
        let client = clients.came();
        assert!(!know(&clients, failed));
        clients.read(client, 3);
        assert!(!know(&clients, failed));
        clients.left(client);
        assert!(!know(&clients, failed));
    }

    #[test]
    fn all_who_ask_must_have_read_the_last_notice() {
        let clients = Clients::default();
        let available = ExporterStatus::Available;
        let (shell, other, _forward) = (clients.came(), clients.came(), clients.came());
        assert!(!know(&clients, available));
        clients.read(shell, 2);
        clients.read(other, 2);
        assert!(!know(&clients, available));
        clients.read(shell, 3);
        assert!(!know(&clients, available));
        clients.read(other, 4);
        assert!(know(&clients, available));
    }

    #[tokio::test]
    async fn who_leaves_is_not_waited_for() {
        let clients = Arc::new(Clients::default());
        let (shell, other) = (clients.came(), clients.came());
        clients.read(shell, 3);
        clients.read(other, 2);
        let waiting = tokio::spawn({
            let clients = Arc::clone(&clients);
            async move { clients.have_read(&last(ExporterStatus::Available)).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clients.left(other);
        waiting.await.unwrap();
    }
}
