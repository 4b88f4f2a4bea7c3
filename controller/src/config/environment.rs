//! Settings from environment variables, which have the names that the reference gave them.

use std::path::PathBuf;

use jumpstarter_client::Secret;

use super::fields::Mistakes;
use super::read::{address, is_endpoint};
use super::{Config, Mistake};
use crate::tls::Given;

/// Applies all variables that are set and not empty.
pub(super) fn apply(
    variable: &dyn Fn(&str) -> Option<String>,
    config: &mut Config,
    mistakes: &mut Mistakes,
) {
    let mut wrong = |name: &str, message: String| {
        mistakes.0.push(Mistake {
            line: None,
            path: name.to_owned(),
            message,
        });
    };
    if let Some(namespace) = variable("NAMESPACE") {
        match crate::model::validate::name("namespaces", &namespace) {
            Ok(()) => config.namespace = namespace,
            Err(why) => wrong("NAMESPACE", why),
        }
    }
    let public = &mut config.public;
    for (name, place) in [
        ("GRPC_ENDPOINT", &mut public.grpc),
        ("GRPC_ROUTER_ENDPOINT", &mut public.router),
    ] {
        match variable(name) {
            Some(endpoint) if is_endpoint(&endpoint) => *place = endpoint,
            Some(endpoint) => wrong(
                name,
                format!("`{endpoint}` is no endpoint; write `host:port`"),
            ),
            None => {}
        }
    }
    if let Some(login) = variable("LOGIN_ENDPOINT") {
        public.login = Some(login);
    }
    if let Some(port) = variable("LOGIN_SERVICE_PORT") {
        match address(&port) {
            Ok(address) => config.listen.login = address,
            Err(why) => wrong("LOGIN_SERVICE_PORT", why),
        }
    }
    if let Some(pem) = variable("CA_BUNDLE_PEM") {
        config.ca_bundle = Some(pem);
    }
    let path = |name| variable(name).map(PathBuf::from);
    match (path("EXTERNAL_CERT_PEM"), path("EXTERNAL_KEY_PEM")) {
        (Some(certificate), Some(key)) => config.tls = Some(Given { certificate, key }),
        (None, None) => {}
        _ => wrong(
            "EXTERNAL_CERT_PEM",
            "it goes together with EXTERNAL_KEY_PEM; set both to paths of files, or none"
                .to_owned(),
        ),
    }
    if let Some(key) = variable("ROUTER_KEY") {
        config.router_key = Some(Secret::new(key));
    }
}
