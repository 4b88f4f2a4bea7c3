//! Another driver of the tree: a child, also one in another plugin or one that is a reference to
//! another place.

mod stream;

use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::Stream;
use jumpstarter_completion::{Answer, Pending};
use jumpstarter_value::from_slice;
use serde::de::DeserializeOwned;

use crate::arguments::{self, Arguments};
use crate::host::{Kind, Tree, checked};
use crate::{ByteStream, Error, MessageStream, Result, image};

/// A child of a driver; from [`Context::child`](crate::Context::child).
///
/// A call that is dropped before it is answered is given up.
#[derive(Clone, Debug)]
pub struct Child {
    node: u64,
    path: String,
}

/// A call that is cancelled unless it was answered.
struct Open {
    tree: Tree,
    node: u64,
    id: u64,
    pending: Option<Pending>,
}

// === impl Child ===

impl Child {
    pub(crate) fn new(node: u64, path: String) -> Self {
        Self { node, path }
    }

    /// Its name, or its path below the driver that uses it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Calls a method, for example `child.call("set_voltage", (1, 3.3)).await?`.
    ///
    /// # Errors
    /// There is no such child or method, or the method failed.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, args: impl Arguments) -> Result<T> {
        let answer = self.start(Kind::Call, method, args)?.answered().await?;
        from_slice(&answer.body).map_err(|error| {
            let path = &self.path;
            Error::from(error).within(format_args!("{path}.{method}(): result"))
        })
    }

    /// Calls a method that answers with a stream of values.
    ///
    /// # Errors
    /// There is no such child or method, or the method failed.
    pub async fn stream<T: DeserializeOwned + 'static>(
        &self,
        method: &str,
        args: impl Arguments,
    ) -> Result<Pin<Box<dyn Stream<Item = Result<T>> + Send>>> {
        let open = self.start(Kind::Stream, method, args)?;
        let tree = open.tree;
        let answer = open.answered().await?;
        Ok(Box::pin(stream::items(tree, &answer)?))
    }

    /// Calls a method that answers with a byte stream.
    ///
    /// # Errors
    /// There is no such child or method, or the method failed.
    pub async fn connect(&self, method: &str, args: impl Arguments) -> Result<ByteStream> {
        ByteStream::from_socket(self.socket(method, args).await?)
    }

    /// Calls a method that answers with a stream of messages.
    ///
    /// # Errors
    /// There is no such child or method, or the method failed.
    pub async fn connect_messages(
        &self,
        method: &str,
        args: impl Arguments,
    ) -> Result<MessageStream> {
        MessageStream::from_socket(self.socket(method, args).await?)
    }

    async fn socket(&self, method: &str, args: impl Arguments) -> Result<OwnedFd> {
        let answer = self.start(Kind::Bytes, method, args)?.answered().await?;
        let missing = || Error::internal("the exporter answered without a byte stream");
        answer.fd.ok_or_else(missing)
    }

    fn start(&self, kind: Kind, method: &str, args: impl Arguments) -> Result<Open> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let tree = image::ready()?.services.tree()?;
        let args = arguments::encode(args)?;
        let (node, id) = (self.node, IDS.fetch_add(1, Ordering::Relaxed));
        let pending = tree.start(kind, node, &self.path, id, method, &args);
        Ok(Open {
            tree,
            node,
            id,
            pending: Some(pending),
        })
    }
}

// === impl Open ===

impl Open {
    async fn answered(mut self) -> Result<Answer> {
        let Some(pending) = self.pending.as_mut() else {
            return Err(Error::internal("a call was awaited twice"));
        };
        let answer = pending.await;
        self.pending = None;
        checked(answer)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.pending.take().is_some() {
            self.tree.cancel(self.node, self.id);
        }
    }
}
