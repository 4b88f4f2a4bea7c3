//! Who is at the other end, as logs name it.

use std::net::{IpAddr, SocketAddr};

/// Failures to authenticate are logged under the name of the part that refused, whichever it is.
pub(super) const CONTROLLER: &str = "jumpstarter_controller::controller";
pub(super) const ROUTER: &str = "jumpstarter_controller::router";

/// The address of a caller, without port; or nothing, as for unix sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Peer(Option<IpAddr>);

// === impl Peer ===

impl Peer {
    /// Its address.
    pub fn ip(self) -> Option<IpAddr> {
        self.0
    }
}

impl From<Option<SocketAddr>> for Peer {
    fn from(address: Option<SocketAddr>) -> Self {
        // One that came to a socket for both kinds of addresses is an IPv4 address all the same.
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
