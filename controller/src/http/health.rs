//! `/healthz`: the program runs. `/readyz`: it serves, its database can be read, and changes are
//! carried out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;

use crate::lab::Lab;
use crate::model::Key;

/// A lab that takes longer to answer is not ready.
const PATIENCE: Duration = Duration::from_secs(5);

/// The health of the controller; cheap to clone.
#[derive(Clone, Debug)]
pub struct Health {
    serves: Arc<AtomicBool>,
    lab: Lab,
}

// === impl Health ===

impl Health {
    /// Not serving yet.
    pub fn new(lab: Lab) -> Self {
        Self {
            serves: Arc::default(),
            lab,
        }
    }

    /// Sets whether the controller serves.
    pub fn set(&self, serves: bool) {
        self.serves.store(serves, Ordering::Relaxed);
    }

    /// The two routes.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok"))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    if !health.serves.load(Ordering::Relaxed) {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the controller is not serving\n".to_owned(),
        );
    }
    if let Err(error) = health.lab.answers(PATIENCE).await {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"));
    }
    // No lease has an empty name, so this has to ask the database.
    match health.lab.lease(&Key::new("", "")).await {
        Ok(_) => (StatusCode::OK, "ok".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}
