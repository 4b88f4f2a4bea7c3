//! The exporter's side of a hook's terminal.
//!
//! A terminal rather than pipes, because programs print line by line only when they believe that
//! somebody is looking. Nothing is ever typed on it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What the kernel hands out at once.
const CHUNK: usize = 4096;

/// What appears on a terminal.
#[derive(Debug)]
pub(super) struct Screen {
    side: AsyncFd<File>,
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
        let side = AsyncFd::register(File::from(OwnedFd::from(own)))?;
        Ok((Self { side }, programs))
    }

    /// What appears next; none when nobody has the terminal any more. Nothing is lost if this is
    /// dropped while it waits.
    pub(super) async fn read(&self) -> Option<Vec<u8>> {
        let mut chunk = vec![0; CHUNK];
        let read = |mut side: &File| loop {
            match side.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        };
        // The end is an error, EIO, and any other error is an end.
        match self.side.async_io(Interest::READABLE, read).await {
            Ok(0) | Err(_) => None,
            Ok(length) => {
                chunk.truncate(length);
                Some(chunk)
            }
        }
    }
}
