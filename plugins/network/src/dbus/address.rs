//! Where a bus is: `unix:path=/run/dbus/system_bus_socket`, `tcp:host=lab,port=5555`.
//!
//! An address may list alternatives, separated by semicolons; the first that makes sense counts.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::unistd::getuid;

use crate::escape::decoded;
use crate::peer::Peer;

/// Where a bus is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A socket; an abstract name begins with a zero byte.
    Unix(PathBuf),
    Tcp(Peer),
}

/// Why an address makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("invalid bus type: {0}")]
    Kind(String),
    #[error("invalid bus addr: {0}")]
    NoScheme(String),
    #[error("invalid bus scheme: {0}")]
    Scheme(String),
    #[error("invalid bus addr: {0}, {1}")]
    Arguments(String, &'static str),
}

// === impl Address ===

impl Address {
    /// The address of the `system` or `session` bus, from the environment or the usual place.
    pub(super) fn of(kind: &str) -> Result<Self, AddressError> {
        let (variable, usual) = match kind {
            "system" => (
                "DBUS_SYSTEM_BUS_ADDRESS",
                "unix:path=/run/dbus/system_bus_socket".to_owned(),
            ),
            "session" => (
                "DBUS_SESSION_BUS_ADDRESS",
                format!("unix:path=/run/user/{}/bus", getuid()),
            ),
            other => return Err(AddressError::Kind(other.to_owned())),
        };
        let set = env::var_os(variable).map(|text| text.to_string_lossy().into_owned());
        Self::parse(&set.unwrap_or(usual))
    }

    fn parse(text: &str) -> Result<Self, AddressError> {
        let mut alternatives = text.split(';').filter(|one| !one.is_empty());
        let first = Self::parse_one(alternatives.next().unwrap_or_default());
        // Of several that make no sense, the first is complained about.
        first.or_else(|error| {
            let mut others = alternatives.map(Self::parse_one);
            others.find_map(Result::ok).ok_or(error)
        })
    }

    fn parse_one(text: &str) -> Result<Self, AddressError> {
        let wrong = |what| AddressError::Arguments(text.to_owned(), what);
        let (scheme, list) = text
            .split_once(':')
            .ok_or_else(|| AddressError::NoScheme(text.to_owned()))?;
        let mut arguments = HashMap::new();
        for pair in list.split(',') {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| wrong("missing separator in arguments"))?;
            let value = decoded(value).ok_or_else(|| wrong("invalid escape in arguments"))?;
            arguments.insert(key, value);
        }
        let mut take = |key, missing| arguments.remove(key).ok_or_else(|| wrong(missing));
        match scheme {
            "unix" => {
                let path = take("path", "missing path argument").or_else(|error| {
                    let name = take("abstract", "").map_err(|_| error)?;
                    Ok([vec![0], name].concat())
                })?;
                Ok(Self::Unix(OsString::from_vec(path).into()))
            }
            "tcp" => {
                let host = take("host", "missing host argument")?;
                let port = take("port", "missing port argument")?;
                let host = String::from_utf8(host).map_err(|_| wrong("invalid host argument"))?;
                let port = str::from_utf8(&port)
                    .ok()
                    .and_then(|port| port.parse().ok());
                let port = port.ok_or_else(|| wrong("invalid port argument"))?;
                Ok(Self::Tcp(Peer { host, port }))
            }
            other => Err(AddressError::Scheme(other.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::{Address, AddressError, Peer};

    fn unix(path: &str) -> Address {
        Address::Unix(path.into())
    }

    fn tcp(host: &str, port: u16) -> Address {
        let host = host.to_owned();
        Address::Tcp(Peer { host, port })
    }

    #[test]
    fn the_usual_forms() {
        let parsed = |text| Address::parse(text).unwrap();
        assert_eq!(parsed("unix:path=/run/bus"), unix("/run/bus"));
        assert_eq!(parsed("unix:path=/a,guid=1f"), unix("/a"));
        assert_eq!(parsed("unix:abstract=/tmp/dbus-x"), unix("\0/tmp/dbus-x"));
        assert_eq!(parsed("tcp:host=lab,port=5555"), tcp("lab", 5555));
        assert_eq!(parsed("tcp:port=1,family=ipv6,host=::1"), tcp("::1", 1));
        assert_eq!(parsed("unix:path=/a%2cb%20c"), unix("/a,b c"));
        assert_eq!(parsed("unix:path=/a=b"), unix("/a=b"));
    }

    #[test]
    fn the_first_alternative_that_makes_sense_counts() {
        let parsed = |text| Address::parse(text).unwrap();
        assert_eq!(parsed("autolaunch:;unix:path=/b;unix:path=/c"), unix("/b"));
        assert_eq!(parsed("unixexec:path=ssh;tcp:host=h,port=2"), tcp("h", 2));
        assert_eq!(parsed("unix:path=/a;"), unix("/a"));
        let error = Address::parse("unix:dir=/tmp;launchd:env=X").unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid bus addr: unix:dir=/tmp, missing path argument"
        );
    }

    #[test]
    fn nonsense_is_named() {
        for (text, told) in [
            ("", "invalid bus addr: "),
            ("/run/bus", "invalid bus addr: /run/bus"),
            (
                "unix:",
                "invalid bus addr: unix:, missing separator in arguments",
            ),
            (
                "unix:path=/a,",
                "invalid bus addr: unix:path=/a,, missing separator in arguments",
            ),
            (
                "unix:guid=1",
                "invalid bus addr: unix:guid=1, missing path argument",
            ),
            (
                "tcp:port=1",
                "invalid bus addr: tcp:port=1, missing host argument",
            ),
            (
                "tcp:host=h",
                "invalid bus addr: tcp:host=h, missing port argument",
            ),
            (
                "tcp:host=h,port=x",
                "invalid bus addr: tcp:host=h,port=x, invalid port argument",
            ),
            (
                "tcp:host=h,port=65536",
                "invalid bus addr: tcp:host=h,port=65536, invalid port argument",
            ),
            (
                "unix:path=%zz",
                "invalid bus addr: unix:path=%zz, invalid escape in arguments",
            ),
            ("launchd:env=X", "invalid bus scheme: launchd"),
        ] {
            assert_eq!(
                Address::parse(text).unwrap_err().to_string(),
                told,
                "{text}"
            );
        }
    }

    #[test]
    fn there_are_two_kinds() {
        let error = Address::of("user").unwrap_err();
        assert_eq!(error, AddressError::Kind("user".to_owned()));
        assert_eq!(error.to_string(), "invalid bus type: user");
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "(unix|tcp|)[:;,=%a-z0-9/]{0,40}") {
            // Whatever it is, it is an address or a sentence.
            drop(Address::parse(&text));
        }
    }
}
