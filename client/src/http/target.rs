//! Where a request goes, and where a redirection leads.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

use super::HttpError;

/// A URL taken apart.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) encrypted: bool,
    pub(super) name: String,
    pub(super) port: u16,
    uri: Uri,
}

// === impl Target ===

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, HttpError> {
        let refuse = |why| HttpError::Url {
            url: url.to_owned(),
            why,
        };
        let uri: Uri = url.trim().parse().map_err(|_| refuse("it is malformed"))?;
        let encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refuse("it begins neither with https:// nor with http://")),
        };
        let name = uri.host().unwrap_or_default();
        let name = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        if name.is_empty() {
            return Err(refuse("there is no host in it"));
        }
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        Ok(Self {
            encrypted,
            name,
            port,
            uri,
        })
    }

    /// Where a redirection leads. It never leads out of encryption.
    pub(super) fn follow(&self, location: &str) -> Result<Self, HttpError> {
        let scheme = if self.encrypted { "https" } else { "http" };
        let next = if location.contains("://") {
            Self::parse(location)?
        } else if let Some(rest) = location.strip_prefix("//") {
            Self::parse(&format!("{scheme}://{rest}"))?
        } else if location.starts_with('/') {
            Self::parse(&format!("{scheme}://{}{location}", self.authority()))?
        } else {
            let folder = self
                .uri
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            Self::parse(&format!(
                "{scheme}://{}{folder}/{location}",
                self.authority()
            ))?
        };
        if self.encrypted && !next.encrypted {
            return Err(HttpError::Url {
                url: location.to_owned(),
                why: "it would lead from https to http",
            });
        }
        Ok(next)
    }

    /// Whether it is on this machine, where nobody listens on the way.
    pub(super) fn is_here(&self) -> bool {
        let name = self.name.trim_end_matches('.');
        let address = name.parse::<IpAddr>().ok();
        name.eq_ignore_ascii_case("localhost") || address.is_some_and(|it| it.is_loopback())
    }

    pub(super) fn authority(&self) -> &str {
        // A user name in a URL is not the host's concern.
        let authority = self.uri.authority().map_or("", |it| it.as_str());
        authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host)
    }

    pub(super) fn path(&self) -> &str {
        match self.uri.path_and_query().map(|it| it.as_str()) {
            None | Some("") => "/",
            Some(path) => path,
        }
    }
}

impl fmt::Display for Target {
    /// The URL without what only the host is to know: a user name, a query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.uri.path())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn redirections_are_followed_but_not_into_the_open() {
        let start = Target::parse("https://me@a.lab:8443/x/y?z=1").unwrap();
        assert_eq!(
            (start.authority(), start.path()),
            ("a.lab:8443", "/x/y?z=1")
        );
        for (location, expected) in [
            ("https://b/c", "https://b/c"),
            ("//b/c", "https://b/c"),
            ("/c?d", "https://a.lab:8443/c?d"),
            ("c", "https://a.lab:8443/x/c"),
        ] {
            assert_eq!(start.follow(location).unwrap().uri.to_string(), expected);
        }
        assert!(start.follow("http://b/c").is_err());
        assert_eq!(Target::parse("https://[::1]/").unwrap().name, "::1");
        assert_eq!(Target::parse("http://a").unwrap().port, 80);
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        for (url, here) in [
            ("http://localhost:1/", true),
            ("http://LOCALHOST./", true),
            ("http://127.9.9.9/", true),
            ("http://[::1]:5/", true),
            ("http://0.0.0.0/", false),
            ("http://10.0.0.1/", false),
            ("http://localhost.example.com/", false),
            ("http://localhost@lab/", false),
        ] {
            assert_eq!(Target::parse(url).unwrap().is_here(), here, "{url}");
        }
        let shown = Target::parse("http://me:secret@lab:8/a?code=x").unwrap();
        assert_eq!(shown.to_string(), "http://lab:8/a");
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["", "a.lab", "ftp://a", "https://", "https:// a/"] {
            assert!(
                matches!(Target::parse(url), Err(HttpError::Url { .. })),
                "{url}"
            );
        }
    }
}
