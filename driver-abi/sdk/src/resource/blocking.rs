//! Resources for plain `fn`s, which wait on their own thread.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::transfer::Transfer;
use crate::wait::wait;
use crate::{Result, sockets};

/// As [`ResourceReader`](crate::ResourceReader), for code that blocks its thread.
#[derive(Debug)]
pub struct BlockingReader {
    socket: UnixStream,
    transfer: Transfer,
}

/// As [`ResourceWriter`](crate::ResourceWriter), for code that blocks its thread.
#[derive(Debug)]
pub struct BlockingWriter {
    socket: UnixStream,
    transfer: Transfer,
}

// === impl BlockingReader ===

impl BlockingReader {
    pub(super) fn new(socket: UnixStream, transfer: Transfer) -> Result<Self> {
        socket.set_nonblocking(false)?;
        Ok(Self { socket, transfer })
    }
}

impl Read for BlockingReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut broken = None;
        if self.transfer.is_open() {
            match self.socket.read(buf) {
                Ok(0) if !buf.is_empty() => {}
                Err(error) if error.kind() != ErrorKind::Interrupted => broken = Some(error),
                read => return read,
            }
        }
        wait(self.transfer.ended(broken)).map(|()| 0)
    }
}

// === impl BlockingWriter ===

impl BlockingWriter {
    pub(super) fn new(socket: UnixStream, transfer: Transfer) -> Result<Self> {
        sockets::enlarge(&socket, sockets::STREAM_BUFFER);
        socket.set_nonblocking(false)?;
        Ok(Self { socket, transfer })
    }

    /// Says that this was all, and waits until the client has it. A writer that is dropped before
    /// gives the transfer up.
    ///
    /// # Errors
    /// The client did not get all of it.
    pub fn finish(mut self) -> Result<()> {
        let broken = self.socket.shutdown(Shutdown::Write).err();
        Ok(wait(self.transfer.ended(broken))?)
    }
}

impl Write for BlockingWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut broken = None;
        if self.transfer.is_open() {
            match self.socket.write(buf) {
                Err(error) if error.kind() != ErrorKind::Interrupted => broken = Some(error),
                written => return written,
            }
        }
        // An error, as the socket is broken.
        wait(self.transfer.ended(broken)).map(|()| 0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
