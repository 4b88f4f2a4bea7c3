//! Byte streams: one end of a pair of sockets for the driver, the other for the host.
//!
//! The host gets its end when the driver first uses its own: a driver opens its device before that,
//! and if it fails, the caller of `connect` gets the error. A driver that has said nothing after
//! [`SETTLED`] is waiting for its device and counts as connected, too.

mod stream;

use std::future::poll_fn;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::socket::{getsockopt, sockopt};

use crate::entry::{Done, Instance};
use crate::job::BytesJob;
use crate::{Error, Result, log, panics, time};

pub use stream::ByteStream;

/// See the module.
const SETTLED: Duration = Duration::from_secs(1);

/// The call that opens a byte stream.
pub(crate) struct Connecting {
    pub(crate) id: u64,
    pub(crate) method: String,
    pub(crate) instance: Arc<Instance>,
    pub(crate) done: Done,
    pub(crate) timeout: Option<Duration>,
}

// === impl Connecting ===

impl Connecting {
    /// Runs the method, until the byte stream ends.
    pub(crate) async fn run(self, job: BytesJob) {
        match job {
            BytesJob::Pair(method) => self.run_pair(method).await,
            BytesJob::Socket(method) => {
                let socket = time::within(self.timeout, panics::caught(method)).await;
                self.answer(socket.and_then(checked));
            }
            BytesJob::BlockingSocket(method) => {
                let (answer, answered) = tokio::sync::oneshot::channel();
                self.instance.scope().spawn_blocking(move || {
                    // Nobody hears it if the call was given up; the socket is closed then.
                    drop(answer.send(panics::catch(method)));
                });
                let socket = time::within(self.timeout, async { answered.await? }).await;
                self.answer(socket.and_then(checked));
            }
        }
    }

    async fn run_pair(
        self,
        method: Box<dyn FnOnce(ByteStream) -> crate::class::BoxFuture<Result<()>> + Send>,
    ) {
        let (ours, theirs, used) = match ByteStream::pair() {
            Ok(pair) => pair,
            Err(error) => return self.answer(Err(error)),
        };
        let name = self.method.clone();
        let mut work = pin!(panics::caught(async { method(ours).await }));
        let settled = async {
            let mut used = pin!(used);
            let mut unused = false;
            let mut patience = pin!(tokio::time::sleep(SETTLED));
            // What ends first: the work, its first use of the stream, or our patience.
            poll_fn(|cx| {
                let outcome = work.as_mut().poll(cx);
                if !unused && let Poll::Ready(used) = used.as_mut().poll(cx) {
                    if used.is_ok() {
                        return Poll::Ready(Ok(outcome));
                    }
                    // The method has dropped the stream without a look at it.
                    unused = true;
                }
                match outcome {
                    Poll::Ready(Ok(())) => Poll::Ready(Ok(outcome)),
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => patience.as_mut().poll(cx).map(|()| Ok(Poll::Pending)),
                }
            })
            .await
        };
        let outcome = match time::within(self.timeout, settled).await {
            Ok(outcome) => outcome,
            Err(error) => return self.answer(Err(error)),
        };
        self.answer(Ok(theirs));
        let outcome = match outcome {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => work.await,
        };
        if let Err(error) = outcome {
            let text = format!("{name}(): the byte stream ended: {error}");
            log::write(log::node(), tracing::Level::WARN, module_path!(), &text);
        }
    }

    fn answer(self, socket: Result<OwnedFd>) {
        self.instance.calls().finished(self.id);
        match socket {
            Ok(socket) => self.done.descriptor(socket),
            Err(error) => self.done.error(&error),
        }
    }
}

/// Makes a driver's own socket fit for the host: non-blocking, closed on exec.
fn checked(socket: OwnedFd) -> Result<OwnedFd> {
    if getsockopt(&socket, sockopt::SockType).is_err() {
        return Err(Error::internal(
            "the driver returned a descriptor that is no socket; it must copy it to and from a \
             `ByteStream`",
        ));
    }
    let fd = socket.as_fd();
    let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL)?);
    fcntl(fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    Ok(socket)
}
