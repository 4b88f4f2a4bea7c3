//! The exporter's side of a hook's terminal.
//!
//! A terminal rather than pipes, because programs print line by line only when they believe that
//! somebody is looking. Nothing is ever typed on it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use tokio::net::unix::pipe::Receiver;

/// What the kernel hands out at once.
const CHUNK: usize = 4096;

/// What appears on a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    /// Not a pipe, but it is read like one.
    side: Receiver,
}

// === impl Screen ===

impl Screen {
    /// A new terminal: this side, and the one for programs. Neither is inherited by accident.
    pub(super) fn open() -> io::Result<(Self, File)> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let own = posix_openpt(flags)?;
        grantpt(&own)?;
        unlockpt(&own)?;
        let programs = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(ptsname_r(&own)?)?;
        let side = Receiver::from_file_unchecked(File::from(OwnedFd::from(own)))?;
        Ok((Self { side }, programs))
    }

    /// What appears next; none when nobody has the terminal any more. Nothing is lost if this is
    /// dropped while it waits.
    pub(super) async fn read(&self) -> Option<Vec<u8>> {
        let mut chunk = vec![0; CHUNK];
        loop {
            self.side.readable().await.ok()?;
            match self.side.try_read(&mut chunk) {
                Err(error) if again(&error) => {}
                // The end is an error, EIO, and any other error is an end.
                Ok(0) | Err(_) => return None,
                Ok(length) => {
                    chunk.truncate(length);
                    return Some(chunk);
                }
            }
        }
    }
}

fn again(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock)
}
