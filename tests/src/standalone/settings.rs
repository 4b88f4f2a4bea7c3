//! The controller's configuration file, as far as stories differ in it.

use super::{NAMESPACE, Standalone};
use crate::{Issuer, Lab, free_port};

/// What is to be in it besides the ports.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    more: String,
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    grpc: u16,
    router: u16,
    login: u16,
    health: u16,
}

// === impl Settings ===

impl Settings {
    /// Whoever this provider vouches for may come, as `dex:NAME`, and gets a client of his own.
    pub fn trusting(mut self, issuer: &Issuer) -> Self {
        let ca = serde_json::Value::from(issuer.ca().display().to_string());
        self.more += &format!(
            "authentication:\n  jwt:\n  - issuer:\n      url: {}\n      audiences: [{}]\n      \
             certificateAuthority: {ca}\n    claimMappings:\n      \
             username: {{claim: name, prefix: 'dex:'}}\n\
             provisioning: {{enabled: true}}\n",
            issuer.url(),
            Issuer::AUDIENCE,
        );
        self
    }

    /// With this in it, too.
    pub fn with(mut self, yaml: &str) -> Self {
        self.more += yaml;
        self
    }

    /// Starts a controller with these.
    pub fn start(&self, lab: &Lab) -> Standalone {
        Standalone::new(lab, self)
    }

    pub(super) fn yaml(&self, ports: &Ports) -> String {
        let Ports {
            grpc,
            router,
            login,
            health,
        } = ports;
        format!(
            "namespace: {NAMESPACE}\n\
             listen:\n  grpc: '127.0.0.1:{grpc}'\n  router: '127.0.0.1:{router}'\n  \
             login: '127.0.0.1:{login}'\n  health: '127.0.0.1:{health}'\n  metrics: off\n\
             public_endpoints:\n  grpc: '127.0.0.1:{grpc}'\n  router: '127.0.0.1:{router}'\n  \
             login: 'http://127.0.0.1:{login}'\n{}",
            self.more
        )
    }
}

// === impl Ports ===

impl Ports {
    pub(super) fn free() -> Self {
        Self {
            grpc: free_port(),
            router: free_port(),
            login: free_port(),
            health: free_port(),
        }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.grpc)
    }

    pub(super) fn router(&self) -> String {
        format!("127.0.0.1:{}", self.router)
    }

    pub(super) fn login(&self) -> String {
        format!("127.0.0.1:{}", self.login)
    }

    pub(super) fn health(&self) -> String {
        format!("127.0.0.1:{}", self.health)
    }
}
