//! The login service: `me@login.lab` becomes an endpoint, an issuer and a CA.

use serde::Deserialize;
use serde_json::Value;

use super::trouble;
use crate::cli::CommandLine;
use crate::http::Http;
use crate::oidc::trust;
use crate::ui::{Failure, print};

/// What was typed: `[name@]endpoint`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: Option<String>,
    endpoint: String,
}

/// What the service says.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) endpoint: String,
    pub(super) namespace: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) client_id: Option<String>,
    /// The base64 of a PEM file, or empty.
    pub(super) ca: String,
}

#[derive(Deserialize)]
struct Issuer {
    issuer: Option<String>,
    #[serde(rename = "clientId")]
    client_id: Option<String>,
}

// === impl Target ===

impl Target {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let refuse = |why: &str| Err(Failure::Error(why.to_owned()));
        let text = text.trim();
        if text.is_empty() {
            return refuse("Login target cannot be empty.");
        }
        let Some((name, endpoint)) = text.rsplit_once('@') else {
            return Ok(Self {
                name: None,
                endpoint: text.to_owned(),
            });
        };
        match (name.trim(), endpoint.trim()) {
            ("", _) => refuse("Client name before '@' cannot be empty."),
            (_, "") => refuse("Login endpoint after '@' cannot be empty."),
            (name, endpoint) => Ok(Self {
                name: Some(name.to_owned()),
                endpoint: endpoint.to_owned(),
            }),
        }
    }

    /// Asks the service.
    pub(super) async fn fetch(&self, insecure: bool, line: &CommandLine) -> Result<Found, Failure> {
        print(&format!("Fetching configuration from {}...", self.endpoint))?;
        let base = self.base(insecure, line)?;
        let url = format!("{base}/v1/auth/config");
        let http =
            Http::new(&trust(insecure)).map_err(|error| Failure::Error(error.to_string()))?;
        let answer = http.get(&url).await;
        let answer = answer.map_err(|error| trouble::service(&self.endpoint, &error))?;
        if answer.status.as_u16() != 200 {
            let status = answer.status.as_u16();
            let message = format!("Failed to fetch auth config from {url}: HTTP {status}");
            return Err(Failure::Error(message));
        }
        let body: Value = answer.json().map_err(|_| {
            Failure::Error(format!(
                "Invalid JSON response received from {url}. \
                 Verify the login endpoint or proxy configuration."
            ))
        })?;
        let found = read(body).map_err(|why| {
            Failure::Error(format!("Invalid auth config response from {url}: {why}"))
        })?;
        if !found.ca.is_empty() {
            print("Retrieved CA certificate from login service.")?;
        }
        Ok(found)
    }

    /// The URL without a path.
    fn base(&self, insecure: bool, line: &CommandLine) -> Result<String, Failure> {
        let (scheme, rest) = match self.endpoint.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), self.endpoint.as_str()),
        };
        let rest = rest.trim_end_matches('/');
        let invalid = |why: String| {
            Failure::Error(format!("Invalid login endpoint '{}': {why}", self.endpoint))
        };
        match scheme.as_str() {
            "http" if !insecure => {
                let message = "HTTP login endpoints require --insecure-tls / -k.";
                Err(line.refuse(message).into())
            }
            "http" | "https" if rest.is_empty() || rest.starts_with(['/', ':', '?']) => {
                Err(invalid("missing host.".to_owned()))
            }
            "http" | "https" => Ok(format!("{scheme}://{rest}")),
            other => Err(invalid(format!(
                "unsupported URL scheme '{other}'. Use http or https."
            ))),
        }
    }
}

fn read(body: Value) -> Result<Found, &'static str> {
    let Value::Object(mut body) = body else {
        return Err("expected a JSON object.");
    };
    let mut text = |key: &str| match body.remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    };
    let endpoint = text("grpcEndpoint").ok_or("missing required field 'grpcEndpoint'.")?;
    let (namespace, ca) = (text("namespace"), text("caBundle").unwrap_or_default());
    let first = body.remove("oidc").and_then(|oidc| oidc.get(0).cloned());
    let first = first.and_then(|first| serde_json::from_value::<Issuer>(first).ok());
    let (issuer, client_id) = first.map_or((None, None), |it| (it.issuer, it.client_id));
    Ok(Found {
        endpoint,
        namespace,
        issuer,
        client_id,
        ca,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        match Target::parse(text) {
            Err(Failure::Error(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_at_sign_divides() {
        let parse = |text| {
            let target = Target::parse(text).unwrap();
            (target.name, target.endpoint)
        };
        let named = |name: &str, endpoint: &str| (Some(name.to_owned()), endpoint.to_owned());
        assert_eq!(
            parse("my-client@login.lab"),
            named("my-client", "login.lab")
        );
        assert_eq!(parse(" me @ login.lab "), named("me", "login.lab"));
        assert_eq!(parse("me@corp@login.lab"), named("me@corp", "login.lab"));
        assert_eq!(parse("login.lab"), (None, "login.lab".to_owned()));
        assert_eq!(refused("  "), "Login target cannot be empty.");
        assert_eq!(refused("@x"), "Client name before '@' cannot be empty.");
        assert_eq!(refused("x@ "), "Login endpoint after '@' cannot be empty.");
    }

    #[test]
    fn an_answer_needs_an_endpoint_and_nothing_else() {
        assert_eq!(read(json!([])).unwrap_err(), "expected a JSON object.");
        assert_eq!(
            read(json!({"namespace": "x"})).unwrap_err(),
            "missing required field 'grpcEndpoint'."
        );
        let found = read(json!({"grpcEndpoint": "e:1", "oidc": []})).unwrap();
        assert_eq!((found.endpoint.as_str(), found.issuer), ("e:1", None));
        let found = read(json!({
            "grpcEndpoint": "e:1", "namespace": "n", "caBundle": "Q0E=",
            "oidc": [{"issuer": "https://i", "clientId": "c"}, {"issuer": "https://j"}],
        }));
        let found = found.unwrap();
        assert_eq!(found.issuer.as_deref(), Some("https://i"));
        assert_eq!(found.client_id.as_deref(), Some("c"));
        assert_eq!(
            (found.namespace.as_deref(), found.ca.as_str()),
            (Some("n"), "Q0E=")
        );
    }
}
