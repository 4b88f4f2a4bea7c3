//! A byte stream that a test has opened.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use jumpstarter_completion::{Answer, Pending};

use super::functions;
use crate::host::checked;
use crate::wait::{wait, wait_until};
use crate::{Error, Result};

/// How long a method is given to notice that the client is gone; exporters give it longer.
const PATIENCE: Duration = Duration::from_millis(200);

/// A byte stream, from [`Opened::connect`](super::Opened::connect). Reading from it and writing to
/// it wait. Dropping it hangs up.
#[derive(Debug)]
pub struct Connection {
    socket: UnixStream,
    end: Ending,
}

/// The question how a byte stream ended, as exporters ask it.
#[derive(Debug)]
pub(super) struct Ending {
    stream: u64,
    /// None for a socket that the driver knows nothing more about.
    outcome: Option<Pending>,
}

// === impl Connection ===

impl Connection {
    pub(super) fn new(answer: Answer) -> Result<Self> {
        let (socket, end) = Ending::new(answer)?;
        let socket = UnixStream::from(socket);
        socket.set_nonblocking(false)?;
        Ok(Self { socket, end })
    }

    /// Says that no more bytes follow, and leaves the other direction open.
    ///
    /// # Errors
    /// The driver has ended the stream.
    pub fn finish(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// Waits until the method is over, and returns what it returned. Ok for a method that gave its
    /// socket away.
    ///
    /// # Errors
    /// Those of the method.
    pub fn outcome(self) -> Result<()> {
        self.end.wait()
    }

    /// Goes away, like a client that is gone: closes the stream, and gives the method up if it has
    /// not noticed within a moment. Returns what it returned.
    ///
    /// # Errors
    /// Those of the method, and [`Cancelled`](crate::Code::Cancelled) if it was given up.
    pub fn hang_up(self) -> Result<()> {
        drop(self.socket);
        self.end.give_up()
    }

    /// The socket, for what this type does not offer.
    pub fn socket(&self) -> &UnixStream {
        &self.socket
    }
}

impl Read for Connection {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for Connection {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// For a test that reads in one thread and writes in another.
impl Read for &Connection {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match (&self.socket).read(buf) {
            // The driver has left something unread. That is its right, and the outcome tells more.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(0),
            read => read,
        }
    }
}

impl Write for &Connection {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&self.socket).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// === impl Ending ===

impl Ending {
    /// The socket of an answer, and the question.
    pub(super) fn new(answer: Answer) -> Result<(OwnedFd, Self)> {
        let stream = answer.handle;
        let outcome = (stream != 0).then(|| functions::outcome(stream));
        let socket = answer
            .fd
            .ok_or_else(|| Error::internal("the driver answered without a byte stream"))?;
        Ok((socket, Self { stream, outcome }))
    }

    pub(super) fn wait(self) -> Result<()> {
        match self.outcome {
            Some(outcome) => checked(wait(outcome)).map(drop),
            None => Ok(()),
        }
    }

    pub(super) fn give_up(self) -> Result<()> {
        let Some(mut outcome) = self.outcome else {
            return Ok(());
        };
        let patience = Instant::now() + PATIENCE;
        let answer = wait_until(&mut outcome, patience).unwrap_or_else(|| {
            functions::close_bytes(self.stream);
            wait(outcome)
        });
        checked(answer).map(drop)
    }
}
