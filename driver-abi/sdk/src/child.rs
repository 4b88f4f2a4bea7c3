//! Another driver of the tree: a child, also one in another plugin or one that is a reference to
//! another place.

mod stream;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::Stream;
use jumpstarter_completion::{Answer, Pending};
use jumpstarter_driver_abi::ext::TreeExt;
use jumpstarter_driver_abi::{Call, Completion, Slice};
use jumpstarter_value::from_slice;
use serde::de::DeserializeOwned;

use crate::arguments::{self, Arguments};
use crate::host::{ask, checked, missing};
use crate::image::{self, Image};
use crate::{ByteStream, Error, Result};

/// A child of a driver; from [`Context::child`](crate::Context::child).
///
/// A call that is dropped before it is answered is given up.
#[derive(Clone, Debug)]
pub struct Child {
    node: u64,
    path: String,
}

/// A function of the host that takes a call for a child.
type TreeFn = unsafe extern "C" fn(u64, u64, Slice, *const Call, Completion);

/// A call that is cancelled unless it was answered.
struct Open {
    image: &'static Image,
    tree: &'static TreeExt,
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
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Arguments,
    ) -> Result<T> {
        let answer = self
            .start(method, args, |tree| tree.call)?
            .answered()
            .await?;
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
        let open = self.start(method, args, |tree| tree.stream_open)?;
        let (image, tree) = (open.image, open.tree);
        let handle = open.answered().await?.handle;
        Ok(Box::pin(stream::items(image, tree, handle)))
    }

    /// Calls a method that answers with a byte stream.
    ///
    /// # Errors
    /// There is no such child or method, or the method failed.
    pub async fn connect(&self, method: &str, args: impl Arguments) -> Result<ByteStream> {
        let answer = self
            .start(method, args, |tree| tree.connect)?
            .answered()
            .await?;
        let socket = answer
            .fd
            .ok_or_else(|| Error::internal("the exporter answered without a byte stream"))?;
        ByteStream::from_socket(socket)
    }

    fn start(
        &self,
        method: &str,
        args: impl Arguments,
        function: fn(&TreeExt) -> TreeFn,
    ) -> Result<Open> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let image = image::ready()?;
        let tree = image.tree.ok_or_else(|| missing("other drivers"))?;
        let args = arguments::encode(args)?;
        let (node, id) = (self.node, IDS.fetch_add(1, Ordering::Relaxed));
        let call = Call {
            id,
            method: Slice::from(method),
            args: Slice::new(&args),
            // Whoever runs this has a deadline of its own and gives the call up by dropping it.
            timeout_ms: 0,
            reserved: [0; 4],
        };
        let path = Slice::from(self.path.as_str());
        // SAFETY: the host's function with its own ctx; what is borrowed lives for the call.
        let pending =
            ask(|done| unsafe { function(tree)(image.host.ctx, node, path, &call, done) });
        Ok(Open {
            image,
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
            // SAFETY: the host's function with its own ctx.
            unsafe { (self.tree.cancel)(self.image.host.ctx, self.node, self.id) }
        }
    }
}
