//! An open port in the plugin's runtime: no thread waits for it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::time::Duration;

use jumpstarter_driver::Result;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::lines::Line;
use crate::tty::Tty;

/// How often a port is asked that does not say when something is there.
const ASK: Duration = Duration::from_millis(10);

/// An open port.
///
/// Its directions are the runtime's pipes because those are the runtime's only types that read and
/// write any file which can be waited for.
#[derive(Debug)]
pub(crate) struct Port {
    reader: Receiver,
    writer: Sender,
    /// Closed last, which is what may take long.
    tty: Closing,
}

/// Closes the port on a thread that may block: the system waits until what was sent is out on the
/// wire, and flow control can make that half a minute.
#[derive(Debug)]
struct Closing(Option<Tty>);

// === impl Port ===

impl Port {
    /// Within the plugin's runtime.
    pub(crate) fn new(tty: Tty) -> Result<Self> {
        Ok(Self {
            reader: Receiver::from_file_unchecked(tty.file.try_clone()?)?,
            writer: Sender::from_file_unchecked(tty.file.try_clone()?)?,
            tty: Closing(Some(tty)),
        })
    }

    /// Reads what is there, waiting for it. Nothing if the device hung up or was unplugged.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.reader.readable().await?;
            match self.reader.try_read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if is_gone(&error) => return Ok(0),
                // Whoever shares the port may have set it up so that nothing is no end.
                Ok(0) if !hung_up(&self.tty.tty()?.file) => sleep(ASK).await,
                read => return read,
            }
        }
    }

    /// Writes what there is room for, waiting for it.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.writer.writable().await?;
            match self.writer.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                written => return written,
            }
        }
    }

    /// Raises or lowers a line.
    pub(crate) fn set(&self, line: Line, high: bool) -> Result<()> {
        self.tty.tty()?.set(line, high)
    }
}

/// Whether an error says that there is no device any more.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::EIO | Errno::ENXIO | Errno::ENODEV))
}

fn hung_up(file: &File) -> bool {
    let mut files = [PollFd::new(file.as_fd(), PollFlags::POLLIN)];
    match poll(&mut files, PollTimeout::ZERO) {
        Ok(_) => files[0].revents().is_some_and(|events| {
            events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL)
        }),
        Err(_) => true,
    }
}

// === impl Closing ===

impl Closing {
    fn tty(&self) -> io::Result<&Tty> {
        let tty = self.0.as_ref();
        tty.ok_or_else(|| io::Error::new(ErrorKind::NotConnected, "the port is closed"))
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        let tty = self.0.take();
        match Handle::try_current() {
            // It ends by itself, and nobody waits for it.
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(tty))),
            Err(_) => drop(tty),
        }
    }
}
