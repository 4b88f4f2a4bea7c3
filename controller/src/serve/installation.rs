//! A controller without its endpoints: the data, and everything that works on the data.
//!
//! `run` adds endpoints; administrators' commands use it directly while no controller runs.

use std::sync::Arc;

use super::StartError;
use crate::config::folder::FolderLock;
use crate::config::{Config, Folder, LiveConfig};
use crate::identity::{Authenticator, Issuers, Keys, RouterTokens, Rules, TokenRules, Tokens};
use crate::lab::{Lab, Running};
use crate::service::{Services, Settings};
use crate::store::Store;
use crate::tls::{Authority, Names, Serving};

/// The certificates that clients and exporters are told to trust.
#[derive(Clone, Debug)]
pub struct Trusted {
    config: LiveConfig,
    own: Arc<str>,
}

/// The parts of a controller; dropping or closing it releases the data folder.
#[derive(Debug)]
pub struct Installation {
    /// The current settings.
    pub config: LiveConfig,
    /// The data folder.
    pub folder: Folder,
    pub lab: Lab,
    /// Issues and verifies tokens.
    pub tokens: Tokens,
    /// Issues and verifies tokens for streams.
    pub router_tokens: RouterTokens,
    /// Tells who calls.
    pub authenticator: Authenticator,
    /// The implementations of the gRPC services.
    pub services: Services,
    /// The TLS certificate that is shown.
    pub serving: Serving,
    /// The CA of this installation, as PEM; empty with a certificate that is managed elsewhere.
    ca: String,
    running: Running,
    _lock: FolderLock,
}

// === impl Trusted ===

impl Trusted {
    /// The certificates in the settings, else `own`, as PEM.
    pub fn of(config: LiveConfig, own: &str) -> Self {
        let own = own.into();
        Self { config, own }
    }

    /// As PEM; empty if the system's authorities will do.
    pub fn pem(&self) -> String {
        let bundle = self.config.get().ca_bundle.clone();
        bundle.unwrap_or_else(|| self.own.to_string())
    }
}

// === impl Installation ===

impl Installation {
    /// Opens everything in the data folder, and makes what is missing.
    ///
    /// # Errors
    ///
    /// What is in the way, and what to do about it.
    pub async fn open(
        config: Config,
        folder: Folder,
        lock: FolderLock,
    ) -> Result<Self, StartError> {
        let (serving, ca) = certificate(&config, &folder)?;
        let router_tokens = router_tokens(&config, &folder)?;
        let keys = Keys::open(&folder.keys())?;
        let store = Store::open(folder.database())?;
        let (lab, running) = Lab::open(store).await?;
        let tokens = Tokens::new(keys, TokenRules::default(), lab.clone());
        let issuers = Issuers::new(&config.jwt, &[tokens.issuer()])?;
        let authenticator =
            Authenticator::new(lab.clone(), tokens.clone(), issuers, rules(&config));
        lab.retain(config.retention);
        lab.limit_leases(config.most_leases);
        let services = Services::new(
            lab.clone(),
            authenticator.clone(),
            tokens.clone(),
            router_tokens.clone(),
            settings(&config),
        );
        Ok(Self {
            config: LiveConfig::new(config),
            folder,
            lab,
            tokens,
            router_tokens,
            authenticator,
            services,
            serving,
            ca,
            running,
            _lock: lock,
        })
    }

    /// The certificates that peers should trust.
    pub fn ca(&self) -> Trusted {
        Trusted::of(self.config.clone(), &self.ca)
    }

    /// Takes new settings; returns the names of those that cannot change while the program runs.
    ///
    /// # Errors
    ///
    /// The settings are wrong; then nothing has changed.
    pub fn configure(&self, mut config: Config) -> Result<Vec<&'static str>, StartError> {
        let kept = config.keep_fixed(&self.config.get());
        self.authenticator.configure(&config.jwt, rules(&config))?;
        self.services.configure(settings(&config));
        self.lab.retain(config.retention);
        self.lab.limit_leases(config.most_leases);
        self.serving.look_now();
        self.config.set(config);
        Ok(kept)
    }

    /// Waits until everything is on disk. All clones of its parts must have been dropped.
    pub async fn close(self) {
        let Self {
            lab,
            tokens,
            authenticator,
            services,
            running,
            _lock: lock,
            ..
        } = self;
        drop((lab, tokens, authenticator, services));
        running.ended().await;
        drop(lock);
    }
}

/// The certificate to show, and the CA to trust with it.
pub(super) fn certificate(
    config: &Config,
    folder: &Folder,
) -> Result<(Serving, String), StartError> {
    let names = Names::of(config.names())?;
    Ok(match &config.tls {
        Some(given) => (Serving::given(given.clone(), names)?, String::new()),
        None => {
            let authority = Authority::open(&folder.authority())?;
            let ca = authority.pem().to_owned();
            (Serving::issued(authority, names)?, ca)
        }
    })
}

pub(super) fn router_tokens(config: &Config, folder: &Folder) -> Result<RouterTokens, StartError> {
    Ok(match &config.router_key {
        Some(key) => RouterTokens::with_key(key)?,
        None => RouterTokens::open(&folder.router_key())?,
    })
}

fn rules(config: &Config) -> Rules {
    Rules {
        prefix: config.internal_prefix.clone(),
        provisioning: match config.provisioning {
            true => vec![config.namespace.clone()],
            false => Vec::new(),
        },
    }
}

fn settings(config: &Config) -> Settings {
    let telemetry = &config.telemetry;
    Settings {
        labels: config.labels.clone(),
        most_tags: config.most_tags,
        routers: config.router_endpoints(),
        telemetry: telemetry
            .enabled
            .then(|| jumpstarter_proto::v1::TelemetryEndpoint {
                endpoint: match &telemetry.endpoint {
                    Some(endpoint) => endpoint.clone(),
                    None => own_telemetry(config),
                },
                min_severity: telemetry.severity.clone(),
                ..Default::default()
            }),
        token_lifetime: config.token_lifetime,
        rotation_grace: config.rotation_grace,
    }
}

/// The default endpoint for logs: our own port, under the name that exporters know.
fn own_telemetry(config: &Config) -> String {
    let host = config
        .public
        .grpc
        .rsplit_once(':')
        .map_or("localhost", |(host, _)| host);
    let listen = config.listen.telemetry.as_deref().unwrap_or(":9093");
    let port = listen.rsplit_once(':').map_or("9093", |(_, port)| port);
    format!("{host}:{port}")
}
