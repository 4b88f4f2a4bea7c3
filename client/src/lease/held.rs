//! A lease in somebody's hands.

use std::collections::HashMap;
use std::time::Duration;

use super::{AskError, DialError, Lease, Leases, Request, Tunnel, TunnelError, Watch};
use super::{dial, release};

/// A lease in somebody's hands.
///
/// If it was asked for here it is given back when this goes away; see [`release`](Self::release).
#[derive(Debug)]
pub struct Held {
    pub(super) leases: Leases,
    pub(super) lease: Lease,
    /// What it was asked for with, if its end is our business.
    pub(super) request: Option<Request>,
    /// How often it was asked for again.
    pub(super) again: u32,
}

// === impl Held ===

impl Held {
    pub(super) fn created(leases: Leases, request: Request, lease: Lease) -> Self {
        Self {
            leases,
            lease,
            request: Some(request),
            again: 0,
        }
    }

    pub(super) fn taken(leases: Leases, lease: Lease) -> Self {
        Self {
            leases,
            lease,
            request: None,
            again: 0,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.lease.name
    }

    /// What the controller has last said of it.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Where it was asked for.
    pub fn leases(&self) -> &Leases {
        &self.leases
    }

    /// The exporter it holds; empty before it is ready.
    pub fn exporter(&self) -> &str {
        self.lease.exporter.as_deref().unwrap_or_default()
    }

    /// Whether it will be given back at the end.
    pub fn is_ours(&self) -> bool {
        self.request.is_some()
    }

    /// What the controller says of it now.
    ///
    /// # Errors
    ///
    /// Why the controller does not tell.
    pub async fn look(&self) -> Result<Lease, AskError> {
        self.leases.get(self.name()).await
    }

    /// The labels of the exporter it holds.
    ///
    /// # Errors
    ///
    /// Why the controller does not tell.
    pub async fn labels(&self) -> Result<HashMap<String, String>, AskError> {
        self.leases.labels(self.exporter()).await
    }

    /// Begins to watch for its end.
    pub fn watch(&self) -> Watch {
        Watch::start(self.leases.clone(), self.lease.name.clone())
    }

    /// Waits until the exporter can be reached, for as long as `patience`.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    pub async fn dial(&self, patience: Duration) -> Result<(), DialError> {
        let dialled = dial::patiently(&self.leases, self.name(), self.exporter(), patience);
        dialled.await.map(|_| ())
    }

    /// Opens a unix socket that leads to the exporter.
    ///
    /// # Errors
    ///
    /// When there is no place for a socket.
    pub fn tunnel(&self) -> Result<Tunnel, TunnelError> {
        Tunnel::open(self.leases.clone(), self.name(), self.exporter())
    }

    /// Makes it last this long, counted from its beginning.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it.
    pub async fn extend(&mut self, duration: Duration) -> Result<&Lease, AskError> {
        self.lease = self.leases.extend(self.name(), duration).await?;
        Ok(&self.lease)
    }

    /// Hands it to another client; it is not ours from then on.
    ///
    /// # Errors
    ///
    /// Why the controller did not do it, and then it is still ours.
    pub async fn transfer(&mut self, client: &str) -> Result<&Lease, AskError> {
        self.lease = self.leases.transfer(self.name(), client).await?;
        self.request = None;
        Ok(&self.lease)
    }

    /// Leaves it as it is: it ends when its time is over, or somebody ends it.
    pub fn keep(mut self) {
        self.request = None;
    }

    /// Gives it back, if it was asked for here, and waits until that is done.
    ///
    /// This takes half a minute at most. A controller that cannot be reached is tried again.
    ///
    /// # Errors
    ///
    /// Why it could not be given back; it then ends when its time is over.
    pub async fn release(mut self) -> Result<(), AskError> {
        let released = match self.is_ours() {
            true => release::properly(&self.leases, self.name()).await,
            false => Ok(()),
        };
        // Not before: if nobody waits any more, it is given back without them.
        self.request = None;
        released
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.is_ours() {
            release::apart(&self.leases, self.name());
        }
    }
}
