//! How OpenDAL's `http` storage reaches web servers.
//!
//! OpenDAL would do it with a client of its own, which is made for every storage, even one in
//! memory, and which panics on machines that have no CA certificates. This one is only made for web
//! servers, and tells what is missing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, COOKIE, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyDataStream, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opendal::raw::{HttpBody, HttpFetch};
use opendal::{Buffer, Error, ErrorKind, Result};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

/// As many as browsers and everybody else follows.
const MOST_REDIRECTS: usize = 10;

/// How long a server may take to say hello.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The client.
pub(crate) struct Web {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

// === impl Web ===

impl Web {
    /// For servers at an address.
    pub(crate) fn new(endpoint: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() && endpoint.starts_with("https:") {
            let text = "there are no CA certificates on this machine; install `ca-certificates` \
                        or let SSL_CERT_FILE name a file of them";
            return Err(
                Error::new(ErrorKind::ConfigInvalid, text).with_context("endpoint", endpoint)
            );
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::new(ErrorKind::Unexpected, "TLS cannot be set up").set_source(error)
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }
}

impl HttpFetch for Web {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>> {
        let (mut parts, body) = request.into_parts();
        let body = body.to_bytes();
        for _ in 0..=MOST_REDIRECTS {
            let request = Request::from_parts(parts.clone(), Full::new(body.clone()));
            let response = self.client.request(request).await.map_err(|error| {
                // A server that cannot be reached may be back in a minute.
                failed("send http request", &parts.uri)
                    .set_temporary()
                    .set_source(error)
            })?;
            let Some(next) = redirect(&response, &parts.uri) else {
                return Ok(answer(response, &parts.method, parts.uri));
            };
            leave(&mut parts.headers, &parts.uri, &next);
            parts.uri = next;
        }
        let text = format!("more than {MOST_REDIRECTS} redirects");
        Err(failed(&text, &parts.uri))
    }
}

/// Where a response sends us to.
fn redirect(response: &Response<Incoming>, from: &http::Uri) -> Option<http::Uri> {
    let again = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    if !again.contains(&response.status()) {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let next = Url::parse(&from.to_string()).ok()?.join(location).ok()?;
    next.as_str().parse().ok()
}

/// Credentials are for the server that they were meant for.
fn leave(headers: &mut HeaderMap, from: &http::Uri, to: &http::Uri) {
    if (from.scheme(), from.authority()) != (to.scheme(), to.authority()) {
        headers.remove(AUTHORIZATION);
        headers.remove(COOKIE);
    }
}

/// The response in OpenDAL's form.
fn answer(response: Response<Incoming>, method: &Method, uri: http::Uri) -> Response<HttpBody> {
    let (mut parts, body) = response.into_parts();
    let length = parts.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    // The length of what a HEAD request leaves out is not that of the body.
    let length = if method == Method::HEAD { None } else { length };
    parts.extensions.insert(uri.clone());
    let data = BodyDataStream::new(body)
        .try_filter(|data| future::ready(!data.is_empty()))
        .map(move |data| match data {
            Ok(data) => Ok(Buffer::from(data)),
            Err(error) => {
                let failed = failed("read data from http response", &uri);
                Err(failed.set_temporary().set_source(error))
            }
        });
    Response::from_parts(parts, HttpBody::new(data, length))
}

fn failed(text: &str, uri: &http::Uri) -> Error {
    Error::new(ErrorKind::Unexpected, text).with_context("url", uri)
}
