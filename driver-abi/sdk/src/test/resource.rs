//! Data that the client of a test provides or takes.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::state::{State, number};
use crate::Result;

/// Data of a client, made by [`Host::data`](super::Host::data). Pass a reference to it where the
/// method takes a [`Resource`](crate::Resource).
#[derive(Debug)]
pub struct ClientData {
    handle: Value,
    written: Receiver<Vec<u8>>,
}

/// The host's side of it, until a driver takes it.
#[derive(Debug)]
pub(super) struct Stored {
    content: Vec<u8>,
    written: SyncSender<Vec<u8>>,
}

// === impl ClientData ===

impl ClientData {
    pub(super) fn new(state: &Arc<State>, content: Vec<u8>) -> Self {
        let uuid = format!("00000000-0000-4000-8000-{:012x}", number());
        let (sender, written) = sync_channel(1);
        let stored = Stored {
            content,
            written: sender,
        };
        state.stored().insert(uuid.clone(), stored);
        Self {
            handle: json!({"kind": "client_stream", "uuid": uuid, "x_jmp_content_encoding": null}),
            written,
        }
    }

    /// Waits until the driver is done with it; returns what it has written. Empty if it was never
    /// opened.
    pub fn written(self) -> Vec<u8> {
        self.written.recv().unwrap_or_default()
    }
}

impl Serialize for ClientData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.handle.serialize(serializer)
    }
}

// === impl Stored ===

impl Stored {
    /// The driver's end. A thread plays the client at the other.
    pub(super) fn open(self) -> Result<OwnedFd> {
        let (ours, theirs) = UnixStream::pair()?;
        let Self { content, written } = self;
        let mut writer = ours.try_clone()?;
        // Both ways at once, as the driver may write before it reads, or never read. Each thread
        // ends with the driver's end of the stream.
        thread::spawn(move || {
            // The driver need not read to the end.
            drop(writer.write_all(&content));
            drop(writer.shutdown(Shutdown::Write));
        });
        thread::spawn(move || {
            let mut received = Vec::new();
            // What came before an error is what the driver has written.
            drop((&ours).read_to_end(&mut received));
            drop(written.send(received));
        });
        Ok(theirs.into())
    }
}
