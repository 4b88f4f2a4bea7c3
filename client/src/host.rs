//! Where an exporter is, as users write it: `lab-3:8082` or `/run/jumpstarter/socket`.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The place an exporter listens at.
///
/// What follows the last `:` decides: a number from 1 to 65535 makes it TCP, everything else is the
/// path of a unix socket.
///
/// ```
/// use jumpstarter_client::Host;
///
/// assert!(matches!("lab-3:8082".parse(), Ok(Host::Tcp { port: 8082, .. })));
/// assert!(matches!("/run/user/0/socket".parse(), Ok(Host::Unix(_))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or address, and a port.
    Tcp {
        /// What stands before the last `:`, without the brackets of an IPv6 address.
        name: String,
        /// What stands after it.
        port: u16,
    },
    /// The path of a unix socket.
    Unix(PathBuf),
}

// === impl Host ===

impl Host {
    /// Reads a host; every string is one.
    pub fn parse(text: &str) -> Self {
        let tcp = text.rsplit_once(':').and_then(|(name, port)| {
            let port: u16 = port.parse().ok()?;
            (port != 0).then_some((name, port))
        });
        match tcp {
            Some((name, port)) => {
                let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
                Self::Tcp {
                    name: bare.unwrap_or(name).to_owned(),
                    port,
                }
            }
            None => Self::Unix(PathBuf::from(text)),
        }
    }

    /// Whether it is a TCP host, where TLS and the passphrase apply.
    pub fn is_tcp(&self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    /// The path, when it is a unix socket.
    pub fn as_path(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Tcp { .. } => None,
        }
    }
}

impl FromStr for Host {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::parse(text))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { name, port } if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Tcp { name, port } => write!(f, "{name}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tcp(name: &str, port: u16) -> Host {
        Host::Tcp {
            name: name.to_owned(),
            port,
        }
    }

    #[test]
    fn the_last_part_decides() {
        assert_eq!(Host::parse("host:1"), tcp("host", 1));
        assert_eq!(Host::parse("host:65535"), tcp("host", 65535));
        assert_eq!(Host::parse(":1234"), tcp("", 1234));
        assert_eq!(Host::parse("a:b:80"), tcp("a:b", 80));
        assert_eq!(Host::parse("[::1]:80"), tcp("::1", 80));
        for path in [
            "host:0",
            "host:65536",
            "host:abc",
            "host:",
            "host",
            "/run/x/socket",
            "/run/a:b/socket",
        ] {
            assert_eq!(Host::parse(path), Host::Unix(path.into()), "{path}");
        }
    }

    #[test]
    fn ipv6_addresses_are_shown_in_brackets() {
        assert_eq!(Host::parse("[::1]:80").to_string(), "[::1]:80");
    }

    proptest! {
        #[test]
        fn showing_and_reading_agree(text in "[a-z0-9.:/-]{0,20}") {
            let host = Host::parse(&text);
            prop_assert_eq!(Host::parse(&host.to_string()), host);
        }
    }
}
