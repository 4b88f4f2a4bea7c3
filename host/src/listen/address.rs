//! `[HOST:]PORT`, as `--tls-grpc-listener` takes it.

use std::fmt;
use std::str::FromStr;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address; every address of this machine unless given.
    pub host: String,
    /// The port; 0 lets the system choose one, but cannot be typed.
    pub port: u16,
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The part after the last colon is not a number.
    #[error("port must be an integer, got '{0}'")]
    NotANumber(String),
    /// It is one, but not of a port.
    #[error("port must be between 1 and 65535, got {0}")]
    OutOfRange(i128),
}

// === impl Address ===

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let number: i128 = port
            .trim()
            .parse()
            .map_err(|_| AddressError::NotANumber(port.to_owned()))?;
        let port = u16::try_from(number)
            .ok()
            .filter(|port| *port != 0)
            .ok_or(AddressError::OutOfRange(number))?;
        let host = match host {
            "" => "0.0.0.0",
            host => host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'))
                .unwrap_or(host),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Address;

    #[test]
    fn what_can_be_typed() {
        for (text, shown) in [
            ("19090", "0.0.0.0:19090"),
            (":19090", "0.0.0.0:19090"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("board.lab:65535", "board.lab:65535"),
            ("[::1]:19090", "[::1]:19090"),
            ("::1:19090", "[::1]:19090"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_cannot() {
        for (text, why) in [
            ("abc", "port must be an integer, got 'abc'"),
            ("host:", "port must be an integer, got ''"),
            ("127.0.0.1:x1", "port must be an integer, got 'x1'"),
            ("0", "port must be between 1 and 65535, got 0"),
            (":65536", "port must be between 1 and 65535, got 65536"),
            ("h:-1", "port must be between 1 and 65535, got -1"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err().to_string(), why);
        }
    }
}
