//! Who has shown a sign of life, and when. In memory only: a thousand exporters say something every few
//! seconds, and the database need not know each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Time, Uid};

/// Without a sign of life for longer than this, an exporter is offline.
pub(super) const OFFLINE_AFTER: Duration = Duration::from_secs(60);

/// The signs of life of all exporters.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence(Arc<Mutex<HashMap<Uid, Signs>>>);

#[derive(Debug)]
struct Signs {
    /// Open streams; as long as there is one, the exporter is there.
    streams: usize,
    last: Instant,
    /// The same for people.
    at: Time,
}

/// An exporter is there for as long as this is kept.
#[derive(Debug)]
pub struct Present {
    presence: Presence,
    uid: Uid,
}

// === impl Presence ===

impl Presence {
    /// Something was heard.
    pub(super) fn sign(&self, uid: Uid) {
        let mut all = self.lock();
        let signs = all.entry(uid).or_insert_with(Signs::new);
        (signs.last, signs.at) = (Instant::now(), Time::now());
    }

    /// A stream is open.
    pub(super) fn open(&self, uid: Uid) -> Present {
        self.sign(uid);
        self.lock().entry(uid).or_insert_with(Signs::new).streams += 1;
        Present {
            presence: self.clone(),
            uid,
        }
    }

    /// It has been told that this one is silent. Whoever comes back meanwhile is not forgotten.
    pub(super) fn forget_silent(&self, uid: Uid) {
        let now = Instant::now();
        let mut all = self.lock();
        if all.get(&uid).is_some_and(|signs| signs.are_old(now)) {
            all.remove(&uid);
        }
    }

    /// Those that have been silent for too long.
    pub(super) fn silent(&self) -> Vec<Uid> {
        let now = Instant::now();
        let all = self.lock();
        all.iter()
            .filter(|(_, signs)| signs.are_old(now))
            .map(|(uid, _)| *uid)
            .collect()
    }

    /// When each was last there.
    pub(super) fn seen(&self) -> Vec<(Uid, Time)> {
        let all = self.lock();
        all.iter().map(|(uid, signs)| (*uid, signs.at())).collect()
    }

    /// When this one was last there, if it has been since the program started.
    pub(super) fn last(&self, uid: Uid) -> Option<Time> {
        self.lock().get(&uid).map(Signs::at)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uid, Signs>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Signs ===

impl Signs {
    fn new() -> Self {
        Self {
            streams: 0,
            last: Instant::now(),
            at: Time::now(),
        }
    }

    fn are_old(&self, now: Instant) -> bool {
        self.streams == 0 && now.saturating_duration_since(self.last) > OFFLINE_AFTER
    }

    fn at(&self) -> Time {
        match self.streams {
            0 => self.at,
            _ => Time::now(),
        }
    }
}

// === impl Present ===

impl Drop for Present {
    fn drop(&mut self) {
        let mut all = self.presence.lock();
        if let Some(signs) = all.get_mut(&self.uid) {
            signs.streams = signs.streams.saturating_sub(1);
            (signs.last, signs.at) = (Instant::now(), Time::now());
        }
    }
}
