//! One open driver, as the host sees it: how its functions are reached, and what happens to work
//! that nobody waits for any more.
//!
//! ```text
//!            inline   gate ─► begin ─► function ──────────────┐
//!   ask ─►                                                    ├─► await the answer
//!            waiting  permit ─► begin ─► [thread: gate ─► function]
//!
//!   given up (caller gone, deadline passed) ─► cancel(id), then watched: fence.rs
//! ```
//!
//! Which of the two ways is taken depends on the plugin: Rust plugins never block the caller, a C
//! plugin may unless it says otherwise.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;

use jumpstarter_completion::{Answer, Pending, begin};
use jumpstarter_driver_abi::Functions;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ask::{Ask, Kind, refuse};
use super::bytes::Outcome;
use super::error::{CallError, Code};
use super::fence::{Fence, LIMIT, PATIENCE};
use super::gate::Gate;
use super::library::Library;

/// How many threads one driver may keep waiting. More than [`LIMIT`], so that a stuck driver is
/// found out before its callers queue up.
const THREADS: usize = LIMIT as usize + 3;

/// An open driver. Dropping the last reference closes it, if nobody has done so before.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) library: Arc<Library>,
    /// Its name in the tree.
    pub(super) name: String,
    pub(super) handle: u64,
    /// Drivers that came with another one are closed with it, and share its gate.
    gate: Arc<Gate>,
    close_issued: AtomicBool,
    root: Option<Arc<Driver>>,
    fence: Arc<Fence>,
    /// Permits for threads that may wait, or nothing if the plugin never blocks.
    lane: Option<Arc<Semaphore>>,
}

/// Started work.
#[derive(Debug)]
pub(super) struct Started {
    /// Names the work for `cancel`.
    pub(super) id: u64,
    pub(super) pending: Pending,
}

// === impl Driver ===

impl Driver {
    pub(super) fn new(library: Arc<Library>, name: String, handle: u64) -> Self {
        let lane = library
            .may_block()
            .then(|| Arc::new(Semaphore::new(THREADS)));
        Self {
            library,
            name,
            handle,
            gate: Arc::default(),
            close_issued: AtomicBool::new(false),
            root: None,
            fence: Arc::default(),
            lane,
        }
    }

    /// A driver that was opened together with `self`.
    pub(super) fn with_child(self: &Arc<Self>, name: String, handle: u64) -> Self {
        let mut child = Self::new(Arc::clone(&self.library), name, handle);
        child.gate = Arc::clone(&self.gate);
        child.root = Some(Arc::clone(self));
        child
    }

    /// Starts a method and waits for the answer.
    pub(super) async fn ask(
        self: &Arc<Self>,
        kind: Kind,
        method: &str,
        args: Vec<u8>,
        deadline: Option<Instant>,
    ) -> Result<(u64, Answer), CallError> {
        if self.fence.is_up() {
            return Err(self.stuck());
        }
        let ask = Ask::Method {
            kind,
            method: Cow::Borrowed(method),
            args,
            timeout_ms: match deadline {
                None => 0,
                Some(at) => self.millis_until(at, method)?,
            },
        };
        let started = match deadline {
            Some(at) if self.lane.is_some() => timeout_at(at, self.start(ask))
                .await
                .map_err(|_| self.too_late(method))??,
            _ => self.start(ask).await?,
        };
        let mut watched = Watched {
            driver: self,
            id: started.id,
            pending: Some(started.pending),
            kind,
        };
        let answer = watched
            .answer(deadline)
            .await
            .ok_or_else(|| self.too_late(method))?;
        CallError::check(answer).map(|answer| (started.id, answer))
    }

    /// Starts work without waiting for its answer.
    pub(super) async fn start(self: &Arc<Self>, ask: Ask<'_>) -> Result<Started, CallError> {
        let Some(lane) = &self.lane else {
            let _inside = self.gate.enter().ok_or_else(|| self.closed())?;
            let (pending, completion) = begin();
            ask.start(self.library.functions(), self.handle, completion);
            let id = completion.ctx;
            return Ok(Started { id, pending });
        };
        let permit = Arc::clone(lane)
            .acquire_owned()
            .await
            .map_err(|_| self.closed())?;
        let (pending, completion) = begin();
        let (driver, ask) = (Arc::clone(self), ask.into_owned());
        tokio::task::spawn_blocking(move || {
            match driver.gate.enter() {
                Some(_inside) => ask.start(driver.library.functions(), driver.handle, completion),
                None => refuse(completion, &driver.closed()),
            }
            drop(permit);
        });
        let id = completion.ctx;
        Ok(Started { id, pending })
    }

    /// Runs a function that answers nothing, unless the driver is closed.
    pub(super) fn tell(self: &Arc<Self>, function: impl FnOnce(&Functions, u64) + Send + 'static) {
        self.tell_or(function, || ());
    }

    /// Runs a function that answers nothing, or `otherwise` if the driver is closed.
    pub(super) fn tell_or(
        self: &Arc<Self>,
        function: impl FnOnce(&Functions, u64) + Send + 'static,
        otherwise: impl FnOnce() + Send + 'static,
    ) {
        let driver = Arc::clone(self);
        let run = move || match driver.gate.enter() {
            Some(_inside) => function(driver.library.functions(), driver.handle),
            None => otherwise(),
        };
        match Handle::try_current() {
            Ok(runtime) if self.lane.is_some() => drop(runtime.spawn_blocking(run)),
            _ => run(),
        }
    }

