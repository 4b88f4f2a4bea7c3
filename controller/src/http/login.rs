//! What `jmp login` asks for first, and a landing page for browsers.

use axum::response::Html;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::config::{Config, LiveConfig};
use crate::serve::Trusted;

/// Our client id at identity providers.
const CLIENT: &str = "jumpstarter-cli";

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthConfig {
    grpc_endpoint: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    router_endpoint: String,
    namespace: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ca_bundle: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    oidc: Vec<Provider>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    issuer: String,
    client_id: &'static str,
    audiences: Vec<String>,
}

/// The routes `/`, `/v1/auth/config` and `/healthz`.
pub fn login(config: LiveConfig, ca: Trusted) -> Router {
    let told = move || answer(&config.get(), &ca.pem());
    let shown = told.clone();
    Router::new()
        .route(
            "/",
            get(async move || {
                let (answer, login) = shown();
                Html(page(&answer, login.as_deref()))
            }),
        )
        .route("/v1/auth/config", get(async move || Json(told().0)))
        .route("/healthz", get(async || "ok"))
}

/// The configuration for clients, and the URL of the login service for the page.
fn answer(config: &Config, ca: &str) -> (AuthConfig, Option<String>) {
    let providers = config.jwt.iter().map(|provider| Provider {
        issuer: provider.issuer.url.clone(),
        client_id: CLIENT,
        audiences: provider.issuer.audiences.clone(),
    });
    let answer = AuthConfig {
        grpc_endpoint: config.public.grpc.clone(),
        router_endpoint: config
            .router_endpoints()
            .into_iter()
            .next()
            .unwrap_or_default(),
        namespace: config.namespace.clone(),
        ca_bundle: match ca {
            "" => String::new(),
            pem => STANDARD.encode(pem),
        },
        oidc: providers.collect(),
    };
    (answer, config.public.login.clone())
}

fn page(answer: &AuthConfig, login: Option<&str>) -> String {
    let row = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!(
            "<tr><th>{name}</th><td><code>{}</code></td></tr>\n",
            escape(value)
        ),
    };
    let issuers: Vec<&str> = answer
        .oidc
        .iter()
        .map(|provider| provider.issuer.as_str())
        .collect();
    let rows = [
        row("Controller", &answer.grpc_endpoint),
        row("Router", &answer.router_endpoint),
        row("Namespace", &answer.namespace),
        row("Login with", &issuers.join(", ")),
    ];
    let login = escape(login.unwrap_or(&answer.grpc_endpoint));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <title>Jumpstarter</title>\n\
         <style>body{{font:16px/1.5 sans-serif;max-width:40em;margin:3em auto;padding:0 1em}}\
         th{{text-align:left;padding-right:1em}}pre{{background:#eee;padding:1em}}</style>\n\
         <h1>Jumpstarter</h1>\n<p>This is the controller of a lab. To use its devices:</p>\n\
         <pre>jmp login your-username@{login}</pre>\n<table>\n{}</table>\n</html>\n",
        rows.concat()
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::body::Body;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get(config: &Config, ca: &str, path: &str) -> String {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let live = LiveConfig::new(config.clone());
        let trusted = Trusted::of(live.clone(), ca);
        let answer = login(live, trusted).oneshot(request).await.unwrap();
        assert!(answer.status().is_success(), "{path}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn clients_are_told_where_everything_is() {
        let mut config = Config::default();
        let told: serde_json::Value =
            serde_json::from_str(&get(&config, "", "/v1/auth/config").await).unwrap();
        let expected = serde_json::json!({
            "grpcEndpoint": "localhost:8082",
            "routerEndpoint": "localhost:8083",
            "namespace": "default",
        });
        assert_eq!(told, expected);
        let issuer = "issuer: {url: 'https://dex', audiences: [a]}\n\
                      claimMappings: {username: {claim: name, prefix: ''}}";
        config.jwt = vec![serde_yaml::from_str(issuer).unwrap()];
        let told: serde_json::Value =
            serde_json::from_str(&get(&config, "PEM", "/v1/auth/config").await).unwrap();
        assert_eq!(told["caBundle"], "UEVN");
        assert_eq!(
            told["oidc"],
            serde_json::json!([{"issuer": "https://dex", "clientId": "jumpstarter-cli", "audiences": ["a"]}])
        );
    }

    #[tokio::test]
    async fn people_are_told_what_to_type() {
        let mut config = Config::default();
        config.public.login = Some("<lab>".to_owned());
        let page = get(&config, "", "/").await;
        assert!(page.contains("Jumpstarter"));
        assert!(page.contains("jmp login your-username@&lt;lab&gt;"));
    }
}
