//! The address of a caller, as logs show it.

use std::net::{IpAddr, SocketAddr};

/// The log targets of failed authentications: the part of the program that refuses, whichever module
/// finds out.
pub(super) const CONTROLLER: &str = "jumpstarter_controller::controller";
pub(super) const ROUTER: &str = "jumpstarter_controller::router";

/// The IP address of a caller, without port; none for unix sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Peer(Option<IpAddr>);

// === impl Peer ===

impl Peer {
    pub fn ip(self) -> Option<IpAddr> {
        self.0
    }
}

impl From<Option<SocketAddr>> for Peer {
    fn from(address: Option<SocketAddr>) -> Self {
        // A dual-stack socket reports IPv4 addresses as IPv6.
        Self(address.map(|address| address.ip().to_canonical()))
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Some(address).into()
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(ip) => ip.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_addresses_without_ports() {
        let of = |text: &str| Peer::from(text.parse::<SocketAddr>().unwrap()).to_string();
        assert_eq!(of("192.0.2.7:5000"), "192.0.2.7");
        assert_eq!(of("[2001:db8::7]:5000"), "2001:db8::7");
        assert_eq!(of("[::ffff:192.0.2.7]:5000"), "192.0.2.7");
        assert_eq!(Peer::from(None).to_string(), "unknown");
    }
}
