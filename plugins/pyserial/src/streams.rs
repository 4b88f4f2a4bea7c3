//! The streams that are open on one port.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tracing::info;

use crate::device::Device;

/// The open streams, in the order in which they were opened.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<Vec<Arc<Open>>>);

/// An open stream.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) device: Device,
    closing: Notify,
}

/// A stream for as long as it is in the list.
#[derive(Debug)]
pub(crate) struct Listed<'a> {
    streams: &'a Streams,
    url: &'a str,
    open: Arc<Open>,
}

// === impl Streams ===

impl Streams {
    /// Lists a stream, until the answer is dropped.
    pub(crate) fn list<'a>(&'a self, url: &'a str, device: Device) -> Listed<'a> {
        let closing = Notify::new();
        let open = Arc::new(Open { device, closing });
        self.lock().push(Arc::clone(&open));
        Listed {
            streams: self,
            url,
            open,
        }
    }

    /// The one that was opened last.
    pub(crate) fn last(&self) -> Option<Arc<Open>> {
        self.lock().last().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Open>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Open ===

impl Open {
    /// Ends the stream.
    pub(crate) fn close(&self) {
        self.closing.notify_one();
    }
}

// === impl Listed ===

impl Listed<'_> {
    pub(crate) fn device(&self) -> &Device {
        &self.open.device
    }

    /// Waits until somebody ends the stream.
    pub(crate) async fn closed(&self) {
        self.open.closing.notified().await;
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut streams = self.streams.lock();
        streams.retain(|open| !Arc::ptr_eq(open, &self.open));
        drop(streams);
        info!("Disconnected from {}", self.url);
    }
}
