//! Resources for plain `fn`s, which wait on their own thread.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::CHUNK;
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

    /// Copies all of it, in large pieces, and flushes `target`. Returns how many bytes it was.
    ///
    /// # Errors
    /// The data is not whole, or `target` failed.
    pub fn copy_to<W: Write + ?Sized>(mut self, target: &mut W) -> Result<u64> {
        copy(&mut self, target)
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

    /// Copies all of `source`, in large pieces, and finishes. Returns how many bytes it was.
    ///
    /// # Errors
    /// `source` failed, or the client did not get all of it.
    pub fn copy_from<R: Read + ?Sized>(mut self, source: &mut R) -> Result<u64> {
        let size = copy(source, &mut self)?;
        self.finish()?;
        Ok(size)
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

fn copy<R, W>(source: &mut R, target: &mut W) -> Result<u64>
where
    R: Read + ?Sized,
    W: Write + ?Sized,
{
    let mut buffer = vec![0; CHUNK];
    let mut total = 0;
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => {
                target.write_all(&buffer[..size])?;
                total += size as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    target.flush()?;
    Ok(total)
}
