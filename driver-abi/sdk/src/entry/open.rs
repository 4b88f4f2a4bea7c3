//! Opening a driver.

use std::sync::Arc;

use jumpstarter_driver_abi::{OpenRequest, Slice};

use super::Done;
use super::added::Opened;
use crate::class::Class;
use crate::scope::Scope;
use crate::{Context, Error, Result, image, log, panics};

/// A request, checked and copied.
struct Opening {
    class: Class,
    name: String,
    config: String,
    scope: Arc<Scope>,
}

/// Starts to open what `request` asks for.
///
/// # Safety
/// `request` is null or valid, with everything that it borrows.
pub(super) unsafe fn start(request: *const OpenRequest, done: Done) {
    // SAFETY: the caller vouches for it.
    let opening = unsafe { request.as_ref() }
        .ok_or_else(|| Error::invalid_argument("there is no request"))
        // SAFETY: the caller vouches for what the request borrows.
        .and_then(|request| unsafe { Opening::new(request) });
    match opening {
        Ok(opening) => {
            let runtime = opening.scope.runtime().clone();
            let node = opening.scope.node;
            // It ends by itself, and there is no handle yet by which it could be given up.
            drop(runtime.spawn(log::in_node(node, opening.run(done))));
        }
        Err(error) => done.error(&error),
    }
}

// === impl Opening ===

impl Opening {
    /// # Safety
    /// What the request borrows is alive.
    unsafe fn new(request: &OpenRequest) -> Result<Self> {
        let text = |slice: Slice| {
            // SAFETY: the caller vouches for it.
            let text = unsafe { slice.as_str() };
            text.map(str::to_owned).map_err(Error::invalid_argument)
        };
        let image = image::ready()?;
        Ok(Self {
            class: image.class(&text(request.class)?)?,
            name: text(request.name)?,
            config: text(request.config)?,
            scope: Arc::new(Scope::new(request.node, image.runtime()?.handle().clone())),
        })
    }

    async fn run(self, done: Done) {
        match self.open().await {
            Ok((handle, body)) => done.handle(handle, &body),
            Err(error) => {
                // Whatever it had started.
                self.scope.close().await;
                done.error(&error);
            }
        }
    }

    /// The handle, and what the host is told beside it.
    async fn open(&self) -> Result<(u64, Vec<u8>)> {
        let cx = Context::new(Arc::clone(&self.scope), &self.name);
        let driver = panics::caught((self.class.open)(self.config.clone(), cx)).await?;
        let opened = panics::catch(|| Opened::new(driver))?;
        let (handle, added) = opened.register(Arc::clone(&self.scope));
        let body = if added.is_empty() {
            Vec::new()
        } else {
            // Only text, and handles below 2^53: nothing that a value could not hold.
            jumpstarter_value::to_vec(&added).unwrap_or_default()
        };
        Ok((handle, body))
    }
}
