//! A board on a desk: a login shell, and the serial cable it can be reached by.
//!
//! ```text
//!  bash --login ── terminal ── the board's UART ── cable ── port(), as /dev/ttyUSB0 would be
//!     (a pty with line           (a thread that            (a raw pty: an exporter
//!      editing, Ctrl-C)           carries bytes)             opens its far end)
//! ```

use std::{
    fs::{self, File},
    io::{ErrorKind, PipeReader, PipeWriter, Read, Write},
    os::{fd::AsFd, unix::fs::symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
};

use crate::pty::Pty;

/// A board that has booted; unplugged when dropped.
#[derive(Debug)]
pub struct Board {
    shell: Child,
    port: PathBuf,
    home: PathBuf,
    /// Our hold on the port, so that it is there while no exporter has it open.
    plug: Option<File>,
    /// Dropped, it ends the thread.
    stop: Option<PipeWriter>,
    uart: Option<JoinHandle<()>>,
}

// === impl Board ===

impl Board {
    /// Boots one whose user lives in the folder `home`, and greets with `board$ `.
    pub fn boot(home: &Path) -> Self {
        fs::create_dir_all(home).unwrap();
        fs::write(home.join(".bash_profile"), "PS1='board$ '\n").unwrap();
        let terminal = Pty::open();
        let side = || -> Stdio { terminal.user.try_clone().expect("a descriptor").into() };
        // A board knows nothing of tests that run in the background, with SIGINT ignored.
        let shell = Command::new("setsid")
            .args(["--ctty", "--wait"])
            .args(["env", "--default-signal", "bash", "--login"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("TERM", "dumb")
            .current_dir(home)
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("a login shell starts");
        let cable = Pty::open();
        let mut settings = tcgetattr(&cable.user).unwrap();
        cfmakeraw(&mut settings);
        tcsetattr(&cable.user, SetArg::TCSANOW, &settings).unwrap();
        // The system gives the name of a terminal away again as soon as it is gone.
        let port = home.with_extension("tty");
        symlink(cable.name, &port).unwrap();
        let (stopped, stop) = std::io::pipe().expect("a pipe");
        let ends = [cable.master, terminal.master];
        Self {
            shell,
            port,
            home: home.to_owned(),
            plug: Some(cable.user),
            stop: Some(stop),
            uart: Some(thread::spawn(move || carry(ends, &stopped))),
        }
    }

    /// The device that an exporter opens.
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Where its shell starts.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Pulls the cable: the port is gone.
    pub fn unplug(&mut self) {
        fs::remove_file(&self.port).ok();
        drop((self.plug.take(), self.stop.take()));
        if let Some(uart) = self.uart.take() {
            uart.join().expect("the bytes were carried");
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.unplug();
        self.shell.kill().ok();
        self.shell.wait().ok();
    }
}

/// Carries bytes both ways until `stop` is closed. What one end does not take makes the other wait.
fn carry(mut ends: [File; 2], stop: &PipeReader) {
    for end in &ends {
        fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a descriptor takes flags");
    }
    // What was read from each end, and not yet taken by the other.
    let mut waiting = [Vec::new(), Vec::new()];
    loop {
        let wanted = |end: usize| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, waiting[end].is_empty());
            flags.set(PollFlags::POLLOUT, !waiting[1 - end].is_empty());
            flags
        };
        let mut events = [
            PollFd::new(stop.as_fd(), PollFlags::empty()),
            PollFd::new(ends[0].as_fd(), wanted(0)),
            PollFd::new(ends[1].as_fd(), wanted(1)),
        ];
        poll(&mut events, PollTimeout::NONE).expect("descriptors can be waited for");
        let stopped = events[0].any() == Some(true);
        if stopped || !(0..2).all(|end| step(&mut ends, &mut waiting, end)) {
            return;
        }
    }
}

/// Moves what there is from `end` to the other one; false when there is nothing more to move.
fn step(ends: &mut [File; 2], waiting: &mut [Vec<u8>; 2], end: usize) -> bool {
    if waiting[end].is_empty() {
        let mut bytes = [0; 1024];
        match ends[end].read(&mut bytes) {
            Ok(0) => return false,
            Ok(count) => waiting[end].extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            // The shell has ended.
            Err(_) => return false,
        }
    }
    match ends[1 - end].write(&waiting[end]) {
        Ok(count) => drop(waiting[end].drain(..count)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
        Err(_) => return false,
    }
    true
}
