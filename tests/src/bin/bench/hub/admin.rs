//! The socket of administrators: a thousand exporters with their tokens, without a thousand processes.

use std::path::PathBuf;

use jumpstarter_client::{
    Secret,
    connect::{ChannelOptions, Tls},
    controller::{Controller, Identity, Kind},
};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use super::NAMESPACE;

#[derive(Debug)]
pub(super) struct Admin(PathBuf);

// === impl Admin ===

impl Admin {
    pub(super) fn at(socket: PathBuf) -> Self {
        Self(socket)
    }

    /// Makes an object of this kind with a token, and answers the way to the controller as that
    /// object, over a connection of its own.
    pub(super) async fn create(
        &self,
        kind: &str,
        name: &str,
        labels: &[(&str, &str)],
    ) -> Controller {
        let base = format!("/admin/v1/namespaces/{NAMESPACE}/{kind}");
        let labels = labels
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)));
        let labels: Map<String, Value> = labels.collect();
        self.post(&base, &json!({"name": name, "labels": labels}))
            .await;
        let issued = self
            .post(&format!("{base}/{name}/tokens"), &json!({}))
            .await;
        let said = |field: &str| issued[field].as_str().expect("a text").to_owned();
        let identity = Identity {
            kind: match kind {
                "clients" => Kind::Client,
                _ => Kind::Exporter,
            },
            namespace: NAMESPACE.to_owned(),
            name: name.to_owned(),
            token: Secret::new(said("token")),
        };
        let tls = Tls::from_settings(&said("ca"), false).unwrap();
        let options = ChannelOptions::default();
        Controller::new(&said("endpoint"), &tls, &identity, &options).unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = UnixStream::connect(&self.0).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        assert!(head.starts_with("HTTP/1.1 2"), "{path}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}
