//! Who calls, and with which token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use jumpstarter_proto::v1::{ExporterStatus, ReportStatusRequest, StatusRequest, StatusResponse};
use serde_json::{Value, json};
use tonic::Streaming;

use crate::lab::Lab;

/// A caller, with the headers of its calls.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) kind: &'static str,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) token: String,
}

/// Signs tokens with the key of the lab itself.
pub(crate) struct Mint {
    key: EncodingKey,
    header: Value,
}

/// An exporter that is there for as long as this is kept.
pub(crate) struct Board {
    pub(crate) controller: jumpstarter_client::controller::Controller,
    status: Streaming<StatusResponse>,
}

impl Lab {
    /// Makes a client or an exporter.
    pub(crate) fn who(&self, kind: &'static str, name: &str) -> Who {
        let (word, label) = (kind.to_lowercase(), format!("name={name}"));
        let file = self.path(&format!("{name}.yaml"));
        let out = file.to_str().unwrap();
        self.works(&[&word, "create", name, "-l", &label, "--out", out]);
        self.known(kind, name)
    }

    /// One that was made.
    pub(crate) fn known(&self, kind: &'static str, name: &str) -> Who {
        let config = std::fs::read_to_string(self.path(&format!("{name}.yaml"))).unwrap();
        let config: Value = serde_yaml::from_str(&config).unwrap();
        Who {
            kind,
            namespace: "lab".to_owned(),
            name: name.to_owned(),
            token: config["token"].as_str().unwrap().to_owned(),
        }
    }

    /// Makes an exporter, and has it come.
    pub(crate) async fn board(&self, name: &str) -> Board {
        let controller = self.exporter(name);
        Board::come(controller).await
    }
}

// === impl Who ===

impl Who {
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = plain();
        for (key, value) in [
            ("authorization", format!("Bearer {}", self.token)),
            ("jumpstarter-kind", self.kind.to_owned()),
            ("jumpstarter-namespace", self.namespace.clone()),
            ("jumpstarter-name", self.name.clone()),
        ] {
            headers.insert(key, HeaderValue::from_str(&value).unwrap());
        }
        headers
    }

    /// The same with another token.
    pub(crate) fn with(&self, token: impl Into<String>) -> HeaderMap {
        let token = token.into();
        Self {
            token,
            ..self.clone()
        }
        .headers()
    }

    /// The claims of its token.
    pub(crate) fn claims(&self) -> Value {
        let claims = self.token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }
}

/// What every call of gRPC has.
pub(crate) fn plain() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("te", HeaderValue::from_static("trailers"));
    headers
}

/// No more than a token, as routers want it.
pub(crate) fn bearer(token: &str) -> HeaderMap {
    let mut headers = plain();
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    headers.insert("authorization", value);
    headers
}

// === impl Mint ===

impl Mint {
    pub(crate) fn of(lab: &Lab) -> Self {
        let mut keys = std::fs::read_dir(lab.path("data/keys")).unwrap();
        let path = keys
            .find_map(|file| {
                let path = file.unwrap().path();
                path.extension()
                    .is_some_and(|ending| ending == "pem")
                    .then_some(path)
            })
            .unwrap();
        let kid = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Self::with(&std::fs::read(path).unwrap(), &kid)
    }

    /// With a key of somebody else who says that it is this one.
    pub(crate) fn stranger(&self) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let kid = self.header["kid"].as_str().unwrap();
        Self::with(pair.serialize_pem().as_bytes(), kid)
    }

    fn with(pem: &[u8], kid: &str) -> Self {
        Self {
            key: EncodingKey::from_ec_pem(pem).unwrap(),
            header: json!({"alg": "ES256", "typ": "JWT", "kid": kid}),
        }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        sign(&self.header, claims, &self.key, Algorithm::ES256)
    }

    /// The header of its tokens with another algorithm.
    pub(crate) fn header(&self, algorithm: &str) -> Value {
        let mut header = self.header.clone();
        header["alg"] = algorithm.into();
        header
    }
}

pub(crate) fn encode(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

/// A token of any sort.
pub(crate) fn sign(
    header: &Value,
    claims: &Value,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

// === impl Board ===

impl Board {
    /// Registers, opens the Status stream, and says that it is available.
    pub(crate) async fn come(controller: jumpstarter_client::controller::Controller) -> Self {
        let mut service = controller.service();
        service.register(crate::lab::device()).await.unwrap();
        let status = service.status(StatusRequest {}).await.unwrap().into_inner();
        let mut board = Self { controller, status };
        assert!(!board.next().await.leased);
        board.says(ExporterStatus::Available).await;
        board
    }

    pub(crate) async fn says(&self, status: ExporterStatus) {
        let report = ReportStatusRequest {
            status: status.into(),
            ..ReportStatusRequest::default()
        };
        self.controller
            .service()
            .report_status(report)
            .await
            .unwrap();
    }

    /// The next it hears on its Status stream.
    pub(crate) async fn next(&mut self) -> StatusResponse {
        self.heard().await.unwrap()
    }

    pub(crate) async fn heard(&mut self) -> Result<StatusResponse, tonic::Status> {
        let heard = tokio::time::timeout(crate::line::PATIENCE, self.status.message()).await;
        heard
            .expect("something in time")
            .map(|message| message.expect("no end"))
    }
}
