//! A call whose arguments are decoded, ready to run.
//!
//! `#[driver]` makes one out of each call; the entry points decide where it runs.

use std::fmt;
use std::os::fd::OwnedFd;

use futures_util::Stream;
use serde::Serialize;

use crate::bytes::{Talk, Talking};
use crate::class::BoxFuture;
use crate::feed::{Feed, Items, append};
use crate::{Error, Result};

/// What a method may return.
#[diagnostic::on_unimplemented(
    message = "a method cannot return `{Self}`",
    label = "return `Result<T>`",
    note = "`jumpstarter_driver::Result<T>`, or `Result<T, E>` with any `E: std::error::Error`"
)]
pub trait Outcome {
    /// What it returns when all is well.
    type Value;

    /// The value or the error.
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Value>;
}

/// A unary call.
pub enum CallJob {
    /// On a worker thread of the plugin.
    Task(BoxFuture<Result<Vec<u8>>>),
    /// At once, on the thread of the caller; if that does not finish it, as a task.
    Quick(BoxFuture<Result<Vec<u8>>>),
    /// On a thread that may block.
    Blocking(Box<dyn FnOnce() -> Result<Vec<u8>> + Send>),
}

/// A call that answers with a stream of values.
pub struct StreamJob {
    pub(crate) run: Box<dyn FnOnce(Feed) -> BoxFuture<()> + Send>,
    /// It is begun at once, on the thread of the caller; if that does not finish it, it goes on as
    /// a task.
    pub(crate) quick: bool,
}

/// A call that answers with a byte stream.
pub enum BytesJob {
    /// The method talks through this end of a pair of sockets.
    Pair(Box<dyn FnOnce() -> Result<Talking> + Send>),
    /// The method brings a socket of its own.
    Socket(BoxFuture<Result<OwnedFd>>),
    /// The same, on a thread that may block.
    BlockingSocket(Box<dyn FnOnce() -> Result<OwnedFd> + Send>),
}

// === impl Outcome ===

impl<T, E> Outcome for Result<T, E>
where
    Error: From<E>,
{
    type Value = T;

    fn into_result(self) -> Result<T> {
        self.map_err(Error::from)
    }
}

impl Outcome for () {
    type Value = ();

    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

// === impl CallJob ===

impl CallJob {
    /// An `async fn`.
    pub fn task<F>(method: F) -> Self
    where
        F: Future<Output: Outcome<Value: Serialize>> + Send + 'static,
    {
        Self::Task(Box::pin(async move { encode(method.await) }))
    }

    /// A method marked `quick`.
    pub fn quick<F>(method: F) -> Self
    where
        F: Future<Output: Outcome<Value: Serialize>> + Send + 'static,
    {
        Self::Quick(Box::pin(async move { encode(method.await) }))
    }

    /// A plain `fn`.
    pub fn blocking<F, O>(method: F) -> Self
    where
        F: FnOnce() -> O + Send + 'static,
        O: Outcome<Value: Serialize>,
    {
        Self::Blocking(Box::new(move || encode(method())))
    }
}

fn encode<O: Outcome<Value: Serialize>>(outcome: O) -> Result<Vec<u8>> {
    jumpstarter_value::to_vec(&outcome.into_result()?)
        .map_err(|error| Error::invalid_argument(error).within("result"))
}

/// Appends an item of a stream, encoded.
pub(crate) fn encode_item<O: Outcome<Value: Serialize>>(item: O, out: &mut Vec<u8>) -> Result<()> {
    jumpstarter_value::write_value(out, &item.into_result()?)
        .map_err(|error| Error::invalid_argument(error).within("result"))
}

// === impl StreamJob ===

impl StreamJob {
    /// A method with a feed of its own making; see [`Feed`].
    pub fn new<F>(method: impl FnOnce(Feed) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self {
            run: Box::new(move |feed| Box::pin(method(feed))),
            quick: false,
        }
    }

    /// The same for a method marked `quick`.
    #[must_use]
    pub fn quick(self) -> Self {
        Self {
            quick: true,
            ..self
        }
    }

    /// A plain `fn` that returns an iterator; `method` gives its items to the [`Items`].
    pub fn blocking(method: impl FnOnce(Items) + Send + 'static) -> Self {
        Self::new(move |feed| feed.run_blocking(method))
    }

    /// A stream of values that are encoded already.
    pub(crate) fn encoded<S>(open: impl FnOnce() -> S + Send + 'static) -> Self
    where
        S: Stream<Item = Result<Vec<u8>>> + Send + 'static,
    {
        Self::new(move |feed| feed.run_with(async move { Ok(open()) }, append))
    }
}

// === impl BytesJob ===

impl BytesJob {
    /// A method that talks through a stream.
    pub fn pair<I, F>(method: impl FnOnce(I) -> F + Send + 'static) -> Self
    where
        I: Talk,
        F: Future<Output: Outcome<Value = ()>> + Send + 'static,
    {
        Self::Pair(Box::new(move || {
            Talking::start(|io| {
                let method = method(io);
                async move { method.await.into_result() }
            })
        }))
    }

    /// An `async fn` that returns a socket.
    pub fn socket<F>(method: F) -> Self
    where
        F: Future<Output: Outcome<Value = OwnedFd>> + Send + 'static,
    {
        Self::Socket(Box::pin(async move { method.await.into_result() }))
    }

    /// A plain `fn` that returns a socket.
    pub fn blocking_socket<F, O>(method: F) -> Self
    where
        F: FnOnce() -> O + Send + 'static,
        O: Outcome<Value = OwnedFd>,
    {
        Self::BlockingSocket(Box::new(move || method().into_result()))
    }
}

macro_rules! opaque {
    ($($type:ident)*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($type))
            }
        }
    )*};
}

opaque! { CallJob StreamJob BytesJob }
