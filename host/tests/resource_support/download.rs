//! A driver that reads what a presigned request stands for.

use jumpstarter_host::plugin::{CallError, Code};
use jumpstarter_host::resource::{Direction, Limits, Options};
use serde_json::Value;

use super::{Bench, Taken, presigned, soon};

pub async fn take(handle: &Value) -> Result<Taken, CallError> {
    soon(Bench::new().take(handle, Direction::Read)).await
}

pub async fn get(url: &str) -> Result<Vec<u8>, CallError> {
    let (data, outcome) = take(&presigned("GET", url)).await?.read().await;
    outcome.map(|()| data)
}

pub async fn failure(url: &str) -> String {
    let error = get(url).await.unwrap_err();
    assert_eq!(error.code, Code::Unknown, "{error}");
    assert!(!error.message.contains("secret"), "{error}");
    error.message
}

pub fn limited(limits: Limits) -> Bench {
    Bench::with(Options {
        limits,
        ..Options::default()
    })
}
