//! A stream of values, pulled in batches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jumpstarter_completion::{Answer, Pending};
use jumpstarter_driver_abi::STREAM_BATCH;
use jumpstarter_value::ListReader;
use tokio::time::{Instant, timeout_at};

use super::ask::Ask;
use super::driver::Driver;
use super::error::CallError;

/// The open stream of one call. Dropping it tells the plugin to let go.
#[derive(Debug)]
pub struct ValueStream {
    driver: Arc<Driver>,
    stream: u64,
    method: String,
    deadline: Option<Instant>,
    /// Items that came when the stream was opened.
    first: Vec<Bytes>,
    /// Items on their way. Kept here, so that a `next_batch` that is given up loses nothing.
    pending: Option<Pending>,
    ended: bool,
    turn: Arc<Turn>,
}

/// Sees to it that a stream is not asked and closed at the same time, and not asked after it was
/// closed: both may happen on threads of their own.
#[derive(Debug, Default)]
pub(super) struct Turn {
    closed: Mutex<bool>,
}

// === impl ValueStream ===

impl ValueStream {
    /// The stream that `answer` has opened.
    pub(super) fn new(
        driver: Arc<Driver>,
        answer: Answer,
        method: &str,
        deadline: Option<Instant>,
    ) -> Result<Self, CallError> {
        let turn = if answer.end_of_stream {
            Turn::over()
        } else {
            Turn::default()
        };
        let mut opened = Self {
            driver,
            stream: answer.handle,
            method: method.to_owned(),
            deadline,
            first: Vec::new(),
            pending: None,
            ended: answer.end_of_stream,
            turn: Arc::new(turn),
        };
        opened.first = opened.split(answer.body)?;
        Ok(opened)
    }

    /// The next items, at least one: encoded values, checked. Nothing after the last of them, and
    /// after an error.
    ///
    /// Giving the future up loses no items.
    pub async fn next_batch(&mut self) -> Option<Result<Vec<Bytes>, CallError>> {
        self.next_up_to(STREAM_BATCH).await
    }

    /// As [`next_batch`](Self::next_batch), for a caller that wants fewer items at a time.
    pub(super) async fn next_up_to(&mut self, max: u32) -> Option<Result<Vec<Bytes>, CallError>> {
        if !self.first.is_empty() {
            let later = self.first.split_off(self.first.len().min(max as usize));
            return Some(Ok(std::mem::replace(&mut self.first, later)));
        }
        while !self.ended {
            let batch = self.pull(max.clamp(1, STREAM_BATCH)).await;
            match batch {
                Ok(items) if items.is_empty() => tokio::task::yield_now().await,
                Ok(items) => return Some(Ok(items)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    async fn pull(&mut self, max: u32) -> Result<Vec<Bytes>, CallError> {
        let answer = match self.deadline {
            None => self.answer(max).await?,
            Some(at) => {
                let late = self.driver.too_late(&self.method);
                timeout_at(at, self.answer(max)).await.map_err(|_| late)??
            }
        };
        let answer = CallError::check(answer)?;
        self.ended = answer.end_of_stream;
        self.split(answer.body)
    }

    async fn answer(&mut self, max: u32) -> Result<Answer, CallError> {
        if self.pending.is_none() {
            let ask = Ask::Next {
                stream: self.stream,
                max,
                turn: Arc::clone(&self.turn),
            };
            self.pending = Some(self.driver.start(ask).await?.pending);
        }
        match self.pending.as_mut() {
            Some(pending) => {
                let answer = pending.await;
                self.pending = None;
                self.driver.answered();
                Ok(answer)
            }
            None => Err(self.driver.broken("lost an answer")),
        }
    }

    /// Cuts a list into its items, without copying them.
    fn split(&self, list: Vec<u8>) -> Result<Vec<Bytes>, CallError> {
        let malformed = |error: jumpstarter_value::Error| {
            let method = &self.method;
            self.driver
                .broken(format_args!("sent a malformed item of `{method}`: {error}"))
        };
        let list = Bytes::from(list);
        let mut items = Vec::new();
        for item in ListReader::new(&list) {
            let item = item.map_err(malformed)?;
            jumpstarter_value::validate(item).map_err(malformed)?;
            items.push(list.slice_ref(item));
        }
        Ok(items)
    }
}

impl Drop for ValueStream {
    fn drop(&mut self) {
        if self.turn.is_over() {
            return;
        }
        let (stream, turn) = (self.stream, Arc::clone(&self.turn));
        self.driver.tell(move |functions, _| {
            turn.close(|| {
                // SAFETY: the stream is open, this is the last call on it, and no other is running.
                unsafe { (functions.stream_close)(stream) }
            });
        });
    }
}

// === impl Turn ===

impl Turn {
    /// Of a stream that was over when it was opened: the plugin knows it no more.
    fn over() -> Self {
        Self {
            closed: Mutex::new(true),
        }
    }

    fn is_over(&self) -> bool {
        *self.lock()
    }

    /// Asks the stream, unless it is closed.
    pub(super) fn ask(&self, ask: impl FnOnce()) -> bool {
        let closed = self.lock();
        if !*closed {
            ask();
        }
        !*closed
    }

    fn close(&self, close: impl FnOnce()) {
        let mut closed = self.lock();
        *closed = true;
        close();
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        // A flag cannot be half written, so a panic elsewhere does no harm.
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
