//! A client's side and a driver's side of a resource, with nothing but the resource in between.

#![allow(dead_code, reason = "every test program uses its own part of it")]
#![allow(unreachable_pub, missing_debug_implementations)]

pub mod download;
pub mod porter;
pub mod server;

use std::future::Future;
use std::time::Duration;

use jumpstarter_host::plugin::CallError;
use jumpstarter_host::resource::{Direction, Offer, Options, Outcome, Resources, Transfer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// The resources of an exporter with one driver.
pub struct Bench {
    pub resources: Resources,
    pub driver: Uuid,
}

/// The client's side: what pumps its stream does this.
pub struct Client {
    pub offer: Offer,
    pub socket: UnixStream,
}

/// The driver's side.
pub struct Taken {
    pub socket: UnixStream,
    pub outcome: Outcome,
    pub work: Option<JoinHandle<()>>,
}

impl Bench {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self {
            resources: Resources::new(&options),
            driver: Uuid::new_v4(),
        }
    }

    pub fn offer(&self, encoding: Option<&str>) -> Client {
        let mut offer = self.resources.offer(self.driver, encoding).unwrap();
        let socket = UnixStream::from_std(offer.socket().into()).unwrap();
        Client { offer, socket }
    }

    pub async fn take(&self, handle: &Value, direction: Direction) -> Result<Taken, CallError> {
        let handle = jumpstarter_value::to_vec(handle).unwrap();
        let taken = self
            .resources
            .take(&[self.driver], &handle, direction)
            .await;
        taken.map(Taken::from)
    }

    /// Both sides of a transfer.
    pub async fn transfer(&self, encoding: Option<&str>, direction: Direction) -> (Client, Taken) {
        let client = self.offer(encoding);
        let taken = self.take(&client.handle(), direction).await.unwrap();
        (client, taken)
    }
}

impl Client {
    pub fn handle(&self) -> Value {
        serde_json::from_str(self.offer.metadata().0).unwrap()
    }

    /// Sends all of its data, in pieces of `piece` bytes. Stops where the driver does.
    pub async fn send(&mut self, data: &[u8], piece: usize) -> bool {
        for piece in data.chunks(piece.max(1)) {
            if self.socket.write_all(piece).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Says that it has no more data.
    pub async fn finish(&mut self) {
        self.offer.whole();
        let _gone = self.socket.shutdown().await;
    }

    /// All there is to receive.
    pub async fn receive(&mut self) -> Vec<u8> {
        let mut data = Vec::new();
        let _reset = self.socket.read_to_end(&mut data).await;
        data
    }
}

impl From<Transfer> for Taken {
    fn from(transfer: Transfer) -> Self {
        Self {
            socket: UnixStream::from_std(transfer.socket.into()).unwrap(),
            outcome: transfer.outcome,
            work: transfer.work.map(tokio::spawn),
        }
    }
}

impl Taken {
    /// Reads to the end, and asks whether that was all.
    pub async fn read(mut self) -> (Vec<u8>, Result<(), CallError>) {
        let mut data = Vec::new();
        soon(self.socket.read_to_end(&mut data)).await.unwrap();
        let outcome = soon(self.outcome.wait()).await;
        drop(self.socket);
        if let Some(work) = self.work {
            soon(work).await.unwrap();
        }
        (data, outcome)
    }

    /// Writes everything, in pieces of `piece` bytes, and asks whether it has arrived.
    pub async fn write(mut self, data: &[u8], piece: usize) -> Result<(), CallError> {
        for piece in data.chunks(piece.max(1)) {
            if self.socket.write_all(piece).await.is_err() {
                break;
            }
        }
        let _gone = self.socket.shutdown().await;
        soon(self.outcome.wait()).await
    }
}

/// Nothing here takes long.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("it does not hang")
}

/// A handle for something on the web.
pub fn presigned(method: &str, url: &str) -> Value {
    json!({"kind": "presigned_request", "headers": {}, "url": url, "method": method})
}
