//! The methods of ClientService as REST, in protobuf's JSON.
//!
//! Each request becomes a gRPC message and is answered by the same code. Callers authenticate with
//! `Authorization`, and name the client they act as with `Grpc-Metadata-jumpstarter-kind`,
//! `…-namespace` and `…-name`.

mod body;
mod json;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use jumpstarter_proto::client_v1 as wire;
use jumpstarter_proto::client_v1::client_service_server::ClientService;
use serde::Deserialize;
use serde_json::{Value, json};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::identity::{ConnectionState, Peer};
use crate::service::{ClientApi, meant};

/// The OpenAPI description of all routes.
const OPENAPI: &str = include_str!("openapi.json");
/// Headers with this prefix become gRPC metadata.
const METADATA: &str = "grpc-metadata-";
/// The longest body, in bytes.
const LONGEST: usize = 1 << 20;

type Api = Arc<ClientApi>;

/// A refusal in the JSON of grpc-gateway. gRPC clients expect UNKNOWN for much that has a better status
/// in HTTP, which this uses.
struct Refusal(Status);

/// An extractor whose failure is a [`Refusal`], too.
struct Extract<E>(E);

type Outcome = Result<Json<Value>, Refusal>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Listing {
    #[serde(alias = "page_size")]
    page_size: i32,
    #[serde(alias = "page_token")]
    page_token: String,
    filter: String,
    #[serde(alias = "show_hidden_labels")]
    show_hidden_labels: bool,
    #[serde(alias = "only_active")]
    only_active: Option<bool>,
    #[serde(alias = "tag_filter")]
    tag_filter: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Showing {
    #[serde(alias = "show_hidden_labels")]
    show_hidden_labels: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Creating {
    #[serde(alias = "lease_id")]
    lease_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Updating {
    #[serde(alias = "update_mask")]
    update_mask: Option<String>,
}

/// All routes.
pub fn rest(api: ClientApi) -> Router {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/v1/namespaces/{namespace}/exporters", get(exporters))
        .route("/v1/namespaces/{namespace}/exporters/{name}", get(exporter))
        .route(
            "/v1/namespaces/{namespace}/leases",
            get(leases).post(create),
        )
        .route(
            "/v1/namespaces/{namespace}/leases/{name}",
            get(lease).patch(update).delete(delete),
        )
        .route("/v1/namespaces/{namespace}/rotate-token", post(rotate))
        .method_not_allowed_fallback(async || {
            let told = Refusal(Status::unimplemented("Method Not Allowed"));
            (StatusCode::METHOD_NOT_ALLOWED, told.json())
        })
        .fallback(async || Refusal(Status::not_found("Not Found")))
        .with_state(Arc::new(api))
}

async fn openapi() -> impl IntoResponse {
    let kind = (http::header::CONTENT_TYPE, "application/json");
    ([kind], OPENAPI)
}

/// The gRPC request for a message, with the metadata and extensions of the HTTP request.
fn ask<T>(request: &Request, message: T) -> tonic::Request<T> {
    let mut metadata = HeaderMap::new();
    // gRPC calls always have a content type.
    metadata.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in request.headers() {
        let name = name.as_str();
        let plain = name.strip_prefix(METADATA).unwrap_or(name);
        let says_who = plain == AUTHORIZATION.as_str() || plain.starts_with("jumpstarter-");
        if let Ok(name) = http::HeaderName::try_from(plain)
            && says_who
        {
            metadata.append(name, value.clone());
        }
    }
    let mut asked = tonic::Request::new(message);
    *asked.metadata_mut() = MetadataMap::from_headers(metadata);
    if let Some(peer) = request.extensions().get::<Peer>() {
        asked.extensions_mut().insert(*peer);
    }
    if let Some(connection) = request.extensions().get::<ConnectionState>() {
        asked.extensions_mut().insert(connection.clone());
    }
    asked
}

async fn lease_of(request: Request) -> Result<(Request, wire::Lease, Vec<String>), Refusal> {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LONGEST).await;
    let body = body.map_err(|_| Refusal::invalid("the body is too long, or broke off"))?;
    let value = serde_json::from_slice(&body);
    let value = value.map_err(|error| Refusal::invalid(format!("the body is no JSON: {error}")))?;
    let (lease, fields) = body::lease(value).map_err(Refusal::invalid)?;
    Ok((
        Request::from_parts(head, axum::body::Body::empty()),
        lease,
        fields,
    ))
}

fn parent(namespace: &str) -> String {
    format!("namespaces/{namespace}")
}

async fn exporter(
    State(api): State<Api>,
    Extract(Path((namespace, name))): Extract<Path<(String, String)>>,
    Extract(Query(showing)): Extract<Query<Showing>>,
    request: Request,
) -> Outcome {
    let message = wire::GetExporterRequest {
        name: format!("namespaces/{namespace}/exporters/{name}"),
        show_hidden_labels: showing.show_hidden_labels,
    };
    let answer = api.get_exporter(ask(&request, message)).await?;
    Ok(Json(json::exporter(answer.into_inner())))
}

async fn exporters(
    State(api): State<Api>,
    Extract(Path(namespace)): Extract<Path<String>>,
    Extract(Query(listing)): Extract<Query<Listing>>,
    request: Request,
) -> Outcome {
    let message = wire::ListExportersRequest {
        parent: parent(&namespace),
        page_size: listing.page_size,
        page_token: listing.page_token,
        filter: listing.filter,
        show_hidden_labels: listing.show_hidden_labels,
    };
    let answer = api
        .list_exporters(ask(&request, message))
        .await?
        .into_inner();
    let all: Vec<Value> = answer.exporters.into_iter().map(json::exporter).collect();
    Ok(Json(
        json!({"exporters": all, "nextPageToken": answer.next_page_token}),
    ))
}

async fn lease(
    State(api): State<Api>,
    Extract(Path((namespace, name))): Extract<Path<(String, String)>>,
    request: Request,
) -> Outcome {
    let message = wire::GetLeaseRequest {
        name: format!("namespaces/{namespace}/leases/{name}"),
    };
    let answer = api.get_lease(ask(&request, message)).await?;
    Ok(Json(json::lease(answer.into_inner())))
}

async fn leases(
    State(api): State<Api>,
    Extract(Path(namespace)): Extract<Path<String>>,
    Extract(Query(listing)): Extract<Query<Listing>>,
    request: Request,
) -> Outcome {
    let message = wire::ListLeasesRequest {
        parent: parent(&namespace),
        page_size: listing.page_size,
        page_token: listing.page_token,
        filter: listing.filter,
        only_active: listing.only_active,
        tag_filter: listing.tag_filter,
    };
    let answer = api.list_leases(ask(&request, message)).await?.into_inner();
    let all: Vec<Value> = answer.leases.into_iter().map(json::lease).collect();
    Ok(Json(
        json!({"leases": all, "nextPageToken": answer.next_page_token}),
    ))
}

async fn create(
    State(api): State<Api>,
    Extract(Path(namespace)): Extract<Path<String>>,
    Extract(Query(creating)): Extract<Query<Creating>>,
    request: Request,
) -> Outcome {
    let (request, lease, _) = lease_of(request).await?;
    let message = wire::CreateLeaseRequest {
        parent: parent(&namespace),
        lease_id: creating.lease_id,
        lease: Some(lease),
    };
    let answer = api.create_lease(ask(&request, message)).await?;
    Ok(Json(json::lease(answer.into_inner())))
}

async fn update(
    State(api): State<Api>,
    Extract(Path((namespace, name))): Extract<Path<(String, String)>>,
    Extract(Query(updating)): Extract<Query<Updating>>,
    request: Request,
) -> Outcome {
    let (request, mut lease, fields) = lease_of(request).await?;
    lease.name = format!("namespaces/{namespace}/leases/{name}");
    // Without a mask, the fields in the body are what changes. Fields that cannot change are ignored,
    // so that a lease can be sent back as it came.
    let paths = match updating.update_mask {
        Some(mask) => mask.split(',').map(body::snake).collect(),
        None => {
            let can = |field: &String| ClientApi::CHANGES.contains(&field.as_str());
            fields.into_iter().filter(can).collect()
        }
    };
    let message = wire::UpdateLeaseRequest {
        lease: Some(lease),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    let answer = api.update_lease(ask(&request, message)).await?;
    Ok(Json(json::lease(answer.into_inner())))
}

async fn delete(
    State(api): State<Api>,
    Extract(Path((namespace, name))): Extract<Path<(String, String)>>,
    request: Request,
) -> Outcome {
    let message = wire::DeleteLeaseRequest {
        name: format!("namespaces/{namespace}/leases/{name}"),
    };
    api.delete_lease(ask(&request, message)).await?;
    Ok(Json(json!({})))
}

async fn rotate(
    State(api): State<Api>,
    Extract(Path(namespace)): Extract<Path<String>>,
    request: Request,
) -> Outcome {
    let message = wire::RotateTokenRequest {
        parent: parent(&namespace),
    };
    let answer = api.rotate_token(ask(&request, message)).await?.into_inner();
    let expiry = answer.expiry.map(|expiry| expiry.to_string());
    Ok(Json(json!({"token": answer.token, "expiry": expiry})))
}

// === impl Refusal ===

impl Refusal {
    fn invalid(message: impl Into<String>) -> Self {
        Self(Status::invalid_argument(message))
    }

    fn json(&self) -> Json<Value> {
        let Self(status) = self;
        let code = i32::from(status.code());
        Json(json!({"code": code, "message": status.message(), "details": []}))
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match meant(&self.0) {
            Code::Ok => StatusCode::OK,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
                StatusCode::BAD_REQUEST
            }
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, self.json()).into_response()
    }
}

// === impl Extract ===

impl<S, E> FromRequestParts<S> for Extract<E>
where
    S: Send + Sync,
    E: FromRequestParts<S>,
    E::Rejection: std::fmt::Display,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let part = E::from_request_parts(parts, state).await;
        part.map(Self)
            .map_err(|error| Refusal::invalid(error.to_string()))
    }
}
