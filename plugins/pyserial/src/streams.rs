//! The streams that are open on one port, and which of them hears what the device says.
//!
//! A byte of a port can be read once. If several streams are open, it goes to the one that was
//! opened last among those whose clients still send; to the last of all if none does. So a console
//! that is opened beside a log takes over until it is left. Clients that close a stream often only
//! say that they send no more, and let go of the call much later: such a leftover takes nothing away
//! from its successors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tracing::info;

use crate::device::Device;

/// The open streams.
#[derive(Debug)]
pub(crate) struct Streams {
    list: Mutex<List>,
    /// The number of the one that hears the device.
    turn: watch::Sender<u64>,
}

/// The streams in the order in which they were opened.
#[derive(Debug, Default)]
struct List {
    open: Vec<Arc<Open>>,
    opened: u64,
}

/// An open stream.
#[derive(Debug)]
pub(crate) struct Open {
    number: u64,
    pub(crate) device: Device,
    closing: Notify,
    /// Its client sends no more.
    said_all: AtomicBool,
}

/// A stream for as long as it is in the list.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    streams: &'a Streams,
    url: &'a str,
    open: Arc<Open>,
}

/// Whose turn it is, as one stream sees it.
#[derive(Debug)]
pub(crate) struct Turn {
    number: u64,
    turn: watch::Receiver<u64>,
}

// === impl Streams ===

impl Default for Streams {
    fn default() -> Self {
        Self {
            list: Mutex::default(),
            turn: watch::Sender::new(0),
        }
    }
}

impl Streams {
    /// Lists a stream, until the answer is dropped.
    pub(crate) fn list<'a>(&'a self, url: &'a str, device: Device) -> Listed<'a> {
        let mut list = self.lock();
        list.opened += 1;
        let open = Arc::new(Open {
            number: list.opened,
            device,
            closing: Notify::new(),
            said_all: AtomicBool::new(false),
        });
        list.open.push(Arc::clone(&open));
        self.turn.send_replace(list.turn());
        Listed {
            streams: self,
            url,
            open,
        }
    }

    /// The one that was opened last.
    pub(crate) fn last(&self) -> Option<Arc<Open>> {
        self.lock().open.last().cloned()
    }

    /// Ends those whose clients send no more, and waits until their devices are let go of.
    pub(crate) async fn end_leftovers(&self) {
        let mut turn = self.turn.subscribe();
        loop {
            turn.mark_unchanged();
            let left: Vec<_> = self.lock().leftovers().cloned().collect();
            if left.is_empty() {
                return;
            }
            left.iter().for_each(|open| open.close());
            drop(left);
            // Every stream that leaves the list tells whose turn it is.
            if turn.changed().await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl List ===

impl List {
    /// Whose turn it is.
    fn turn(&self) -> u64 {
        let live = self.open.iter().rfind(|open| !open.has_said_all());
        live.or(self.open.last()).map_or(0, |open| open.number)
    }

    fn leftovers(&self) -> impl Iterator<Item = &Arc<Open>> {
        self.open.iter().filter(|open| open.has_said_all())
    }
}

// === impl Open ===

impl Open {
    /// Ends the stream.
    pub(crate) fn close(&self) {
        self.closing.notify_one();
    }

    fn has_said_all(&self) -> bool {
        self.said_all.load(Ordering::Relaxed)
    }
}

// === impl Listed ===

impl Listed<'_> {
    pub(crate) fn device(&self) -> &Device {
        &self.open.device
    }

    /// When it may read from the device.
    pub(crate) fn turn(&self) -> Turn {
        Turn {
            number: self.open.number,
            turn: self.streams.turn.subscribe(),
        }
    }

    /// Its client sends no more.
    pub(crate) fn said_all(&self) {
        self.open.said_all.store(true, Ordering::Relaxed);
        let list = self.streams.lock();
        self.streams.turn.send_replace(list.turn());
    }

    /// Waits until somebody ends the stream.
    pub(crate) async fn closed(&self) {
        self.open.closing.notified().await;
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut list = self.streams.lock();
        list.open.retain(|open| !Arc::ptr_eq(open, &self.open));
        self.streams.turn.send_replace(list.turn());
        drop(list);
        info!("Disconnected from {}", self.url);
    }
}

// === impl Turn ===

impl Turn {
    /// Reads from the device when it is this stream's turn. Nothing is lost if this is given up.
    pub(crate) async fn read(
        &mut self,
        device: &Device,
        buffer: &mut [u8],
    ) -> std::io::Result<usize> {
        // Connections are not shared.
        if let Device::Socket(_) = device {
            return device.read(buffer).await;
        }
        loop {
            if *self.turn.borrow_and_update() == self.number {
                tokio::select! {
                    read = device.read(buffer) => return read,
                    changed = self.turn.changed() => over(changed)?,
                }
            } else {
                over(self.turn.changed().await)?;
            }
        }
    }
}

/// The list lives as long as its streams.
fn over(changed: Result<(), watch::error::RecvError>) -> std::io::Result<()> {
    changed.map_err(std::io::Error::other)
}
