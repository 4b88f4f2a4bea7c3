//! Bounds the connections of an endpoint, in all and from one address.
//!
//! Each endpoint has slots of its own, so that a crowd at one does not keep anybody from another; and
//! no address can take them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::identity::Peer;

/// The connection slots of one endpoint; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct ConnectionLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    slots: Arc<Semaphore>,
    /// Slots that one address may take.
    per_address: usize,
    addresses: Mutex<HashMap<IpAddr, Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    slots: usize,
    /// Whether the log has said that this address has too many.
    is_logged: bool,
}

/// A slot that a connection holds until this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    _permit: OwnedSemaphorePermit,
    /// Where it is counted for its address; unix sockets have none.
    counted: Option<(ConnectionLimit, IpAddr)>,
}

// === impl ConnectionLimit ===

impl ConnectionLimit {
    /// A limit of `slots` connections, `per_address` of them from one address.
    pub(super) fn new(slots: usize, per_address: usize) -> Self {
        Self(Arc::new(Inner {
            slots: Arc::new(Semaphore::new(slots)),
            per_address,
            addresses: Mutex::default(),
        }))
    }

    /// Waits for a free slot.
    pub(super) async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.slots).acquire_owned().await.ok()
    }

    /// Gives the slot to a peer, unless its address has too many.
    pub(super) fn claim(&self, permit: OwnedSemaphorePermit, peer: Peer) -> Option<ConnectionSlot> {
        let Some(address) = peer.ip().map(network) else {
            return Some(ConnectionSlot {
                _permit: permit,
                counted: None,
            });
        };
        let mut addresses = self.addresses();
        let taken = addresses.entry(address).or_default();
        if taken.slots >= self.0.per_address {
            if !std::mem::replace(&mut taken.is_logged, true) {
                let limit = self.0.per_address;
                tracing::warn!(%peer, limit, "too many connections from one address");
            }
            if taken.slots == 0 {
                addresses.remove(&address);
            }
            return None;
        }
        taken.slots += 1;
        Some(ConnectionSlot {
            _permit: permit,
            counted: Some((self.clone(), address)),
        })
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Taken>> {
        let addresses = self.0.addresses.lock();
        addresses.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What counts as one address: all of an IPv6 /64, since its owner usually has the whole network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    }
}

// === impl ConnectionSlot ===

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let Some((limit, address)) = &self.counted else {
            return;
        };
        let mut addresses = limit.addresses();
        if let Some(taken) = addresses.get_mut(address) {
            taken.slots -= 1;
            if taken.slots == 0 {
                addresses.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::SocketAddr;

    use super::*;

    fn peer(text: &str) -> Peer {
        text.parse::<SocketAddr>().unwrap().into()
    }

    #[tokio::test]
    async fn no_address_takes_all_places() {
        let limit = ConnectionLimit::new(4, 2);
        let claim = async |text: &str| limit.claim(limit.wait().await.unwrap(), peer(text));
        let first = claim("192.0.2.1:1").await.unwrap();
        let second = claim("192.0.2.1:2").await.unwrap();
        assert!(claim("192.0.2.1:3").await.is_none());
        // The place was given back.
        let others = [
            claim("[2001:db8::1]:1").await.unwrap(),
            claim("[2001:db8::2]:1").await.unwrap(),
        ];
        assert_eq!(limit.0.slots.available_permits(), 0);
        drop(first);
        assert!(claim("[2001:db8::3]:1").await.is_none(), "the same network");
        drop((second, others));
        assert!(limit.addresses().is_empty());
        assert_eq!(limit.0.slots.available_permits(), 4);
        // Behind a unix socket there is nobody to be told apart.
        let local: Vec<_> = (0..3)
            .map(|_| {
                let permit = Arc::clone(&limit.0.slots).try_acquire_owned().unwrap();
                limit.claim(permit, Peer::default()).unwrap()
            })
            .collect();
        assert_eq!(local.len(), 3);
    }
}
