//! What a script has said and no client has read yet: a limited amount.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::text::Decoder;

/// How long output is gathered. Longer than most commands take from their last word to their end,
/// so that those make one item; shorter than anybody notices.
const GATHER: Duration = Duration::from_millis(20);
/// So many bytes of one pipe are sent at once, and no more are read.
const ENOUGH: usize = 32 * 1024;

/// Output on its way to the client.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    stdout: Side,
    stderr: Side,
    /// When it goes out.
    due: Option<Instant>,
}

/// Output of one pipe.
#[derive(Debug, Default)]
struct Side {
    decoder: Decoder,
    text: String,
}

/// One of the pipes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pipe {
    Stdout,
    Stderr,
}

// === impl Progress ===

impl Progress {
    /// Adds what came out of a pipe; nothing says that the pipe has ended.
    pub(crate) fn add(&mut self, pipe: Pipe, bytes: &[u8]) {
        let side = match pipe {
            Pipe::Stdout => &mut self.stdout,
            Pipe::Stderr => &mut self.stderr,
        };
        if bytes.is_empty() {
            side.decoder.finish(&mut side.text);
        } else {
            side.decoder.push(bytes, &mut side.text);
        }
        if self.is_empty() {
            return;
        }
        let now = Instant::now();
        let due = *self.due.get_or_insert(now + GATHER);
        if !self.has_room() && due > now {
            self.due = Some(now);
        }
    }

    /// Whether more may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.stdout.text.len() < ENOUGH && self.stderr.text.len() < ENOUGH
    }

    /// When it goes out, if there is anything.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stdout.text.is_empty() && self.stderr.text.is_empty()
    }

    /// The item with what was gathered, and the return code when the script has ended.
    pub(crate) fn take(&mut self, code: Option<i32>) -> Value {
        self.due = None;
        let stdout = std::mem::take(&mut self.stdout.text);
        let stderr = std::mem::take(&mut self.stderr.text);
        json!([stdout, stderr, code])
    }
}
