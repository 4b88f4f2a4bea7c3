//! Places for connections.
//!
//! Each door has a room of its own, so that a crowd at one does not keep anybody from another; and no
//! address can take all of a room.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::identity::Peer;

/// The room behind one door; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    places: Arc<Semaphore>,
    /// So many places for one address.
    each: usize,
    addresses: Mutex<HashMap<IpAddr, Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    places: usize,
    /// Whether it has been said that there are no more for this address.
    is_told: bool,
}

/// A place in a room, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    of: Option<(Room, IpAddr)>,
}

// === impl Room ===

impl Room {
    /// With so many places, and so many for one address.
    pub(super) fn new(places: usize, each: usize) -> Self {
        Self(Arc::new(Inner {
            places: Arc::new(Semaphore::new(places)),
            each,
            addresses: Mutex::default(),
        }))
    }

    /// Waits until there is a place for somebody.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.places).acquire_owned().await.ok()
    }

    /// Gives that place to a peer, unless there are too many of its address.
    pub(super) fn seat(&self, permit: OwnedSemaphorePermit, peer: Peer) -> Option<Place> {
        let Some(address) = peer.ip().map(network) else {
            return Some(Place {
                _permit: permit,
                of: None,
            });
        };
        let mut addresses = self.addresses();
        let taken = addresses.entry(address).or_default();
        if taken.places >= self.0.each {
            if !std::mem::replace(&mut taken.is_told, true) {
                let limit = self.0.each;
                tracing::warn!(%peer, limit, "too many connections from one address");
            }
            if taken.places == 0 {
                addresses.remove(&address);
            }
            return None;
        }
        taken.places += 1;
        Some(Place {
            _permit: permit,
            of: Some((self.clone(), address)),
        })
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, Taken>> {
        let addresses = self.0.addresses.lock();
        addresses.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has one IPv6 address usually has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        let Some((room, address)) = &self.of else {
            return;
        };
        let mut addresses = room.addresses();
        if let Some(taken) = addresses.get_mut(address) {
            taken.places -= 1;
            if taken.places == 0 {
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
        let room = Room::new(4, 2);
        let seat = async |text: &str| room.seat(room.place().await.unwrap(), peer(text));
        let first = seat("192.0.2.1:1").await.unwrap();
        let second = seat("192.0.2.1:2").await.unwrap();
        assert!(seat("192.0.2.1:3").await.is_none());
        // The place was given back.
        let others = [
            seat("[2001:db8::1]:1").await.unwrap(),
            seat("[2001:db8::2]:1").await.unwrap(),
        ];
        assert_eq!(room.0.places.available_permits(), 0);
        drop(first);
        assert!(seat("[2001:db8::3]:1").await.is_none(), "the same network");
        drop((second, others));
        assert!(room.addresses().is_empty());
        assert_eq!(room.0.places.available_permits(), 4);
        // Behind a unix socket there is nobody to be told apart.
        let local: Vec<_> = (0..3)
            .map(|_| {
                let permit = Arc::clone(&room.0.places).try_acquire_owned().unwrap();
                room.seat(permit, Peer::default()).unwrap()
            })
            .collect();
        assert_eq!(local.len(), 3);
    }
}
