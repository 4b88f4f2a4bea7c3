//! A controller and a router of our own, behind real TLS sockets, that do what a test wants.
//!
//! They live in real time on threads of their own, so that a test can stop the clock of the code it
//! looks at without stopping the other side.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test uses a part of it"
)]
#![allow(clippy::unwrap_used)]

mod certificate;
mod clock;
mod double;
mod lines;
mod serve;
mod service;

use std::future::{self, Future};
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use jumpstarter_client::Secret;
use jumpstarter_host::config::{ExporterConfig, Metadata, Tls};
use jumpstarter_host::controller::Link;
use tokio::runtime::{Builder, Handle};

pub use certificate::Certificate;
pub use clock::Clock;
pub use double::{Answer, Double, Life, Seen};
pub use lines::Lines;
pub use serve::Door;

/// What nobody but the two sides may ever see.
pub const TOKEN: &str = "exporter-token-7f3a";
/// The same for a stream through the router.
pub const ROUTER_TOKEN: &str = "router-token-91cc";

/// Where the other side lives: one thread, on which calls begin in the order in which they come.
pub static REAL: LazyLock<Handle> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    thread::spawn(move || runtime.block_on(future::pending::<()>()));
    handle
});

/// Waits in real time; the limit only keeps a broken test from hanging.
pub async fn really<T: Send + 'static>(
    what: &str,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    // Made over there, so that it is their clock that counts.
    let limited = async { tokio::time::timeout(Duration::from_secs(60), future).await };
    match REAL.spawn(limited).await.unwrap() {
        Ok(value) => value,
        Err(_) => panic!("waited for a minute in vain until {what}"),
    }
}

/// An exporter's configuration that leads to this double.
pub fn config(double: &Double) -> ExporterConfig {
    ExporterConfig {
        metadata: Metadata {
            namespace: Some("lab".to_owned()),
            name: "board-3".to_owned(),
        },
        endpoint: Some(double.endpoint()),
        token: Some(Secret::new(TOKEN.to_owned())),
        tls: Tls {
            ca: double.ca(),
            insecure: false,
        },
        ..ExporterConfig::default()
    }
}

/// A link to this double.
pub fn link(double: &Double) -> Link {
    Link::new(&config(double)).unwrap()
}
