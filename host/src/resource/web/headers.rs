//! The headers of a request: what the client has signed, and what every request needs.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName,
    HeaderValue, USER_AGENT,
};

use super::url::Url;

/// Beginnings of the names of headers that are meant for one server only.
const PRIVATE: [&str; 6] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-amz-",
    "x-ms-",
    "x-goog-",
];

/// The headers that the client wants sent.
#[derive(Clone)]
pub(super) struct Headers(HeaderMap);

// === impl Headers ===

impl Headers {
    /// The error does not repeat values, which may be secret.
    pub(super) fn new(given: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let key = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("`{name}` is no name of a header"))?;
            let mut value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| format!("the value of `{name}` has a character that none may have"))?;
            value.set_sensitive(true);
            headers.append(key, value);
        }
        Ok(Self(headers))
    }

    /// How much data they promise.
    pub(super) fn length(&self) -> Option<u64> {
        self.0
            .get(CONTENT_LENGTH)?
            .to_str()
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Forgets what another server must not see.
    pub(super) fn leave_origin(&mut self) {
        let private: Vec<_> = self
            .0
            .keys()
            .filter(|name| PRIVATE.iter().any(|start| name.as_str().starts_with(start)))
            .cloned()
            .collect();
        for name in private {
            self.0.remove(name);
        }
        self.0.remove(HOST);
    }

    /// All headers of a request.
    pub(super) fn of_request(&self, url: &Url) -> HeaderMap {
        let mut headers = self.0.clone();
        let mut default = |name: HeaderName, value: &str| {
            // Every text that comes here is one that a header can carry.
            if let (false, Ok(mut value)) =
                (headers.contains_key(&name), HeaderValue::from_str(value))
            {
                value.set_sensitive(name == AUTHORIZATION);
                headers.insert(name, value);
            }
        };
        default(HOST, &url.authority());
        default(
            USER_AGENT,
            concat!("jmp-exporter/", env!("CARGO_PKG_VERSION")),
        );
        default(ACCEPT, "*/*");
        default(ACCEPT_ENCODING, "identity");
        if let Some(user) = &url.user {
            default(AUTHORIZATION, &basic(user));
        }
        headers
    }
}

/// The credentials of a URL as a header.
fn basic(user: &str) -> String {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain = percent_decoded(name);
    plain.push(b':');
    plain.extend(percent_decoded(password));
    format!("Basic {}", BASE64_STANDARD.encode(plain))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            #[allow(clippy::cast_possible_truncation, reason = "two digits are a byte")]
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(given: &[(&str, &str)]) -> Headers {
        let given = given.iter();
        let given = given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Headers::new(&given.collect()).unwrap()
    }

    #[test]
    fn what_is_private_stays_with_its_server() {
        let mut headers = headers(&[
            ("Authorization", "a"),
            ("Cookie", "b"),
            ("cookie2", "b"),
            ("Proxy-Authorization", "c"),
            ("X-AMZ-Date", "d"),
            ("x-ms-version", "e"),
            ("x-goog-meta", "f"),
            ("Host", "g"),
            ("X-Amazing", "kept"),
            ("Range", "kept"),
        ]);
        headers.leave_origin();
        let mut left: Vec<_> = headers.0.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["range", "x-amazing"]);
    }

    #[test]
    fn credentials_of_the_url_are_sent_unless_others_are_given() {
        let url = Url::parse("http://us%40er:p%3Aw%zz@h/").unwrap();
        let sent = |given: &[(&str, &str)]| {
            let headers = headers(given).of_request(&url);
            let value = headers.get(AUTHORIZATION).unwrap();
            value.to_str().unwrap().to_owned()
        };
        // us@er:p:w%zz
        assert_eq!(sent(&[]), "Basic dXNAZXI6cDp3JXp6");
        assert_eq!(sent(&[("authorization", "Bearer x")]), "Bearer x");
    }

    #[test]
    fn what_no_header_can_carry_is_refused_without_repeating_it() {
        let given = |name: &str, value: &str| {
            let map = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            Headers::new(&map).err().unwrap()
        };
        assert_eq!(given("a b", "x"), "`a b` is no name of a header");
        assert!(!given("a", "secret\r\nb: c").contains("secret"));
    }
}
