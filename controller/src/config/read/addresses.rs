//! Addresses to listen on, and endpoints that exporters and clients are told.

use super::super::Config;
use super::super::fields::{Fields, Mistakes};

pub(super) fn listen(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    let listen = &mut config.listen;
    let mut lines = Vec::new();
    let all = [
        ("grpc", &mut listen.grpc),
        ("router", &mut listen.router),
        ("health", &mut listen.health),
        ("metrics", &mut listen.metrics),
        ("login", &mut listen.login),
        ("telemetry", &mut listen.telemetry),
    ];
    for (key, place) in all {
        let Some((line, text)) = section.located(key, mistakes) else {
            continue;
        };
        match address(&text) {
            Ok(address) => {
                lines.push((key, line));
                *place = address;
            }
            Err(why) => mistakes.add(line, &format!("listen.{key}"), why),
        }
    }
    section.finish(mistakes);
    // No two of them at one address.
    for (at, (key, line)) in lines.iter().enumerate() {
        let taken = lines[..at].iter().find(|(other, _)| {
            listen.named(key).is_some() && listen.named(other) == listen.named(key)
        });
        if let Some((other, _)) = taken {
            let why = format!("the same address as `listen.{other}`");
            mistakes.add(*line, &format!("listen.{key}"), why);
        }
    }
}

/// Reads an address to listen on: `8086`, `:8086`, `host:8086`; `0`, `off` and the like mean none.
pub(in crate::config) fn address(text: &str) -> Result<Option<String>, String> {
    if matches!(text, "0" | "off" | "false" | "") {
        return Ok(None);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let host_is_good = host.is_empty()
        || host.parse::<std::net::Ipv4Addr>().is_ok()
        || host == "localhost"
        || host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|host| host.parse::<std::net::Ipv6Addr>().is_ok());
    if !host_is_good || port.parse::<u16>().is_err() {
        return Err(format!(
            "`{text}` is no address to listen on; write `:8082`, `127.0.0.1:8082`, `[::1]:8082` or `off`"
        ));
    }
    Ok(Some(format!("{host}:{port}")))
}

pub(super) fn public(mut section: Fields, config: &mut Config, mistakes: &mut Mistakes) {
    let public = &mut config.public;
    for (key, place) in [("grpc", &mut public.grpc), ("router", &mut public.router)] {
        if let Some((line, endpoint)) = section.located(key, mistakes)
            && check_endpoint(
                line,
                &format!("public_endpoints.{key}"),
                &endpoint,
                mistakes,
            )
        {
            *place = endpoint;
        }
    }
    public.login = section.text("login", mistakes);
    section.finish(mistakes);
}

pub(super) fn check_endpoint(
    line: usize,
    path: &str,
    endpoint: &str,
    mistakes: &mut Mistakes,
) -> bool {
    let good = is_endpoint(endpoint);
    if !good {
        let why = format!("`{endpoint}` is no endpoint; write `host:port`, without `https://`");
        mistakes.add(line, path, why);
    }
    good
}

/// Whether this is `host:port` with a host that a certificate can name.
pub(in crate::config) fn is_endpoint(endpoint: &str) -> bool {
    let port = endpoint.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        && crate::tls::Names::of([endpoint]).is_ok()
}
