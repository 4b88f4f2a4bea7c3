//! The certificate that peers are shown, renewed while the program runs.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::given::Content;
use super::validity::validity;
use super::{Authority, Given, Names, TlsError};
use crate::model::Time;

/// How often the keeper looks for a new certificate.
const LOOK: Duration = Duration::from_secs(10);
/// A certificate that expires within this time is renewed, if it is ours, or else warned about.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The pause between two warnings about the same certificate.
const AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The certificate that is shown, and where it comes from; cheap to clone.
#[derive(Clone, Debug)]
pub struct Serving {
    shown: Arc<Shown>,
    origin: Arc<Origin>,
    /// Wakes the keeper to look now.
    news: Arc<Notify>,
}

/// The certificate for new connections.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

#[derive(Debug)]
enum Origin {
    Authority { authority: Authority, names: Names },
    Given { given: Given, names: Names },
}

/// What the keeper remembers between two looks.
#[derive(Default)]
pub(super) struct Seen {
    content: Option<Content>,
    /// The last trouble, which is logged only once.
    trouble: Option<String>,
    warned: Option<Time>,
}

// === impl Serving ===

impl Serving {
    /// Shows certificates of our own authority for these names.
    ///
    /// # Errors
    ///
    /// No certificate can be made.
    pub fn issued(authority: Authority, names: Names) -> Result<Self, TlsError> {
        let key = leaf(&authority, &names, Time::now())?;
        Ok(Self::new(key, Origin::Authority { authority, names }))
    }

    /// Shows the certificate in given files. Names that peers dial and it does not cover are logged,
    /// since those peers will refuse it.
    ///
    /// # Errors
    ///
    /// The files cannot be read, or do not go together.
    pub fn given(given: Given, names: Names) -> Result<Self, TlsError> {
        let key = given.certified(&given.read()?)?;
        tell_uncovered(&key, &given, &names);
        Ok(Self::new(key, Origin::Given { given, names }))
    }

    fn new(key: CertifiedKey, origin: Origin) -> Self {
        Self {
            shown: Arc::new(Shown(RwLock::new(Arc::new(key)))),
            origin: Arc::new(origin),
            news: Arc::default(),
        }
    }

    /// The TLS configuration for listeners, with HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    ///
    /// The cryptographic library refuses.
    pub fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Crypto(error.to_string()))?;
        let resolver = Arc::clone(&self.shown);
        let mut config = config.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Shows the certificate that a program started at this time would show.
    #[cfg(test)]
    pub(super) fn show_as_of(&self, now: Time) -> Result<(), TlsError> {
        if let Origin::Authority { authority, names } = &*self.origin {
            self.shown.set(leaf(authority, names, now)?);
        }
        Ok(())
    }

    /// When the current certificate expires.
    pub fn end(&self) -> Option<Time> {
        validity_of(&self.shown.get()).map(|(_, end)| end)
    }

    /// Renews our certificates before they expire, and reads given files again when they change, until
    /// `stop`. Open connections stay as they are.
    pub async fn keep(self, stop: CancellationToken) {
        let mut seen = Seen::default();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep(LOOK) => {}
                () = self.news.notified() => {}
            }
            let serving = self.clone();
            // On a blocking thread, because it reads files and makes keys.
            let look = tokio::task::spawn_blocking(move || {
                serving.look(&mut seen, Time::now());
                seen
            });
            match look.await {
                Ok(after) => seen = after,
                Err(_) => return,
            }
        }
    }

    /// Has the keeper look now.
    pub fn look_now(&self) {
        self.news.notify_one();
    }

    /// Looks for a certificate to show instead.
    pub(super) fn look(&self, seen: &mut Seen, now: Time) {
        let looked = match &*self.origin {
            Origin::Authority { authority, names } => self.renew(authority, names, now),
            Origin::Given { given, names } => self.reload(given, names, seen),
        };
        let trouble = looked.err().map(|error| error.to_string());
        if trouble != seen.trouble {
            match &trouble {
                Some(error) => tracing::error!(error, "the certificate stays as it is"),
                None => tracing::info!("the trouble with the certificate is over"),
            }
            seen.trouble = trouble;
        }
        let soon = self.end().is_some_and(|end| end <= now.after(SOON));
        if soon && seen.warned.is_none_or(|warned| warned.after(AGAIN) <= now) {
            tracing::warn!(
                end = self
                    .end()
                    .map(|end| prost_types::Timestamp::from(end).to_string()),
                "the certificate ends soon, and then nobody can connect; replace it"
            );
            seen.warned = Some(now);
        }
    }

    fn renew(&self, authority: &Authority, names: &Names, now: Time) -> Result<(), TlsError> {
        let (begin, end) = match validity_of(&self.shown.get()) {
            Some((begin, end)) => (Some(begin), Some(end)),
            None => (None, None),
        };
        // It was made while the clock was far ahead.
        let is_early = begin.is_some_and(|begin| now < begin);
        let is_soon = end.is_none_or(|end| end <= now.after(SOON));
        // Near the end of the authority itself, a new leaf would not last longer.
        if is_early || is_soon && end.is_none_or(|end| end < authority.end()) {
            self.shown.set(leaf(authority, names, now)?);
            tracing::info!("the certificate has been renewed");
        }
        Ok(())
    }

    fn reload(&self, given: &Given, names: &Names, seen: &mut Seen) -> Result<(), TlsError> {
        let content = given.read()?;
        if seen
            .content
            .as_ref()
            .is_some_and(|before| before.is(&content))
        {
            return Ok(());
        }
        let key = given.certified(&content)?;
        if key.cert != self.shown.get().cert {
            tell_uncovered(&key, given, names);
            self.shown.set(key);
            seen.warned = None;
            let path = given.path().display();
            tracing::info!(certificate = %path, "the certificate has been read again");
        }
        seen.content = Some(content);
        Ok(())
    }
}

/// Puts chain and key together; the key must belong to the first certificate of the chain.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, rustls::Error> {
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
}

fn leaf(authority: &Authority, names: &Names, now: Time) -> Result<CertifiedKey, TlsError> {
    let crypto = |error: &dyn std::error::Error| TlsError::Crypto(error.to_string());
    let leaf = authority.issue_at(names, now)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(leaf.chain.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(leaf.key.expose().as_bytes());
    let chain = chain.map_err(|error| crypto(&error))?;
    let key = key.map_err(|error| crypto(&error))?;
    certified(chain, key).map_err(|error| crypto(&error))
}

fn validity_of(key: &CertifiedKey) -> Option<(Time, Time)> {
    validity(key.end_entity_cert().ok()?)
}

/// The names that a certificate does not cover.
pub(super) fn uncovered(key: &CertifiedKey, names: &Names) -> Vec<String> {
    let certificate = key.end_entity_cert().and_then(ParsedCertificate::try_from);
    let covers = |name: &String| {
        // Any label will do for a wildcard.
        let name = name.replacen('*', "any", 1);
        let name = ServerName::try_from(name.as_str());
        match (&certificate, name) {
            (Ok(certificate), Ok(name)) => verify_server_name(certificate, &name).is_ok(),
            _ => false,
        }
    };
    names.public().filter(|name| !covers(name)).collect()
}

fn tell_uncovered(key: &CertifiedKey, given: &Given, names: &Names) {
    for name in uncovered(key, names) {
        tracing::warn!(
            name,
            certificate = %given.path().display(),
            "the certificate does not cover a name that peers dial; they will refuse it"
        );
    }
}

// === impl Shown ===

impl Shown {
    fn get(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, key: CertifiedKey) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}
