//! An open driver, and where its calls run.
//!
//! ```text
//!   async fn        a task on the plugin's runtime
//!   fn              a thread that may block
//!   quick           here and now, on the thread of the host; a task if that does not finish it
//! ```

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::calls::{Calls, SharedDone, Stop};
use super::{DRIVERS, Done};
use crate::bytes::{Connecting, Unasked};
use crate::class::{BoxFuture, Dispatch};
use crate::feed::{Feed, Opening};
use crate::job::CallJob;
use crate::scope::Scope;
use crate::{DynamicMethod, Result, dynamic, log, panics, time};

/// A call as it came from the host. What it borrows is gone when the entry point returns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: u64,
    pub(crate) method: &'a str,
    pub(crate) args: &'a [u8],
    pub(crate) timeout: Option<Duration>,
}

/// An open driver.
pub(crate) struct Instance {
    driver: Box<dyn Dispatch>,
    /// The methods that only this instance has.
    methods: Vec<DynamicMethod>,
    scope: Arc<Scope>,
    calls: Calls,
    /// Byte streams that have ended.
    unasked: Unasked,
    /// Handles of the drivers it brought along.
    children: Vec<u64>,
}

// === impl Instance ===

impl Instance {
    pub(crate) fn new(
        driver: Box<dyn Dispatch>,
        methods: Vec<DynamicMethod>,
        scope: Arc<Scope>,
        children: Vec<u64>,
    ) -> Self {
        Self {
            driver,
            methods,
            scope,
            calls: Calls::default(),
            unasked: Unasked::default(),
            children,
        }
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(crate) fn unasked(&self) -> &Unasked {
        &self.unasked
    }

    /// Starts a unary call.
    pub(crate) fn call(self: Arc<Self>, request: Request<'_>, done: Done) {
        let _entered = log::enter(self.scope.node);
        let Request {
            id,
            method,
            args,
            timeout,
        } = request;
        let job = panics::catch(|| match dynamic::find(&self.methods, method) {
            Some(found) => found.call_job(args),
            None => self.driver.call(method, args),
        });
        match job {
            Err(error) => done.error(&error),
            Ok(CallJob::Task(work)) => self.start_task(id, timeout, work, done),
            Ok(CallJob::Blocking(work)) => self.start_thread(id, work, done),
            Ok(CallJob::Quick(mut work)) => match self.poll_once(&mut work) {
                Ok(Poll::Ready(result)) => done.value(result),
                Ok(Poll::Pending) => self.start_task(id, timeout, work, done),
                Err(panic) => done.error(&panic),
            },
        }
    }

    fn poll_once<T>(&self, work: &mut BoxFuture<T>) -> Result<Poll<T>> {
        let _runtime = self.scope.runtime().enter();
        // Whoever polls it next brings a waker of its own.
        let mut cx = Context::from_waker(Waker::noop());
        panics::catch(|| Ok(work.as_mut().poll(&mut cx)))
    }

    fn start_task(
        self: Arc<Self>,
        id: u64,
        timeout: Option<Duration>,
        work: BoxFuture<Result<Vec<u8>>>,
        done: Done,
    ) {
        let this = Arc::clone(&self);
        self.calls.start(id, done, |done| {
            let task = async move {
                let result = time::within(timeout, panics::caught(work)).await;
                this.calls.finished(id);
                done.value(result);
            };
            Stop::Task(self.scope.spawn(task))
        });
    }

    fn start_thread(
        self: Arc<Self>,
        id: u64,
        work: Box<dyn FnOnce() -> Result<Vec<u8>> + Send>,
        done: Done,
    ) {
        let this = Arc::clone(&self);
        self.calls.start(id, done, |done| {
            let done = SharedDone::new(done);
            let answer = done.clone();
            self.scope.spawn_blocking(move || {
                // Given up before a thread was free: the device is left alone.
                if answer.is_taken() {
                    return;
                }
                let result = panics::catch(work);
                this.calls.finished(id);
                if let Some(done) = answer.take() {
                    done.value(result);
                }
            });
            Stop::Thread(done)
        });
    }

    /// Opens a stream of values.
    pub(crate) fn stream(self: Arc<Self>, request: Request<'_>, done: Done) {
        let _entered = log::enter(self.scope.node);
        let job = panics::catch(|| match dynamic::find(&self.methods, request.method) {
            Some(found) => found.stream_job(request.args),
            None => self.driver.stream(request.method, request.args),
        });
        let job = match job {
            Ok(job) => job,
            Err(error) => return done.error(&error),
        };
        let this = Arc::clone(&self);
        let closed = self.scope.closing.child_token();
        let work = |done| {
            (job.run)(Feed::new(Opening {
                id: request.id,
                instance: this,
                done,
                timeout: request.timeout,
                closed: closed.clone(),
            }))
        };
        let go_on = |work: BoxFuture<()>| {
            let closed = closed.clone();
            self.scope.spawn(async move {
                closed.run_until_cancelled(work).await;
            })
        };
        if !job.quick {
            let start = |done| Stop::Task(go_on(work(done)));
            return self.calls.start(request.id, done, start);
        }
        let Some(done) = self.calls.at_once(request.id, done) else {
            return;
        };
        let mut work = work(done);
        match self.poll_once(&mut work) {
            Ok(Poll::Pending) => self.calls.goes_on(request.id, go_on(work)),
            Ok(Poll::Ready(())) => {}
            // The caller was told by the drop of what was owed.
            Err(_panic) => self.calls.finished(request.id),
        }
    }

    /// Opens a byte stream.
    pub(crate) fn connect(self: Arc<Self>, request: Request<'_>, done: Done) {
        let _entered = log::enter(self.scope.node);
        let job = panics::catch(|| match dynamic::find(&self.methods, request.method) {
            Some(found) => Err(found.refuse("streamcall")),
            None => self.driver.connect(request.method, request.args),
        });
        let job = match job {
            Ok(job) => job,
            Err(error) => return done.error(&error),
        };
        let this = Arc::clone(&self);
        let method = request.method.to_owned();
        self.calls.start(request.id, done, |done| {
            let connecting = Connecting {
                id: request.id,
                method,
                instance: this,
                done,
                timeout: request.timeout,
            };
            Stop::Task(self.scope.spawn_until_closed(connecting.run(job)))
        });
    }

    /// Gives up what is running, closes the children, then the driver itself.
    pub(crate) fn close(self: Arc<Self>) -> BoxFuture<()> {
        Box::pin(async move {
            self.calls.close();
            self.scope.close().await;
            self.unasked.close();
            for &child in &self.children {
                if let Some(child) = DRIVERS.remove(child) {
                    child.close().await;
                }
            }
            let node = self.scope.node;
            // A panic in here has been logged by the hook, and there is nobody else to tell.
            drop(
                log::in_node(
                    node,
                    panics::caught(async {
                        self.driver.close().await;
                        Ok(())
                    }),
                )
                .await,
            );
            let _entered = log::enter(node);
            drop(panics::catch(|| {
                drop(self);
                Ok(())
            }));
        })
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instance(node {})", self.scope.node)
    }
}
