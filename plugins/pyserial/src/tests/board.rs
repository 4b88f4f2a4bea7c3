//! The board's side of a port.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

/// A pseudo-terminal: the board is on the master's side. Dropping it unplugs the port.
pub(super) struct Board {
    master: File,
    pub(super) path: PathBuf,
}

// === impl Board ===

impl Board {
    pub(super) fn new() -> Self {
        let master: PtyMaster = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname_r(&master).unwrap().into();
        let master = File::from(OwnedFd::from(master));
        Self { master, path }
    }

    pub(super) fn say(&self, bytes: &[u8]) {
        (&self.master).write_all(bytes).unwrap();
    }

    /// Hears so many bytes.
    pub(super) fn hear(&self, count: usize) -> Vec<u8> {
        let mut heard = vec![0; count];
        (&self.master).read_exact(&mut heard).unwrap();
        heard
    }

    /// How the port is set up.
    pub(super) fn settings(&self) -> Termios {
        tcgetattr(&self.master).unwrap()
    }

    pub(super) fn set(&self, settings: &Termios) {
        tcsetattr(&self.master, SetArg::TCSANOW, settings).unwrap();
    }
}
