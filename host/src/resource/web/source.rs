//! What a driver writes, as the body of a request.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame};
use tokio::net::UnixStream;
use tokio::time::sleep;

use super::progress::Progress;
use crate::resource::hangup::hung_up;

/// Bytes that are read from the driver at a time.
const CHUNK: usize = 256 << 10;

/// The driver's data, for one request after the other until one takes some of it.
pub(super) struct Source {
    driver: UnixStream,
    /// What the headers promise.
    length: Option<u64>,
    /// A driver that has simply closed its end has not finished.
    must_finish: bool,
    sent: AtomicU64,
    ended: AtomicBool,
    /// It is the driver's turn.
    starved: AtomicBool,
    /// Rises whenever the request takes something.
    steps: AtomicU64,
    fault: Mutex<Option<String>>,
    progress: Mutex<Progress>,
}

/// The body of one request.
pub(super) struct Upload {
    source: Arc<Source>,
    /// The server may still say that it does not want the data.
    hold: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    buffer: BytesMut,
}

// === impl Source ===

impl Source {
    pub(super) fn new(
        driver: UnixStream,
        length: Option<u64>,
        must_finish: bool,
        progress: Progress,
    ) -> Arc<Self> {
        Arc::new(Self {
            driver,
            length,
            must_finish,
            sent: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            starved: AtomicBool::new(false),
            steps: AtomicU64::new(0),
            fault: Mutex::default(),
            progress: Mutex::new(progress),
        })
    }

    /// The data as a body, from here on, after `hold`.
    pub(super) fn upload(
        self: &Arc<Self>,
        hold: impl Future<Output = ()> + Send + 'static,
    ) -> Upload {
        Upload {
            source: Arc::clone(self),
            hold: Some(Box::pin(hold)),
            buffer: BytesMut::new(),
        }
    }

    /// Nothing of the data is gone yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.sent.load(Ordering::Relaxed) == 0
    }

    /// All of the data has been taken, and there is no more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// All that was promised has been taken. Nobody asks whether there is more.
    pub(super) fn has_all(&self) -> bool {
        self.length == Some(self.sent.load(Ordering::Relaxed))
    }

    /// Waits until the driver says that there is no more, or is at fault.
    pub(super) async fn end(&self) {
        let mut buffer = BytesMut::new();
        // What is read here is too much, which is a fault.
        let _end = poll_fn(|cx| self.poll_chunk(cx, &mut buffer)).await;
    }

    /// What is wrong with the data.
    pub(super) fn fault(&self) -> Option<String> {
        let fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.clone()
    }

    /// Returns when the server has taken nothing for `limit` although it could.
    pub(super) async fn stalled(&self, limit: Duration) {
        loop {
            let steps = self.steps.load(Ordering::Relaxed);
            sleep(limit).await;
            let moved = self.steps.load(Ordering::Relaxed) != steps;
            if !moved && !self.starved.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    fn poll_chunk(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<Option<Bytes>>> {
        if self.has_ended() {
            return Poll::Ready(Ok(None));
        }
        buffer.reserve(CHUNK);
        let read = loop {
            ready!(self.driver.poll_read_ready(cx))?;
            match self.driver.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => break read?,
            }
        };
        let sent = self.sent.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
        let fault = match (read, self.length) {
            (0, _) if self.must_finish && hung_up(&self.driver) => {
                Some("the driver closed the data without finishing it".to_owned())
            }
            (0, Some(length)) if sent < length => Some(format!(
                "the driver wrote {sent} bytes where the handle promises {length}"
            )),
            (_, Some(length)) if sent > length => Some(format!(
                "the driver writes more than the {length} bytes that the handle promises"
            )),
            _ => None,
        };
        if let Some(fault) = fault {
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
            return Poll::Ready(Err(io::Error::other(fault)));
        }
        if read == 0 {
            self.ended.store(true, Ordering::Relaxed);
            return Poll::Ready(Ok(None));
        }
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.add(read);
        Poll::Ready(Ok(Some(buffer.split().freeze())))
    }
}

// === impl Upload ===

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let mut poll = || {
            if let Some(hold) = &mut this.hold {
                ready!(hold.as_mut().poll(cx));
                this.hold = None;
            }
            this.source.poll_chunk(cx, &mut this.buffer)
        };
        let chunk = poll();
        this.source
            .starved
            .store(chunk.is_pending(), Ordering::Relaxed);
        let chunk = ready!(chunk);
        this.source.steps.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(chunk.transpose().map(|chunk| chunk.map(Frame::data)))
    }
}
