//! URLs that keep their spelling.
//!
//! A parser that normalizes, as most do, breaks signatures: `%40` and `@` are the same path to it,
//! and not to whoever has signed one of them.

use std::fmt;
use std::net::Ipv6Addr;

use http::uri::PathAndQuery;

/// An `http` or `https` URL, in the parts that a request needs. `Debug` and `Display` hide what may
/// be secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) secure: bool,
    /// User name and password, percent-encoded.
    pub(super) user: Option<String>,
    /// A name or an address, without brackets.
    pub(super) host: String,
    /// As it was written, if it was.
    port: Option<u16>,
    /// Path and query, byte for byte.
    pub(super) target: PathAndQuery,
}

/// Why a text is no usable URL. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadUrl {
    #[error("is no http:// or https:// URL")]
    Scheme,
    #[error("names no host")]
    NoHost,
    #[error("has a host that is neither a name nor an address; write non-ASCII names as punycode")]
    Host,
    #[error("has a port that is no number up to 65535")]
    Port,
    #[error("has a character in its path or query that has to be percent-encoded")]
    Target,
}

// === impl Url ===

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::Scheme)?;
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(BadUrl::Scheme),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, authority),
        };
        let (host, port) = place_of(place)?;
        Ok(Self {
            secure,
            user,
            host,
            port,
            target: target_of(target)?,
        })
    }

    /// Where a `Location` header leads from here.
    pub(super) fn join(&self, location: &str) -> Result<Self, BadUrl> {
        if has_scheme(location) {
            return Self::parse(location);
        }
        if location.starts_with("//") {
            return Self::parse(&format!("{}:{location}", self.scheme()));
        }
        let location = location.split('#').next().unwrap_or_default();
        let target = match location.as_bytes() {
            [] => self.target.to_string(),
            [b'/', ..] => location.to_owned(),
            [b'?', ..] => format!("{}{location}", self.target.path()),
            _ => below(self.target.path(), location),
        };
        Ok(Self {
            target: target_of(&target)?,
            ..self.clone()
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// Whether both lead to the same server, as far as one can tell.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.port() == other.port()
            && self.host.eq_ignore_ascii_case(&other.host)
    }

    /// The `Host` header.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())?;
        f.write_str(self.target.path())?;
        match self.target.query() {
            Some(_) => f.write_str("?[REDACTED]"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// `name`, `name:port`, `[v6]`, `[v6]:port`
fn place_of(place: &str) -> Result<(String, Option<u16>), BadUrl> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(BadUrl::Host)?;
            host.parse::<Ipv6Addr>().map_err(|_| BadUrl::Host)?;
            match port {
                "" => (host, ""),
                port => (host, port.strip_prefix(':').ok_or(BadUrl::Host)?),
            }
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    if host.is_empty() {
        return Err(BadUrl::NoHost);
    }
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~".contains(&byte);
    if !host.bytes().all(usual) {
        return Err(BadUrl::Host);
    }
    let port = match port {
        "" => None,
        // `parse` would take a sign.
        port if !port.bytes().all(|byte| byte.is_ascii_digit()) => return Err(BadUrl::Port),
        port => Some(port.parse().map_err(|_| BadUrl::Port)?),
    };
    Ok((host.to_owned(), port))
}

/// Path and query, of which the fragment is nobody's business but the client's.
fn target_of(text: &str) -> Result<PathAndQuery, BadUrl> {
    let text = text.split('#').next().unwrap_or_default();
    let text = match text.starts_with('/') {
        true => text.to_owned(),
        false => format!("/{text}"),
    };
    let target = PathAndQuery::try_from(text.as_str()).map_err(|_| BadUrl::Target)?;
    match target.as_str() == text {
        true => Ok(target),
        false => Err(BadUrl::Target),
    }
}

fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(usual)
}

/// `location`, relative to the folder of `path`.
fn below(path: &str, location: &str) -> String {
    let (relative, query) = match location.split_once('?') {
        Some((relative, query)) => (relative, Some(query)),
        None => (location, None),
    };
    let folder = &path[..path.rfind('/').map_or(0, |slash| slash + 1)];
    let mut parts: Vec<&str> = folder.split('/').collect();
    // The empty part after the folder's slash.
    parts.pop();
    let mut relative = relative.split('/').peekable();
    while let Some(part) = relative.next() {
        match part {
            "." | ".." => {
                // The first part is what is before the first slash.
                if part == ".." && parts.len() > 1 {
                    parts.pop();
                }
                if relative.peek().is_none() {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    let mut target = parts.join("/");
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    target
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_spelling() {
        let cases = [
            (
                "http://h/a%40b/%7e?x=%2F&y=+",
                "h",
                80,
                "/a%40b/%7e?x=%2F&y=+",
            ),
            ("HTTPS://Host.example:8443", "Host.example", 8443, "/"),
            ("https://h?q=//x@y:1", "h", 443, "/?q=//x@y:1"),
            ("http://h//a//b/../c#frag", "h", 80, "//a//b/../c"),
            ("http://u:p%40@[::1]:81/p", "::1", 81, "/p"),
            ("http://h:/p", "h", 80, "/p"),
            ("http://h/ü|^\"{}", "h", 80, "/ü|^\"{}"),
        ];
        for (text, host, port, target) in cases {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port()), (host, port), "{text}");
            assert_eq!(url.target.as_str(), target, "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let cases = [
            ("", BadUrl::Scheme),
            ("ftp://h/", BadUrl::Scheme),
            ("h/path", BadUrl::Scheme),
            ("http:///path", BadUrl::NoHost),
            ("http://user@/", BadUrl::NoHost),
            ("http://[::1/", BadUrl::Host),
            ("http://[::1]x/", BadUrl::Host),
            ("http://[lab]/", BadUrl::Host),
            ("http://hü/", BadUrl::Host),
            ("http://h h/", BadUrl::Host),
            ("http://h:99999/", BadUrl::Port),
            ("http://h:+1/", BadUrl::Port),
            ("http://h/a b", BadUrl::Target),
            ("http://h/a`b", BadUrl::Target),
            ("http://h/a\r\nHost: x", BadUrl::Target),
        ];
        for (text, reason) in cases {
            assert_eq!(Url::parse(text).unwrap_err(), reason, "{text}");
        }
    }

    #[test]
    fn redirects_lead_where_they_should() {
        let base = Url::parse("http://u:p@h:81/a/b/c?q=1").unwrap();
        let cases = [
            ("https://x/y%40", "https://x/y%40"),
            ("//x:1/y", "http://x:1/y"),
            ("/y/../z%2f", "http://h:81/y/../z%2f"),
            ("?r=2", "http://h:81/a/b/c?r=2"),
            ("", "http://h:81/a/b/c?q=1"),
            ("#f", "http://h:81/a/b/c?q=1"),
            ("d", "http://h:81/a/b/d"),
            ("d/%40e?x=:", "http://h:81/a/b/d/%40e?x=:"),
            ("./d", "http://h:81/a/b/d"),
            ("../d", "http://h:81/a/d"),
            ("../../../../d", "http://h:81/d"),
            ("..", "http://h:81/a/"),
            (".", "http://h:81/a/b/"),
        ];
        for (location, expected) in cases {
            let url = base.join(location).unwrap();
            let plain = format!("{}://{}{}", url.scheme(), url.authority(), url.target);
            assert_eq!(plain, expected, "{location}");
        }
        assert_eq!(base.join("mailto:x@y"), Err(BadUrl::Scheme));
        assert_eq!(base.join("a b"), Err(BadUrl::Target));
    }

    #[test]
    fn secrets_are_not_shown() {
        let url = Url::parse("https://me:secret@h:1/p?X-Amz-Signature=secret#secret").unwrap();
        assert_eq!(url.to_string(), "https://h:1/p?[REDACTED]");
        assert_eq!(format!("{url:?}"), "Url(https://h:1/p?[REDACTED])");
        assert_eq!(Url::parse("http://h").unwrap().to_string(), "http://h/");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one, other| {
            Url::parse(one)
                .unwrap()
                .same_origin(&Url::parse(other).unwrap())
        };
        assert!(same("http://h/a", "http://H:80/b?c"));
        assert!(!same("http://h/", "https://h/"));
        assert!(!same("http://h/", "http://h:81/"));
        assert!(!same("http://h/", "http://i/"));
    }
}
