//! Data that the client of a test provides or takes.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use jumpstarter_driver_abi::ext::TRANSFER_READ;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::state::{State, number};
use crate::entry::Verdict;
use crate::{Error, Result};

/// Data of a client, made by [`Host::data`](super::Host::data). Pass a reference to it where the
/// method takes a [`Resource`](crate::Resource).
#[derive(Debug)]
pub struct ClientData {
    uuid: String,
    state: Arc<State>,
    written: Receiver<Result<Vec<u8>>>,
}

/// The host's side of it, until a driver takes it.
#[derive(Debug)]
pub(super) struct Stored {
    content: Vec<u8>,
    /// After how many bytes what goes wrong.
    fault: Option<(usize, Error)>,
    written: SyncSender<Result<Vec<u8>>>,
}

// === impl ClientData ===

impl ClientData {
    pub(super) fn new(state: &Arc<State>, content: Vec<u8>) -> Self {
        let uuid = format!("00000000-0000-4000-8000-{:012x}", number());
        let (sender, written) = sync_channel(1);
        let stored = Stored {
            content,
            fault: None,
            written: sender,
        };
        state.stored().insert(uuid.clone(), stored);
        let state = Arc::clone(state);
        Self {
            uuid,
            state,
            written,
        }
    }

    /// The same, but it breaks with `error` after so many bytes: a client that goes away, corrupt
    /// data, a web server that refuses.
    #[must_use]
    pub fn failing_after(self, bytes: usize, error: Error) -> Self {
        if let Some(stored) = self.state.stored().get_mut(&self.uuid) {
            stored.fault = Some((bytes, error));
        }
        self
    }

    /// Waits until the driver is done with it; returns what it has written.
    ///
    /// # Errors
    /// The driver gave up before it was finished, or never took it for writing, or it was made to
    /// fail.
    pub fn written(self) -> Result<Vec<u8>> {
        // If it is still there nobody will write to it.
        drop(self.state.stored().remove(&self.uuid));
        self.written.recv().unwrap_or_else(|_| {
            Err(Error::failed_precondition(
                "the driver has not taken it to write to it",
            ))
        })
    }
}

impl Serialize for ClientData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let handle: Value = json!({
            "kind": "client_stream", "uuid": self.uuid, "x_jmp_content_encoding": null,
        });
        handle.serialize(serializer)
    }
}

// === impl Stored ===

impl Stored {
    /// The driver's end. A thread plays the client at the other; it ends with the driver's end.
    pub(super) fn open(self, direction: u32, verdict: Verdict) -> Result<OwnedFd> {
        let (ours, theirs) = UnixStream::pair()?;
        if direction == TRANSFER_READ {
            thread::spawn(move || self.provide(ours, &verdict));
        } else {
            thread::spawn(move || self.receive(ours, &verdict));
        }
        Ok(theirs.into())
    }

    fn provide(self, mut socket: UnixStream, verdict: &Verdict) {
        let (upto, end) = match self.fault {
            Some((upto, error)) => (upto.min(self.content.len()), Err(error)),
            None => (self.content.len(), Ok(())),
        };
        let sent = socket.write_all(&self.content[..upto]);
        verdict.end(sent.map_err(Error::from).and(end));
        // The driver may be gone.
        drop(socket.shutdown(Shutdown::Write));
    }

    fn receive(self, mut socket: UnixStream, verdict: &Verdict) {
        let mut received = Vec::new();
        let read = match &self.fault {
            Some((upto, _)) => (&socket).take(*upto as u64).read_to_end(&mut received),
            None => socket.read_to_end(&mut received),
        };
        let end = match (read, self.fault) {
            (_, Some((_, error))) => Err(error),
            (Err(error), None) => Err(error.into()),
            (Ok(_), None) => is_finished(&socket, verdict),
        };
        // If it is not asked for, nobody wants to know.
        verdict.end(end.clone());
        // The test need not look at it.
        drop(self.written.send(end.map(|()| received)));
    }
}

/// A driver that is through asks how it went; one that gave up has closed its socket.
fn is_finished(mut socket: &UnixStream, verdict: &Verdict) -> Result<()> {
    while !verdict.is_asked() {
        match socket.write(&[0]) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Err(Error::cancelled("the driver gave the resource up"));
            }
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
    Ok(())
}
