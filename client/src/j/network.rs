//! Network connections: ports of this machine that lead to them, and where they really are.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use super::commands::{describe, own};
use crate::Device;
use crate::device::CallError;
use crate::forward::{ForwardError, TcpForward, UnixForward};
use crate::ui::{Failure, Outcome, print};

pub(super) const ABOUT: &str = "Generic Network Connection";

/// The method that opens a connection.
const CONNECT: &str = "connect";

pub(super) fn command(group: Command, device: &Device) -> Command {
    let tcp = own(device, "forward-tcp", "Forward a TCP port of this machine")
        .arg(
            Arg::new("port")
                .value_name("PORT")
                .value_parser(number)
                .required(true)
                .help("The port to listen on, 0 for any that is free"),
        )
        .arg(
            Arg::new("address")
                .long("address")
                .value_name("HOST")
                .default_value("localhost")
                .help("The address to listen on"),
        );
    let unix = own(
        device,
        "forward-unix",
        "Forward a unix socket of this machine",
    )
    .arg(
        Arg::new("path")
            .value_name("PATH")
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .help("Where to make it; in a new folder if not given"),
    );
    let flag = |name: &'static str, text: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(text)
    };
    let address = own(device, "address", "Show the address that the exporter uses")
        .arg(flag("host", "Only the host"))
        .arg(flag("port", "Only the port"));
    describe(group, device, ABOUT).subcommands([address, tcp, unix])
}

/// Reads the number of a port; the error is a sentence.
fn number(text: &str) -> Result<u16, String> {
    let number = text.parse();
    number.map_err(|_| format!("'{text}' is not a port, a number from 0 to 65535."))
}

pub(super) async fn run(device: &Device, name: &str, matches: &ArgMatches) -> Outcome {
    match name {
        "forward-tcp" => {
            let host = matches.get_one::<String>("address");
            let port = matches.get_one::<u16>("port").copied().unwrap_or_default();
            let host = host.map_or("localhost", String::as_str);
            let forward = TcpForward::bind(host, port).await.map_err(unbound)?;
            print(&forward.address().to_string())?;
            match forward.run(device, CONNECT).await {}
        }
        "forward-unix" => {
            let path = matches.get_one::<PathBuf>("path");
            let path = path.map(PathBuf::as_path);
            let forward = UnixForward::bind(path).await.map_err(unbound)?;
            print(&forward.path().display().to_string())?;
            match forward.run(device, CONNECT).await {}
        }
        _ => {
            let address: String = device.call("address", ()).await.map_err(unknown)?;
            let address = part(&address, matches.get_flag("host"), matches.get_flag("port"));
            print(&address?)?;
            Ok(0)
        }
    }
}

/// The host, the port, or both, of `tcp://host:port`.
fn part(address: &str, host: bool, port: bool) -> Result<String, Failure> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    if host == port {
        return Ok(authority.to_owned());
    }
    // An IPv6 address is full of colons, but it stands in brackets.
    let (name, number) = match authority.rsplit_once(':') {
        Some((name, number)) if !number.ends_with(']') => (name, Some(number)),
        _ => (authority, None),
    };
    if host {
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        return Ok(bare.unwrap_or(name).to_owned());
    }
    let number = number.map(str::to_owned);
    number.ok_or_else(|| Failure::Error(format!("`{address}` has no port")))
}

fn unbound(error: ForwardError) -> Failure {
    Failure::Error(error.to_string())
}

fn unknown(error: CallError) -> Failure {
    Failure::Error(match error {
        CallError::InvalidArgument(_) => {
            format!("enable_address mode is not true in the exporter configuration: {error}")
        }
        CallError::NotImplemented(_) => "This exporter does not support direct connection yet, \
                                         update exporter to 0.7.1 or later"
            .to_owned(),
        error => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::part;

    #[test]
    fn addresses_fall_into_parts() {
        for (address, both, host, port) in [
            ("tcp://10.1.2.3:80", "10.1.2.3:80", "10.1.2.3", "80"),
            ("udp://board:7", "board:7", "board", "7"),
            (
                "tcp://[2001:db8::1]:443",
                "[2001:db8::1]:443",
                "2001:db8::1",
                "443",
            ),
            ("ws://h:9/path?x=1:2", "h:9", "h", "9"),
        ] {
            assert_eq!(part(address, false, false).unwrap(), both);
            assert_eq!(part(address, true, true).unwrap(), both);
            assert_eq!(part(address, true, false).unwrap(), host);
            assert_eq!(part(address, false, true).unwrap(), port);
        }
        assert_eq!(part("wss://h/x", true, false).unwrap(), "h");
        assert_eq!(part("tcp://[::1]", true, false).unwrap(), "::1");
        assert!(part("wss://h/x", false, true).is_err());
        assert!(part("tcp://[::1]", false, true).is_err());
    }
}
