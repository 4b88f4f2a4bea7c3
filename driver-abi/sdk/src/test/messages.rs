//! A stream of messages that a test has opened.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;

use jumpstarter_completion::Answer;

use super::connection::Ending;
use crate::{Result, sockets};

/// A stream of messages, from [`Opened::connect_messages`](super::Opened::connect_messages).
/// Receiving and sending wait. Dropping it hangs up.
#[derive(Debug)]
pub struct Messages {
    socket: UnixDatagram,
    end: Ending,
}

// === impl Messages ===

impl Messages {
    pub(super) fn new(answer: Answer) -> Result<Self> {
        let (socket, end) = Ending::new(answer)?;
        // Sending and receiving are the same for every kind of socket that keeps messages.
        let socket = UnixDatagram::from(socket);
        socket.set_nonblocking(false)?;
        Ok(Self { socket, end })
    }

    /// The next message; none at the end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn recv(&self) -> io::Result<Option<Vec<u8>>> {
        let message = match sockets::receive(&self.socket) {
            // Told once, before the messages that are still there.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                sockets::receive(&self.socket)?
            }
            received => received?,
        };
        Ok((!message.is_empty()).then_some(message))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The driver has ended the stream, or the message is too large.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        self.socket.send(message).map(drop)
    }

    /// Says that no more messages follow, and leaves the other direction open.
    ///
    /// # Errors
    /// The driver has ended the stream.
    pub fn finish(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// Waits until the method is over; see [`Connection::outcome`](super::Connection::outcome).
    ///
    /// # Errors
    /// Those of the method.
    pub fn outcome(self) -> Result<()> {
        self.end.wait()
    }

    /// Goes away; see [`Connection::hang_up`](super::Connection::hang_up).
    ///
    /// # Errors
    /// Those of the method, and [`Cancelled`](crate::Code::Cancelled) if it was given up.
    pub fn hang_up(self) -> Result<()> {
        drop(self.socket);
        self.end.give_up()
    }
}
