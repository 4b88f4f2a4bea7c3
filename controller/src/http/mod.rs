//! Everything that is not gRPC: pages and JSON.

mod health;
mod login;
mod metrics;

pub use health::Health;
pub use login::login;
pub use metrics::metrics;

/// For ports that know no pages.
pub fn nothing() -> axum::Router {
    axum::Router::new()
}
