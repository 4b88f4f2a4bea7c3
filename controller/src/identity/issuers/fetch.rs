//! Small documents by HTTPS: one connection per document, redirects followed, sizes and times limited.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, LOCATION, USER_AGENT};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::error::FetchError;
use super::roots::Roots;

/// For one document, from looking up the name to the last byte, redirects included.
const LIMIT: Duration = Duration::from_secs(5);
/// The largest document, in bytes.
const LARGEST: usize = 1024 * 1024;
const MOST_REDIRECTS: usize = 5;

/// Where a document is fetched from.
#[derive(Clone, Debug)]
pub(super) struct Location {
    host: String,
    port: u16,
    path: String,
}

/// The response: a document, or a redirect.
enum Found {
    Here(Bytes),
    There(Location),
}

pub(super) async fn fetch(url: &str, roots: &Roots) -> Result<Bytes, FetchError> {
    let location = Location::parse(url)?;
    let host = location.host.clone();
    let fetched = tokio::time::timeout(LIMIT, follow(location, roots.clone())).await;
    fetched.unwrap_or(Err(FetchError::TimedOut { host, limit: LIMIT }))
}

async fn follow(mut location: Location, roots: Roots) -> Result<Bytes, FetchError> {
    // These are files, possibly on slow disks.
    let roots = tokio::task::spawn_blocking(move || roots.load()).await;
    let roots = roots.unwrap_or_else(|_| Err("they could not be read".to_owned()));
    let tls = connector(roots.map_err(FetchError::Roots)?)?;
    for _ in 0..=MOST_REDIRECTS {
        match location.get(&tls).await? {
            Found::Here(document) => return Ok(document),
            Found::There(next) => location = next,
        }
    }
    Err(FetchError::Redirects(location.host))
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, FetchError> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::Roots(error.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

// === impl Location ===

impl Location {
    pub(super) fn parse(url: &str) -> Result<Self, FetchError> {
        let wrong = || FetchError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if uri.scheme_str() != Some("https") || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(443),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }

    /// The location that a redirect from here leads to.
    fn redirected(&self, to: &str) -> Result<Self, FetchError> {
        if to.starts_with('/') && !to.starts_with("//") {
            let path = to.to_owned();
            return Ok(Self {
                path,
                ..self.clone()
            });
        }
        Self::parse(to)
    }

    /// The value of the `Host` header.
    fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        match (host.contains(':'), *port) {
            (false, 443) => host.clone(),
            (false, port) => format!("{host}:{port}"),
            (true, 443) => format!("[{host}]"),
            (true, port) => format!("[{host}]:{port}"),
        }
    }

    async fn get(&self, tls: &TlsConnector) -> Result<Found, FetchError> {
        let host = || self.host.clone();
        let unreadable = |why: String| FetchError::Answer { host: host(), why };
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|source| FetchError::Connect {
            host: host(),
            source,
        })?;
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|_| FetchError::Url(self.host.clone()))?;
        let stream = tls.connect(name, stream).await;
        let stream = stream.map_err(|source| FetchError::Tls {
            host: host(),
            source,
        })?;
        let request = Request::get(&self.path)
            .header(HOST, self.authority())
            .header(ACCEPT, "application/json")
            .header(
                USER_AGENT,
                concat!("jmp-controller/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::<Bytes>::new())
            .map_err(|error| unreadable(error.to_string()))?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| unreadable(error.to_string()))?;
        let exchange = async {
            let response = sender.send_request(request).await;
            self.found(response.map_err(|error| unreadable(error.to_string()))?)
                .await
        };
        // An error of the connection shows in the exchange, too.
        let connection = async {
            connection.await.ok();
            std::future::pending().await
        };
        tokio::select! {
            found = exchange => found,
            () = connection => Err(unreadable("the connection ended".to_owned())),
        }
    }

    async fn found(&self, response: Response<Incoming>) -> Result<Found, FetchError> {
        let status = response.status();
        if status.is_redirection() {
            let to = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok());
            if let Some(to) = to {
                return self.redirected(to).map(Found::There);
            }
        }
        if status != StatusCode::OK {
            return Err(FetchError::Status {
                host: self.host.clone(),
                status,
                path: self.path.clone(),
            });
        }
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| FetchError::Answer {
            host: self.host.clone(),
            why: error.to_string(),
        })?;
        Ok(Found::Here(body.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_https() {
        let of = |url: &str| Location::parse(url).map(|to| (to.authority(), to.port, to.path));
        let good = |url: &str| of(url).unwrap();
        assert_eq!(
            good("https://a.example"),
            ("a.example".into(), 443, "/".into())
        );
        assert_eq!(
            good("https://a:8/x?y=z"),
            ("a:8".into(), 8, "/x?y=z".into())
        );
        assert_eq!(good("https://[::1]:8/"), ("[::1]:8".into(), 8, "/".into()));
        for bad in [
            "",
            "a.example",
            "http://a.example",
            "https://",
            "https://u:p@a/",
            "/x",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn redirects_stay_encrypted() {
        let here = Location::parse("https://a:8/x").unwrap();
        let to = |to: &str| here.redirected(to).map(|to| (to.authority(), to.path));
        assert_eq!(to("/y").unwrap(), ("a:8".into(), "/y".into()));
        assert_eq!(to("https://b/z").unwrap(), ("b".into(), "/z".into()));
        assert!(to("http://b/z").is_err());
        assert!(to("//b/z").is_err());
    }
}
