//! Waiting for a future without a runtime: the plugin's own threads do the work.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

struct Unpark(Thread);

/// Blocks this thread until `future` is ready.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_until(future.as_mut(), thread::park)
}

/// Blocks this thread until `future` is ready, or until `deadline`.
pub(crate) fn wait_until<F: Future + Unpin>(
    future: &mut F,
    deadline: Instant,
) -> Option<F::Output> {
    let mut both = poll_fn(|cx| match Pin::new(&mut *future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if Instant::now() >= deadline => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    let park = || thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
    poll_until(Pin::new(&mut both), park)
}

fn poll_until<F: Future>(mut future: Pin<&mut F>, park: impl Fn()) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        park();
    }
}

// === impl Unpark ===

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
