//! A serial port of this machine, opened and set up. Everything in here may block.
//!
//! The port is opened twice: `serialport` sets it up and moves its lines, but waits in `read` and
//! `write`; the other handle is for the data and never waits. Both lead to the same device for sure,
//! since the second is opened through the first, not by the path.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use jumpstarter_driver::{Error, Result};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::termios::{ControlFlags, FlushArg, SetArg, tcflush, tcgetattr, tcsetattr};
use serialport::{SerialPort, TTYPort};

use crate::errno::{failed, from_serialport, open_failed};
use crate::lines::{Level, Line};

/// How a port is opened.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What people call it.
    pub(crate) url: String,
    pub(crate) baudrate: u32,
    pub(crate) disable_hupcl: bool,
    pub(crate) exclusive: bool,
    pub(crate) dtr: Level,
    pub(crate) rts: Level,
}

/// An open port.
#[derive(Debug)]
pub(crate) struct Tty {
    /// For the data.
    pub(crate) file: File,
    /// For everything else.
    lines: Mutex<TTYPort>,
    /// How it went to disable HUPCL, if that was asked for.
    pub(crate) hupcl: Option<nix::Result<()>>,
}

// === impl Tty ===

impl Tty {
    /// Opens the port at `path`. What had come in unread before is thrown away if it is `fresh`,
    /// that is, if no other stream of ours reads from it.
    pub(crate) fn open(path: &Path, settings: &Settings, fresh: bool) -> Result<Self> {
        let url = &settings.url;
        let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(flags.bits())
            .open(path)
            .map_err(|error| open_failed(url, &error))?;
        let hupcl = settings.disable_hupcl.then(|| clear_hupcl(&file));
        let same = format!("/proc/self/fd/{}", file.as_raw_fd());
        let builder = serialport::new(same, settings.baudrate).exclusive(settings.exclusive);
        let mut port = TTYPort::open(&builder).map_err(|error| {
            let error = from_serialport(&error);
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ENOTTY) => Error::internal(format_args!(
                    "could not open port {url}: it is no serial port"
                )),
                _ => open_failed(url, &error),
            }
        })?;
        for (line, level) in [(Line::Dtr, settings.dtr), (Line::Rts, settings.rts)] {
            match level
                .wanted()
                .map_or(Ok(()), |high| set(&mut port, line, high))
            {
                Err(error) if !has_no_lines(&error) => return Err(open_failed(url, &error)),
                _ => {}
            }
        }
        if fresh {
            tcflush(&file, FlushArg::TCIFLUSH).map_err(|error| open_failed(url, &error.into()))?;
        }
        Ok(Self {
            file,
            lines: Mutex::new(port),
            hupcl,
        })
    }

    /// Raises or lowers a line.
    pub(crate) fn set(&self, line: Line, high: bool) -> Result<()> {
        let mut port = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        set(&mut port, line, high).map_err(|error| failed(&error))
    }
}

fn set(port: &mut TTYPort, line: Line, high: bool) -> io::Result<()> {
    let done = match line {
        Line::Dtr => port.write_data_terminal_ready(high),
        Line::Rts => port.write_request_to_send(high),
    };
    done.map_err(|error| from_serialport(&error))
}

/// Whether an error says that the port, like a pseudo-terminal, has no modem lines.
fn has_no_lines(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(Errno::from_raw);
    matches!(number, Some(Errno::ENOTTY | Errno::EINVAL))
}

/// Before the rate is set, which these functions know only the usual ones of.
fn clear_hupcl(file: &File) -> nix::Result<()> {
    let mut termios = tcgetattr(file)?;
    termios.control_flags.remove(ControlFlags::HUPCL);
    tcsetattr(file, SetArg::TCSANOW, &termios)
}
