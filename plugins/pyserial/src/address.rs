//! What a `url` means.

use std::path::PathBuf;

use jumpstarter_driver::{Error, Result};

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Address {
    /// Back to the client.
    Loop,
    /// To a serial port of this machine.
    Path(PathBuf),
    /// To `host:port`.
    Socket(String),
}

// === impl Address ===

impl Address {
    /// Reads a `url`.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return match url {
                "" => Err(refused("is empty")),
                path => Ok(Self::Path(path.into())),
            };
        };
        match scheme.to_ascii_lowercase().as_str() {
            "loop" if rest.is_empty() => Ok(Self::Loop),
            "loop" => Err(refused("`loop://` takes no options")),
            "socket" => socket(rest).map(Self::Socket),
            "hwgrep" => Err(refused(
                "`hwgrep://` is not supported: name the port by its path below \
                 /dev/serial/by-id, which `ls -l /dev/serial/by-id` lists",
            )),
            "rfc2217" => Err(refused(
                "`rfc2217://` is not supported: a port that a server offers as plain TCP is \
                 `socket://HOST:PORT`",
            )),
            _ => Err(refused(&format!(
                "`{scheme}://` is not supported: use a path, `socket://HOST:PORT` or `loop://`"
            ))),
        }
    }
}

/// `HOST:PORT`, maybe with a slash at the end.
fn socket(rest: &str) -> Result<String> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let parts = rest.rsplit_once(':');
    match parts.map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(1..))) if !host.is_empty() => Ok(rest.to_owned()),
        _ => Err(refused("write `socket://HOST:PORT`")),
    }
}

fn refused(text: &str) -> Error {
    Error::invalid_argument(format_args!("url: {text}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Address;

    #[test]
    fn paths_sockets_and_the_loop() {
        assert_eq!(Address::new("loop://").unwrap(), Address::Loop);
        let path = "/dev/serial/by-id/usb-FTDI_a:b-if00";
        assert_eq!(Address::new(path).unwrap(), Address::Path(path.into()));
        for (url, address) in [
            ("socket://ser2net.lab:3001", "ser2net.lab:3001"),
            ("SOCKET://[::1]:7/", "[::1]:7"),
        ] {
            assert_eq!(Address::new(url).unwrap(), Address::Socket(address.into()));
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_next_step() {
        for (url, part) in [
            ("", "is empty"),
            ("hwgrep://FTDI", "/dev/serial/by-id"),
            ("rfc2217://h:1", "socket://HOST:PORT"),
            ("spy:///dev/ttyS0", "use a path"),
            ("loop://?logging=debug", "no options"),
            ("socket://host", "socket://HOST:PORT"),
            ("socket://:5", "socket://HOST:PORT"),
            ("socket://host:99999", "socket://HOST:PORT"),
        ] {
            let error = Address::new(url).unwrap_err();
            assert!(error.message().contains(part), "{url}: {error}");
        }
    }
}
