//! A controller without doors: its data, and everything that works on it.
//!
//! `run` opens doors to it; commands of administrators work on it directly while nobody runs it.

use std::sync::Arc;

use super::StartError;
use crate::config::folder::Hold;
use crate::config::{Config, Folder};
use crate::identity::{Authenticator, Issuers, Keys, RouterTokens, Rules, TokenRules, Tokens};
use crate::lab::{Lab, Running};
use crate::service::{Services, Settings};
use crate::store::Store;
use crate::tls::{Authority, Names, Serving};

/// What `lab`, `tokens` and so on are is said where they are made.
#[derive(Debug)]
pub struct Installation {
    /// What it was told.
    pub config: Arc<Config>,
    /// Where its data is.
    pub folder: Folder,
    /// What is true.
    pub lab: Lab,
    /// Issues and verifies tokens.
    pub tokens: Tokens,
    /// The same for streams.
    pub router_tokens: RouterTokens,
    /// Says who calls.
    pub authenticator: Authenticator,
    /// What exporters and clients can ask for.
    pub services: Services,
    /// The certificate.
    pub serving: Serving,
    /// The CA to trust, as PEM; empty if it is one that everybody trusts.
    pub ca: String,
    running: Running,
    _hold: Hold,
}

// === impl Installation ===

impl Installation {
    /// Makes what is missing, and takes up what is there.
    ///
    /// # Errors
    ///
    /// Something is in the way; the error says what to do.
    pub async fn open(config: Config, folder: Folder, hold: Hold) -> Result<Self, StartError> {
        let (serving, ca) = certificate(&config, &folder)?;
        let router_tokens = router_tokens(&config, &folder)?;
        let keys = Keys::open(&folder.keys())?;
        let store = Store::open(folder.database())?;
        let (lab, running) = Lab::open(store).await?;
        let tokens = Tokens::new(keys, TokenRules::default(), lab.clone());
        let issuers = Issuers::new(&config.jwt, &[tokens.issuer()])?;
        let rules = Rules {
            prefix: config.internal_prefix.clone(),
            provisioning: match config.provisioning {
                true => vec![config.namespace.clone()],
                false => Vec::new(),
            },
        };
        let authenticator = Authenticator::new(lab.clone(), tokens.clone(), issuers, rules);
        let services = Services::new(
            lab.clone(),
            authenticator.clone(),
            tokens.clone(),
            router_tokens.clone(),
            settings(&config),
        );
        Ok(Self {
            config: Arc::new(config),
            folder,
            lab,
            tokens,
            router_tokens,
            authenticator,
            services,
            serving,
            ca,
            running,
            _hold: hold,
        })
    }

    /// Waits until everything is on the disk. All others who had something of this must be gone.
    pub async fn close(self) {
        let Self {
            lab,
            tokens,
            authenticator,
            services,
            running,
            _hold: hold,
            ..
        } = self;
        drop((lab, tokens, authenticator, services));
        running.ended().await;
        drop(hold);
    }
}

/// What we show, and what others should trust to believe it.
pub(super) fn certificate(
    config: &Config,
    folder: &Folder,
) -> Result<(Serving, String), StartError> {
    let names = Names::of(config.names())?;
    let bundle = config.ca_bundle.clone();
    Ok(match &config.tls {
        Some(given) => (
            Serving::given(given.clone(), names)?,
            bundle.unwrap_or_default(),
        ),
        None => {
            let authority = Authority::open(&folder.authority())?;
            let ca = authority.pem().to_owned();
            (Serving::issued(authority, names)?, bundle.unwrap_or(ca))
        }
    })
}

pub(super) fn router_tokens(config: &Config, folder: &Folder) -> Result<RouterTokens, StartError> {
    Ok(match &config.router_key {
        Some(key) => RouterTokens::with_key(key)?,
        None => RouterTokens::open(&folder.router_key())?,
    })
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

/// Our own port for logs, under the name that exporters know us by.
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
