//! Where a session stands, told to every client that asks.
//!
//! Clients compare versions to notice changes they slept through, so every notice counts, also one
//! that repeats the last.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jumpstarter_proto::v1::ExporterStatus;

use super::Audience;

/// The current notice and how many there were.
#[derive(Debug)]
pub struct Board {
    notice: Mutex<Notice>,
    /// The status of `notice` again, for those who want nothing else and want it at every call.
    status: AtomicI32,
}

/// What the board says at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Where the session stands.
    pub status: ExporterStatus,
    /// The same in words, or nothing.
    pub message: String,
    /// How many notices there were before.
    pub version: u64,
    /// Where the session stood before the last notice.
    pub previous: Option<ExporterStatus>,
}

/// Drivers cannot be called yet, or no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Exporter not ready for driver calls (status: {})", short(*.0))]
pub struct NotReady(pub ExporterStatus);

// === impl Board ===

impl Board {
    /// A session that exists and is not in use.
    pub fn new() -> Self {
        Self {
            notice: Mutex::new(Notice {
                status: ExporterStatus::Available,
                message: String::new(),
                version: 0,
                previous: None,
            }),
            status: AtomicI32::new(ExporterStatus::Available.into()),
        }
    }

    /// Says something new.
    pub fn post(&self, status: ExporterStatus, message: impl Into<String>) {
        let message = message.into();
        let mut notice = self.lock();
        let previous = Some(notice.status);
        let version = notice.version + 1;
        *notice = Notice {
            status,
            message,
            version,
            previous,
        };
        self.status.store(status.into(), Ordering::Release);
    }

    /// What it says now.
    pub fn read(&self) -> Notice {
        self.lock().clone()
    }

    /// Whether drivers may be called: by clients in a lease, by its hooks also before and after.
    pub fn admits_calls(&self, audience: Audience) -> Result<(), NotReady> {
        let status = ExporterStatus::try_from(self.status.load(Ordering::Acquire))
            .unwrap_or(ExporterStatus::Unspecified);
        match (status, audience) {
            (ExporterStatus::LeaseReady, _)
            | (ExporterStatus::BeforeLeaseHook | ExporterStatus::AfterLeaseHook, Audience::Hook) => {
                Ok(())
            }
            (status, _) => Err(NotReady(status)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Notice> {
        // Notices are replaced whole, so there is no half one after a panic.
        self.notice.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

/// `LEASE_READY` for `EXPORTER_STATUS_LEASE_READY`.
fn short(status: ExporterStatus) -> &'static str {
    let name = status.as_str_name();
    name.strip_prefix("EXPORTER_STATUS_").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jumpstarter_proto::v1::ExporterStatus::{
        AfterLeaseHook, AfterLeaseHookFailed, Available, BeforeLeaseHook, BeforeLeaseHookFailed,
        LeaseReady, Offline,
    };

    use super::{Board, NotReady};
    use crate::session::Audience::{Client, Hook};

    #[test]
    fn every_notice_counts() {
        let board = Board::new();
        let first = board.read();
        assert_eq!((first.status, first.version), (Available, 0));
        assert_eq!((first.previous, first.message.as_str()), (None, ""));

        board.post(LeaseReady, "Ready for commands");
        board.post(LeaseReady, "");
        let third = board.read();
        assert_eq!((third.status, third.version), (LeaseReady, 2));
        assert_eq!(third.previous, Some(LeaseReady));
        assert_eq!(third.message, "");
    }

    #[test]
    fn calls_need_a_lease() {
        let board = Board::new();
        let admits = |status, audience| {
            board.post(status, "");
            board
                .admits_calls(audience)
                .map_err(|error| error.to_string())
        };
        for audience in [Client, Hook] {
            assert_eq!(admits(LeaseReady, audience), Ok(()));
            for status in [
                Available,
                Offline,
                BeforeLeaseHookFailed,
                AfterLeaseHookFailed,
            ] {
                let error = admits(status, audience).unwrap_err();
                let name = super::short(status);
                assert_eq!(
                    error,
                    format!("Exporter not ready for driver calls (status: {name})")
                );
            }
        }
    }

    #[test]
    fn only_hooks_call_drivers_around_the_lease() {
        let board = Board::new();
        for status in [BeforeLeaseHook, AfterLeaseHook] {
            board.post(status, "");
            assert_eq!(board.admits_calls(Hook), Ok(()));
            assert_eq!(board.admits_calls(Client), Err(NotReady(status)));
        }
    }
}