    pub(super) fn cancel(self: &Arc<Self>, id: u64) {
        self.tell(move |functions, handle| {
            // SAFETY: the driver is open as long as the gate is; an id that is no longer open is
            // allowed.
            unsafe { (functions.cancel)(handle, id) }
        });
    }

    /// Closes the driver, once. A driver that came with another one is closed with that one.
    pub(super) async fn close(&self) -> Result<(), CallError> {
        if self.root.is_some() {
            return Ok(());
        }
        self.gate.shut();
        self.gate.emptied().await;
        if self.close_issued.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let answer = self.issue_close().await;
        self.fence.stop.cancel();
        CallError::check(answer).map(drop)
    }

    /// `close` at the plugin. The gate is shut and everybody is out.
    fn issue_close(&self) -> Pending {
        let (pending, completion) = begin();
        let (functions, handle) = (*self.library.functions(), self.handle);
        let close = move || {
            // SAFETY: the handle came from `open` of this library, and the shut gate sees to it
            // that this is the last call on it.
            unsafe { (functions.close)(handle, completion) }
        };
        match Handle::try_current() {
            Ok(runtime) if self.lane.is_some() => drop(runtime.spawn_blocking(close)),
            _ => close(),
        }
        pending
    }

    /// After an answer of any kind.
    pub(super) fn answered(&self) {
        if self.fence.answered() {
            tracing::info!(
                driver = self.name,
                plugin = self.library.title(),
                "the driver answers again"
            );
        }
    }

    /// Tells the plugin that nobody waits for this work, and watches whether it cares.
    fn give_up(self: &Arc<Self>, id: u64, pending: Pending, kind: Kind) {
        self.cancel(id);
        if let Ok(runtime) = Handle::try_current() {
            let fence = Arc::clone(&self.fence);
            let driver = Arc::downgrade(self);
            // Ends with the driver: its close and its drop both pull `stop`.
            let watch = async move {
                let answer = watch(&driver, pending).await;
                if let Some(driver) = driver.upgrade() {
                    driver.answered();
                    driver.let_go(kind, answer);
                }
            };
            runtime.spawn(async move { fence.stop.run_until_cancelled(watch).await });
        }
    }

    /// What came too late still has to be released.
    fn let_go(self: &Arc<Self>, kind: Kind, answer: Answer) {
        let stream = answer.handle;
        match kind {
            _ if answer.code != Code::Ok => {}
            Kind::Call => {}
            Kind::Stream if answer.end_of_stream => {}
            Kind::Stream => self.tell(move |functions, _| {
                // SAFETY: the plugin has just opened this stream, and nobody else knows it.
                unsafe { (functions.stream_close)(stream) }
            }),
            Kind::Connect => {
                drop(answer.fd);
                drop(Outcome::ask(self, stream));
            }
        }
    }

    /// Pulled when the driver is closed.
    pub(super) fn stop(&self) -> CancellationToken {
        self.fence.stop.clone()
    }

    fn missed(&self) {
        if self.fence.missed() {
            tracing::error!("{}", self.stuck());
        }
    }

    fn millis_until(&self, deadline: Instant, method: &str) -> Result<u64, CallError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.too_late(method));
        }
        // Zero would mean for ever.
        Ok((left.as_millis() as u64).max(1))
    }

    fn stuck(&self) -> CallError {
        CallError::new(
            Code::Unavailable,
            format!(
                "driver `{}` has not answered {LIMIT} calls in a row; its plugin {} seems stuck",
                self.name,
                self.library.title()
            ),
        )
    }

    pub(super) fn too_late(&self, method: &str) -> CallError {
        CallError::new(
            Code::DeadlineExceeded,
            format!("driver `{}` did not answer `{method}` in time", self.name),
        )
    }

    pub(super) fn closed(&self) -> CallError {
        CallError::new(
            Code::Unavailable,
            format!("driver `{}` is closed", self.name),
        )
    }

    /// The plugin broke a rule.
    pub(super) fn broken(&self, what: impl std::fmt::Display) -> CallError {
        CallError::broken(format!(
            "driver `{}` of plugin {} {what}",
            self.name,
            self.library.title()
        ))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.fence.stop.cancel();
        // Nobody can be inside: whoever is holds a reference.
        if self.root.is_none() && !self.close_issued.swap(true, Ordering::SeqCst) {
            drop(self.issue_close());
        }
    }
}

/// Waits for an answer that its caller has given up on, and counts it as missed after a while.
async fn watch(driver: &Weak<Driver>, mut pending: Pending) -> Answer {
    match timeout(PATIENCE, &mut pending).await {
        Ok(answer) => answer,
        Err(_) => {
            if let Some(driver) = driver.upgrade() {
                driver.missed();
            }
            pending.await
        }
    }
}

/// An answer that somebody waits for.
struct Watched<'d> {
    driver: &'d Arc<Driver>,
    id: u64,
    pending: Option<Pending>,
    kind: Kind,
}

// === impl Watched ===

impl Watched<'_> {
    /// The answer, or nothing if the deadline passes first.
    async fn answer(&mut self, deadline: Option<Instant>) -> Option<Answer> {
        let pending = self.pending.as_mut()?;
        let answer = match deadline {
            None => pending.await,
            // Most answers are there at once, and then no timer is needed.
            Some(at) => match futures_util::poll!(&mut *pending) {
                Poll::Ready(answer) => answer,
                Poll::Pending => timeout_at(at, pending).await.ok()?,
            },
        };
        self.pending = None;
        self.driver.answered();
        Some(answer)
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.driver.give_up(self.id, pending, self.kind);
        }
    }
}
