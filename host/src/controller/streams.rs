//! Streams from the controller that never end: when one does, it is opened again.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::{MaybeDone, maybe_done};
use jumpstarter_client::controller::describe;
use jumpstarter_proto::v1::{StatusRequest, StatusResponse};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tonic::{Status, Streaming};
use tracing::{debug, info, warn};

use super::complaints::Complaints;
use super::link::Link;
use super::retry::{Lived, Pauses};

/// Messages that wait until somebody looks at them.
const WAITING: usize = 5;

/// What the controller shows of this exporter: whether it is leased, and to whom.
pub type Statuses = Following<StatusResponse>;

/// What comes out of a stream, over all its lives. Ends when dropped.
pub struct Following<T> {
    items: mpsc::Receiver<T>,
    task: AbortHandle,
}

/// A request that is on its way.
type SetOff<F> = Pin<Box<MaybeDone<F>>>;

/// How a stream is opened again and again.
pub(super) struct Source<O, B> {
    /// Its name in the log.
    pub(super) what: &'static str,
    /// Opens it once.
    pub(super) open: O,
    /// Is called when it works again after it has failed.
    pub(super) back: B,
}

// === impl Following ===

impl<T: Send + 'static> Following<T> {
    pub(super) fn start<O, F, B>(source: Source<O, B>, waiting: usize) -> Self
    where
        O: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Streaming<T>, Status>> + Send + 'static,
        B: Fn() + Send + Sync + 'static,
    {
        let (sender, items) = mpsc::channel(waiting);
        let first = set_off((source.open)());
        let task = tokio::spawn(source.run(first, sender)).abort_handle();
        Self { items, task }
    }

    /// The next message; waits for ever if there is none. Nothing is lost if this is dropped.
    pub async fn next(&mut self) -> T {
        match self.items.recv().await {
            Some(item) => item,
            // The task runs as long as we do, unless the runtime ends.
            None => std::future::pending().await,
        }
    }
}

impl<T> fmt::Debug for Following<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The messages may hold tokens.
        f.debug_struct("Following")
            .field("waiting", &self.items.len())
            .finish_non_exhaustive()
    }
}

impl<T> Drop for Following<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands a request to the connection at once, so that what is asked later comes after it.
fn set_off<F: Future>(asking: F) -> SetOff<F> {
    let mut asked = Box::pin(maybe_done(asking));
    // It is polled again by the task that waits for the answer, with a waker that wakes.
    let mut unheard = Context::from_waker(Waker::noop());
    let _answered: Poll<()> = asked.as_mut().poll(&mut unheard);
    asked
}

// === impl Source ===

impl<O, B> Source<O, B> {
    async fn run<T, F>(self, first: SetOff<F>, items: mpsc::Sender<T>)
    where
        O: Fn() -> F,
        F: Future<Output = Result<Streaming<T>, Status>>,
        B: Fn(),
    {
        let mut pauses = Pauses::new();
        let mut complaints = Complaints::default();
        let mut asked = first;
        while !items.is_closed() {
            let since = Instant::now();
            let mut useful = false;
            asked.as_mut().await;
            let ended = match asked.as_mut().take_output() {
                Some(Ok(stream)) => {
                    self.live(stream, &items, &mut useful, &mut complaints)
                        .await
                }
                Some(Err(status)) => Err(status),
                None => Ok(()),
            };
            let long = since.elapsed();
            let pause = pauses.after(Lived { useful, long });
            self.tell(ended, pause, &mut complaints);
            sleep(pause).await;
            asked = set_off((self.open)());
        }
    }

    /// One life of the stream.
    async fn live<T>(
        &self,
        mut stream: Streaming<T>,
        items: &mpsc::Sender<T>,
        useful: &mut bool,
        complaints: &mut Complaints,
    ) -> Result<(), Status>
    where
        B: Fn(),
    {
        while let Some(item) = stream.message().await? {
            if complaints.settle() {
                info!("{} stream works again", self.what);
                (self.back)();
            }
            *useful = true;
            if items.send(item).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn tell(&self, ended: Result<(), Status>, pause: Duration, complaints: &mut Complaints) {
        let (what, seconds) = (self.what, pause.as_secs_f64());
        let why = match ended {
            Ok(()) => return debug!("{what} stream ended, restarting in {seconds:.1}s"),
            Err(status) => describe(&status),
        };
        let first = !complaints.any();
        if !complaints.is_news(&why, Instant::now()) {
            return;
        }
        let text = format!("{what} stream interrupted, restarting in {seconds:.1}s: {why}");
        // Once is routine, controllers do it every hour or so.
        if first {
            info!("{text}");
        } else {
            warn!("{text}");
        }
    }
}

// === impl Link ===

impl Link {
    /// What the controller shows of this exporter, now and whenever it changes. After a gap in the
    /// stream it is told again where the exporter stands.
    pub fn statuses(&self) -> Statuses {
        let (asking, reporting) = (self.clone(), self.clone());
        let source = Source {
            what: "Status",
            open: move || {
                let mut service = asking.controller().service();
                async move {
                    let answered = service.status(StatusRequest {}).await;
                    answered.map(tonic::Response::into_inner)
                }
            },
            back: move || reporting.reporter().repeat(),
        };
        Following::start(source, WAITING)
    }
}
