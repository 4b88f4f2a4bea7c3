//! Everything over HTTP that is not gRPC: pages and JSON.

mod health;
mod login;
mod metrics;
mod rest;

pub use health::Health;
pub use login::login;
pub use metrics::metrics;
pub use rest::rest;

/// No routes, for ports that serve only gRPC.
pub fn nothing() -> axum::Router {
    axum::Router::new()
}
