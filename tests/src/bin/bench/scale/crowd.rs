//! A thousand exporters that are there, and come back.

use std::time::{Duration, Instant};

use jumpstarter_proto::v1::StatusResponse;
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::hub::Dummy;

/// Words that wait to be read; all exporters together say less at once.
const QUEUE: usize = 65_536;
/// Connections that are being made at the same time.
const AT_ONCE: usize = 64;
/// Until the next attempt; real exporters wait longer.
const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(120);

/// An exporter was told something.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) exporter: String,
    pub(super) status: StatusResponse,
    pub(super) at: Instant,
    /// The first that was said on a connection.
    first: bool,
}

/// All of them; dropping it ends them.
#[derive(Debug)]
pub(super) struct Crowd {
    words: mpsc::Receiver<Word>,
    count: usize,
    _exporters: JoinSet<()>,
}

// === impl Crowd ===

impl Crowd {
    /// All come, and are there when this returns.
    pub(super) async fn arrive(dummies: Vec<Dummy>) -> Self {
        let (say, words) = mpsc::channel(QUEUE);
        let count = dummies.len();
        let door = std::sync::Arc::new(Semaphore::new(AT_ONCE));
        let mut exporters = JoinSet::new();
        for dummy in dummies {
            let (say, door) = (say.clone(), std::sync::Arc::clone(&door));
            exporters.spawn(async move {
                loop {
                    stay(&dummy, &door, &say).await;
                    sleep(PAUSE).await;
                    dummy.renew();
                }
            });
        }
        let mut crowd = Self {
            words,
            count,
            _exporters: exporters,
        };
        crowd.come_back().await;
        crowd
    }

    /// Waits until all have been told something on a new connection, and how long that took.
    pub(super) async fn come_back(&mut self) -> Duration {
        let started = Instant::now();
        let mut come = 0;
        while come < self.count {
            come += usize::from(self.word().await.first);
        }
        started.elapsed()
    }

    /// The next that anybody is told.
    pub(super) async fn word(&mut self) -> Word {
        let word = timeout(PATIENCE, self.words.recv()).await;
        word.expect("somebody is told something")
            .expect("the crowd is there")
    }

    /// Waits until an exporter that was not leased is, and says which and when.
    pub(super) async fn leased(&mut self, wanted: impl Fn(&Word) -> bool) -> Word {
        loop {
            let word = self.word().await;
            if word.status.leased && wanted(&word) {
                return word;
            }
        }
    }

    /// Forgets what was said so far.
    pub(super) fn forget(&mut self) {
        while self.words.try_recv().is_ok() {}
    }
}

/// As long as the connection lasts.
async fn stay(dummy: &Dummy, door: &Semaphore, say: &mpsc::Sender<Word>) {
    let arrived = {
        let _turn = door.acquire().await;
        dummy.arrive().await
    };
    let Ok(mut statuses) = arrived else { return };
    let mut first = true;
    while let Ok(Some(status)) = statuses.message().await {
        let word = Word {
            exporter: dummy.name().to_owned(),
            status,
            at: Instant::now(),
            first,
        };
        first = false;
        if say.send(word).await.is_err() {
            return;
        }
    }
}
