//! The address of a controller or router, as gRPC programs write it.

use thiserror::Error;

use crate::Host;

/// The port of a target that names none.
const HTTPS: u16 = 443;

/// What makes a text no address of a controller or router.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("failed parsing `{text}`: {why}; write it as `host:port`")]
pub struct TargetError {
    text: String,
    why: &'static str,
}

/// Reads the address of a controller or router: `host:port`, or only `host` for port 443.
///
/// gRPC's own `dns:host:port` and `dns:///host:port` mean the same.
///
/// ```
/// use jumpstarter_client::connect::target;
///
/// assert_eq!(target("controller.lab:8082")?.to_string(), "controller.lab:8082");
/// assert_eq!(target("dns:///controller.lab")?.to_string(), "controller.lab:443");
/// # Ok::<(), jumpstarter_client::connect::TargetError>(())
/// ```
///
/// # Errors
///
/// When it is something else.
pub fn target(text: &str) -> Result<Host, TargetError> {
    let refuse = |why| TargetError {
        text: text.to_owned(),
        why,
    };
    let rest = text.strip_prefix("dns:").unwrap_or(text);
    let rest = rest.strip_prefix("///").unwrap_or(rest);
    if rest.is_empty() {
        return Err(refuse("there is no host in it"));
    }
    if rest.contains("://") {
        return Err(refuse("this is a URL"));
    }
    if rest.contains(['/', '@', '?', '#']) || rest.contains(char::is_whitespace) {
        return Err(refuse("no host has such a name"));
    }
    // An IPv6 address without brackets has no port.
    let bare = rest.matches(':').count() > 1 && !rest.contains('[');
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !bare && !rest.ends_with(']') => (name, Some(port)),
        _ => (rest, None),
    };
    let port = match port.map(str::parse) {
        None => HTTPS,
        Some(Ok(port)) if port != 0 => port,
        Some(_) => return Err(refuse("the port is no number from 1 to 65535")),
    };
    let name = match name.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .ok_or_else(|| refuse("a `]` is missing"))?,
        None => name,
    };
    if name.is_empty() {
        return Err(refuse("there is no host in it"));
    }
    if name.contains(['[', ']']) {
        return Err(refuse("no host has such a name"));
    }
    Ok(Host::Tcp {
        name: name.to_owned(),
        port,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_grpc_is_understood() {
        for (text, shown) in [
            ("lab:8082", "lab:8082"),
            ("lab", "lab:443"),
            ("10.0.0.1:1", "10.0.0.1:1"),
            ("[::1]:8082", "[::1]:8082"),
            ("[::1]", "[::1]:443"),
            ("::1", "[::1]:443"),
            ("dns:lab:8082", "lab:8082"),
            ("dns:///lab:8082", "lab:8082"),
        ] {
            assert_eq!(target(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for (text, why) in [
            ("", "there is no host in it"),
            (":8082", "there is no host in it"),
            ("dns:///", "there is no host in it"),
            ("https://lab:8082", "this is a URL"),
            ("lab:8082/x", "no host has such a name"),
            ("me@lab:8082", "no host has such a name"),
            ("la b:8082", "no host has such a name"),
            ("lab:0", "the port is no number from 1 to 65535"),
            ("lab:x", "the port is no number from 1 to 65535"),
            ("lab:65536", "the port is no number from 1 to 65535"),
            ("[::1:8082", "a `]` is missing"),
            ("[[]", "no host has such a name"),
            ("a]b:1", "no host has such a name"),
        ] {
            let error = target(text).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("failed parsing `{text}`: {why}; write it as `host:port`")
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_surprise(text in "[a-z0-9.:/@\\[\\] -]{0,20}") {
            if let Ok(host) = target(&text) {
                prop_assert_eq!(target(&host.to_string()).unwrap(), host);
            }
        }
    }
}
