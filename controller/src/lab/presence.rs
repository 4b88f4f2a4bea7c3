//! Which exporters were heard of, and when. In memory only: a thousand exporters report every few
//! seconds, and the database need not know each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Time, Uid};

/// An exporter that was not heard of for longer than this is offline.
pub(super) const OFFLINE_AFTER: Duration = Duration::from_secs(60);

/// When each exporter was last heard of.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence(Arc<Mutex<HashMap<Uid, Signs>>>);

#[derive(Debug)]
struct Signs {
    /// The number of open Status streams; while there is one, the exporter is connected.
    streams: usize,
    last: Instant,
    /// The same moment by the wall clock.
    at: Time,
}

/// An exporter counts as connected while this is kept.
#[derive(Debug)]
pub struct Present {
    presence: Presence,
    uid: Uid,
}

// === impl Presence ===

impl Presence {
    /// Notes that an exporter was heard of.
    pub(super) fn sign(&self, uid: Uid) {
        let mut all = self.lock();
        let signs = all.entry(uid).or_insert_with(Signs::new);
        (signs.last, signs.at) = (Instant::now(), Time::now());
    }

    /// Notes that an exporter has opened a stream.
    pub(super) fn open(&self, uid: Uid) -> Present {
        self.sign(uid);
        self.lock().entry(uid).or_insert_with(Signs::new).streams += 1;
        Present {
            presence: self.clone(),
            uid,
        }
    }

    /// Forgets an exporter that was marked offline, unless it has come back meanwhile.
    pub(super) fn forget_silent(&self, uid: Uid) {
        let now = Instant::now();
        let mut all = self.lock();
        if all.get(&uid).is_some_and(|signs| signs.are_old(now)) {
            all.remove(&uid);
        }
    }

    /// The exporters that were not heard of for too long.
    pub(super) fn silent(&self) -> Vec<Uid> {
        let now = Instant::now();
        let all = self.lock();
        all.iter()
            .filter(|(_, signs)| signs.are_old(now))
            .map(|(uid, _)| *uid)
            .collect()
    }

    /// When each exporter was last heard of.
    pub(super) fn seen(&self) -> Vec<(Uid, Time)> {
        let all = self.lock();
        all.iter().map(|(uid, signs)| (*uid, signs.at())).collect()
    }

    /// When this exporter was last heard of, if ever since the program started.
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
