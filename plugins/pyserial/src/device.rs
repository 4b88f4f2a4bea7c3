//! What is at the other end of a stream.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::Duration;

use jumpstarter_driver::Result;
use nix::errno::Errno;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::errno::open_failed;
use crate::lines::Line;
use crate::port::{self, Port};
use crate::tty::{Settings, Tty};

/// How long a server of serial ports may take to answer.
const DIAL: Duration = Duration::from_secs(5);

/// A port or a connection to a server of ports.
#[derive(Debug)]
pub(crate) enum Device {
    Port(Port),
    Socket(TcpStream),
}

// === impl Device ===

impl Device {
    /// Opens a port of this machine; see [`Tty::open`].
    pub(crate) async fn open(path: &Path, settings: &Settings, fresh: bool) -> Result<Self> {
        let url = &settings.url;
        let (path, settings) = (path.to_owned(), settings.clone());
        let tty = spawn_blocking(move || Tty::open(&path, &settings, fresh)).await??;
        match tty.hupcl {
            Some(Ok(())) => info!("Disabled HUPCL on {url}"),
            Some(Err(error)) => warn!("Failed to disable HUPCL on {url}: {}", error.desc()),
            None => {}
        }
        Port::new(tty).map(Self::Port)
    }

    /// Connects to `host:port`.
    pub(crate) async fn dial(url: &str, address: &str) -> Result<Self> {
        match timeout(DIAL, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                // Keystrokes do not wait for each other.
                socket.set_nodelay(true)?;
                Ok(Self::Socket(socket))
            }
            Ok(Err(error)) => Err(open_failed(url, &error)),
            Err(_) => {
                let error = io::Error::from(Errno::ETIMEDOUT);
                Err(open_failed(url, &error))
            }
        }
    }

    /// Reads what is there, waiting for it. Nothing at the end.
    pub(crate) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Port(port) => port.read(buffer).await,
            Self::Socket(socket) => loop {
                socket.readable().await?;
                match socket.try_read(buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    read => return read,
                }
            },
        }
    }

    /// Writes all of it.
    pub(crate) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes).await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }

    async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Port(port) => port.write(bytes).await,
            Self::Socket(socket) => loop {
                socket.writable().await?;
                match socket.try_write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    written => return written,
                }
            },
        }
    }

    /// Raises or lowers a line. A socket has none, which is no error.
    pub(crate) fn set(&self, line: Line, high: bool) -> Result<()> {
        match self {
            Self::Port(port) => port.set(line, high),
            Self::Socket(_) => Ok(()),
        }
    }
}

/// Whether an error says that the device is not there any more, rather than that it failed.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let broken = matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted
    );
    broken || port::is_gone(error)
}
