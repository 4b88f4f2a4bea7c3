//! What administrators can do, as JSON over HTTP.
//!
//! ```text
//!  /admin/v1/namespaces/{ns}/clients      GET, POST;  /{name}  GET, PATCH, DELETE
//!                           /exporters    the same
//!                           /{clients|exporters}/{name}/tokens   GET, POST, DELETE; /{id}  DELETE
//!                           /leases       GET, POST;  /{name}  GET, PATCH, DELETE
//!                           /policies     GET;        /{name}  GET, PUT, DELETE
//!  /admin/v1/users                        GET, POST;  /{name}  DELETE
//!  /admin/v1/keys                         GET, POST;  /{id}    PUT, DELETE
//!  /admin/v1/about, /audit, /backup, /export, /import
//! ```
//!
//! Whoever can open the socket in the data folder is an administrator; over TLS it takes an
//! administrator's token. The commands of `jmp-controller` are clients of this API and of nothing else.

mod actor;
mod audit;
mod bulk;
mod error;
mod keys;
mod leases;
mod objects;
mod policies;
mod policy_spec;
mod tokens;
pub mod types;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post, put};

pub use actor::Offline;
pub use policy_spec::{LabelSelector, PolicySpec};

use crate::config::{Config, LiveConfig};
use crate::identity::{Authenticator, Tokens};
use crate::lab::Lab;
use crate::serve::{Installation, Trusted, Tunnels};

/// The prefix of all paths.
pub const BASE: &str = "/admin/v1";

/// The longest body in bytes, enough to import a lab of thousands of exporters.
const LONGEST_BODY: usize = 64 << 20;

/// What the handlers share; cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lab: Lab,
    tokens: Tokens,
    authenticator: Authenticator,
    config: LiveConfig,
    ca: Trusted,
    tunnels: Option<Tunnels>,
}

// === impl Api ===

impl Api {
    /// The API of this installation.
    pub fn new(installation: &Installation, tunnels: Option<Tunnels>) -> Self {
        Self(Arc::new(Inner {
            lab: installation.lab.clone(),
            tokens: installation.tokens.clone(),
            authenticator: installation.authenticator.clone(),
            config: installation.config.clone(),
            ca: installation.ca(),
            tunnels,
        }))
    }

    /// The current settings.
    fn config(&self) -> Arc<Config> {
        self.0.config.get()
    }

    /// All routes, behind the check for administrators.
    pub fn router(self) -> Router {
        let namespace = Router::new()
            .route("/clients", get(objects::clients).post(objects::new_client))
            .route(
                "/clients/{name}",
                get(objects::client)
                    .patch(objects::alter_client)
                    .delete(objects::delete_client),
            )
            .route(
                "/exporters",
                get(objects::exporters).post(objects::new_exporter),
            )
            .route(
                "/exporters/{name}",
                get(objects::exporter)
                    .patch(objects::alter_exporter)
                    .delete(objects::delete_exporter),
            )
            .route(
                "/{kind}/{name}/tokens",
                get(tokens::list)
                    .post(tokens::issue)
                    .delete(tokens::revoke_all),
            )
            .route("/{kind}/{name}/tokens/{id}", delete(tokens::revoke))
            .route("/leases", get(leases::list).post(leases::create))
            .route(
                "/leases/{name}",
                get(leases::one)
                    .patch(leases::update)
                    .delete(leases::release),
            )
            .route("/policies", get(policies::list))
            .route(
                "/policies/{name}",
                get(policies::one)
                    .put(policies::apply)
                    .delete(policies::delete),
            );
        let all = Router::new()
            .nest("/namespaces/{namespace}", namespace)
            .route("/users", get(users::list).post(users::create))
            .route("/users/{name}", delete(users::delete))
            .route("/keys", get(keys::list).post(keys::rotate))
            .route("/keys/{id}", put(keys::import).delete(keys::forget))
            .route("/about", get(bulk::about))
            .route("/audit", get(audit::list))
            .route("/backup", post(bulk::backup))
            .route("/export", get(bulk::export))
            .route("/import", post(bulk::import))
            .fallback(error::no_such_path)
            .layer(axum::middleware::from_fn_with_state(
                self.clone(),
                actor::admit,
            ))
            .layer(axum::extract::DefaultBodyLimit::max(LONGEST_BODY))
            .with_state(self);
        Router::new().nest(BASE, all)
    }
}
