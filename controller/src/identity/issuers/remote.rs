//! The keys of an issuer, kept up to date.
//!
//! One task per issuer fetches them: when the first token comes; then every ten seconds until it
//! succeeds; again when a token names a key that is not among them; and every hour, so that keys which
//! the issuer withdrew end here, too. However many tokens come, it fetches once in ten seconds at most.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::config::IssuerConfig;
use super::error::FetchError;
use super::fetch::fetch;
use super::key_set::KeySet;
use super::roots::Roots;
use crate::identity::TokenError;
use crate::identity::jws::Jws;

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a caller waits for keys: two documents, and some time to spare.
const PATIENCE: Duration = Duration::from_secs(12);
/// Keys older than this are fetched again; they stay in use until that succeeds.
const OLD: Duration = Duration::from_secs(60 * 60);

/// The keys of an issuer, and the task that fetches them.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    known: watch::Receiver<Known>,
    wanted: Arc<Notify>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// When `keys` were fetched.
    since: Option<Instant>,
    /// When the last attempt ended.
    tried: Option<Instant>,
    attempts: u64,
}

/// Where and how to fetch.
struct Source {
    issuer: String,
    discovery: String,
    roots: Roots,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

// === impl RemoteKeys ===

impl RemoteKeys {
    /// Spawns the task, which fetches nothing yet.
    pub(super) fn new(config: &IssuerConfig) -> Self {
        let base = config.url.trim_end_matches('/');
        let usual = || format!("{base}/.well-known/openid-configuration");
        let source = Source {
            issuer: config.url.clone(),
            discovery: config.discovery_url.clone().unwrap_or_else(usual),
            roots: Roots::of(config.certificate_authority.as_deref()),
        };
        let (publish, known) = watch::channel(Known::default());
        let wanted = Arc::new(Notify::new());
        let task = tokio::spawn(keep(source, publish, Arc::clone(&wanted)));
        Self {
            known,
            wanted,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Checks that one of the keys signed the token; waits for newer keys if none did.
    pub(super) async fn signed(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let known = self.known.borrow().clone();
        if known.signed(jws) {
            if known.since.is_some_and(|since| since.elapsed() >= OLD) {
                self.wanted.notify_one();
            }
            return Ok(());
        }
        // Without any keys, the task tries again by itself after the first attempt.
        let is_first = known.attempts == 0;
        if !is_first && (known.keys.is_none() || !known.is_due()) {
            return Err(known.error());
        }
        self.wanted.notify_one();
        let mut receiver = self.known.clone();
        let attempt = receiver.wait_for(|newer| newer.attempts > known.attempts);
        let newer = match timeout(PATIENCE, attempt).await {
            Ok(Ok(newer)) => newer.clone(),
            _ => return Err(TokenError::NotReady),
        };
        if newer.signed(jws) {
            return Ok(());
        }
        Err(newer.error())
    }
}

// === impl Known ===

impl Known {
    fn signed(&self, jws: &Jws<'_>) -> bool {
        self.keys.as_ref().is_some_and(|keys| keys.signed(jws))
    }

    /// Whether there may be another attempt already.
    fn is_due(&self) -> bool {
        self.tried.is_none_or(|tried| tried.elapsed() >= PAUSE)
    }

    /// The error for a token that no key signed.
    fn error(&self) -> TokenError {
        match self.keys {
            Some(_) => TokenError::Signature,
            None => TokenError::NotReady,
        }
    }
}

async fn keep(source: Source, publish: watch::Sender<Known>, wanted: Arc<Notify>) {
    loop {
        wanted.notified().await;
        // Several callers may have asked for the attempt that has just ended.
        while publish.borrow().is_due() {
            let fetched = source.fetch().await;
            let now = Instant::now();
            let issuer = &source.issuer;
            match &fetched {
                Ok(_) => tracing::debug!(issuer, "fetched the keys of an identity provider"),
                Err(error) => tracing::warn!(
                    issuer, %error, "cannot fetch the keys of an identity provider"
                ),
            }
            publish.send_modify(|known| {
                known.attempts += 1;
                known.tried = Some(now);
                if let Ok(keys) = fetched {
                    known.keys = Some(Arc::new(keys));
                    known.since = Some(now);
                }
            });
            if publish.borrow().keys.is_some() {
                break;
            }
            sleep(PAUSE).await;
        }
    }
}

// === impl Source ===

impl Source {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let document = fetch(&self.discovery, &self.roots).await?;
        let document: Discovery =
            serde_json::from_slice(&document).map_err(|error| FetchError::Content {
                what: "the discovery document",
                why: error.to_string(),
            })?;
        if document.issuer != self.issuer {
            return Err(FetchError::Issuer(document.issuer));
        }
        KeySet::parse(&fetch(&document.jwks_uri, &self.roots).await?)
    }
}
