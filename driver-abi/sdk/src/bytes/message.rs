//! The driver's end of a stream of messages.

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::sync::Arc;

use nix::sys::socket::{SockType, getsockopt, sockopt};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use super::used::Used;
use crate::{Error, Result, sockets};

/// A stream to the client (or, from [`Child::connect_messages`](crate::Child::connect_messages), to
/// another driver) that keeps messages apart: every [`recv`](Self::recv) is one that the
/// client has sent, every [`send`](Self::send) one that it receives. For devices that speak in
/// frames: WebSockets, CAN, datagrams.
///
/// Nothing is lost or reordered. Dropping it ends the stream; shutting its writing half down lets
/// the client go on sending.
///
/// ```
/// # use jumpstarter_driver::{Context, Driver, MessageStream, NoConfig, Result, driver};
/// # struct Bus;
/// # impl Driver for Bus {
/// #     type Config = NoConfig;
/// #     async fn open(_: NoConfig, _: Context) -> Result<Self> { Ok(Self) }
/// # }
/// # #[driver(type = "test.Bus")]
/// # impl Bus {
/// /// Sends every message back.
/// #[export(bytes)]
/// async fn echo(&self, mut io: MessageStream) -> Result<()> {
///     while let Some(message) = io.recv().await? {
///         io.send(&message).await?;
///     }
///     Ok(())
/// }
/// # }
/// # let host = jumpstarter_driver::test::Host::new();
/// # let bus = host.open::<Bus>(serde_json::json!({}))?;
/// # let messages = bus.connect_messages("echo", ())?;
/// # messages.send(b"frame")?;
/// # assert_eq!(messages.recv()?.as_deref(), Some(&b"frame"[..]));
/// # Result::<()>::Ok(())
/// ```
#[derive(Debug)]
pub struct MessageStream {
    reader: MessageReader,
    writer: MessageWriter,
}

/// The reading half of a [`MessageStream`].
#[derive(Debug)]
pub struct MessageReader {
    socket: Arc<UnixDatagram>,
    used: Used,
    /// The other side is gone, without having received everything.
    reset: Option<io::Error>,
}

/// The writing half of a [`MessageStream`]. Dropping it shuts it down.
#[derive(Debug)]
pub struct MessageWriter {
    socket: Arc<UnixDatagram>,
    used: Used,
    max: usize,
}

// === impl MessageStream ===

impl MessageStream {
    /// A stream over a connected socket that keeps messages apart.
    pub(crate) fn from_socket(socket: OwnedFd) -> Result<Self> {
        if getsockopt(&socket, sockopt::SockType)? == SockType::Stream {
            return Err(Error::failed_precondition(
                "this is a stream of bytes, which does not keep messages apart",
            ));
        }
        Self::watched(sockets::checked(socket)?, Used::default())
    }

    pub(super) fn watched(socket: OwnedFd, used: Used) -> Result<Self> {
        let max = sockets::max_message(&socket)?;
        // Sending and receiving are the same for every kind of socket that keeps messages.
        let socket = Arc::new(UnixDatagram::from_std(StdDatagram::from(socket))?);
        let reader = MessageReader {
            socket: Arc::clone(&socket),
            used: used.clone(),
            reset: None,
        };
        let writer = MessageWriter { socket, used, max };
        Ok(Self { reader, writer })
    }

    /// The next message; none when the client has said that it sends no more. Nothing is lost if
    /// this is given up.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn recv(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.reader.recv().await
    }

    /// The next message if it is there already, so that many small ones can be dealt with together;
    /// see [`MessageReader::try_recv`].
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if nothing is there, and those of the system.
    pub fn try_recv(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.reader.try_recv()
    }

    /// Sends a message, when there is room for it; see [`MessageWriter::send`].
    ///
    /// # Errors
    /// The message is too large, or the client is gone.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.writer.send(message).await
    }

    /// Sends a message if there is room for it; see [`MessageWriter::try_send`].
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if there is no room, and those of
    /// [`send`](Self::send).
    pub fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        self.writer.try_send(message)
    }

    /// The size of the largest message: 2 MiB, or twice what the system's setting
    /// `net.core.wmem_max` allows (400 KiB on many).
    pub fn max_message(&self) -> usize {
        self.writer.max
    }

    /// Says that no more messages follow.
    ///
    /// # Errors
    /// Those of the system.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.writer.shutdown()
    }

    /// Both directions on their own, for two tasks.
    pub fn into_split(self) -> (MessageReader, MessageWriter) {
        (self.reader, self.writer)
    }
}

// === impl MessageReader ===

impl MessageReader {
    /// The next message; none when the client has said that it sends no more. Nothing is lost if
    /// this is given up.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn recv(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.used.now();
        loop {
            let socket = &*self.socket;
            let received = socket
                .async_io(Interest::READABLE, || sockets::receive(socket))
                .await;
            if let Some(message) = self.received(received) {
                return message;
            }
        }
    }

    /// The next message if it is there already.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if nothing is there, and those of the system.
    pub fn try_recv(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.used.now();
        loop {
            let socket = &*self.socket;
            let received = socket.try_io(Interest::READABLE, || sockets::receive(socket));
            if let Some(message) = self.received(received) {
                return message;
            }
        }
    }

    /// None to ask again: a reset is told at once, also if there are messages from before.
    fn received(&mut self, received: io::Result<Vec<u8>>) -> Option<io::Result<Option<Vec<u8>>>> {
        Some(match received {
            // The end, as no empty messages are sent.
            Ok(message) if message.is_empty() => match self.reset.take() {
                Some(error) => Err(error),
                None => Ok(None),
            },
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && self.reset.is_none() => {
                self.reset = Some(error);
                return None;
            }
            Err(error) => Err(error),
        })
    }
}

// === impl MessageWriter ===

impl MessageWriter {
    /// Sends a message, when there is room for it. An empty one is left out: the client could not
    /// tell it from the end.
    ///
    /// # Errors
    /// The message is too large, or the client is gone.
    pub async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.check(message)?;
        if !message.is_empty() {
            self.socket.send(message).await?;
        }
        Ok(())
    }

    /// Sends a message if there is room for it, for a device whose messages are of no use later.
    ///
    /// # Errors
    /// [`WouldBlock`](ErrorKind::WouldBlock) if there is no room, and those of
    /// [`send`](Self::send).
    pub fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        self.check(message)?;
        if !message.is_empty() {
            self.socket.try_send(message)?;
        }
        Ok(())
    }

    /// The size of the largest message; see [`MessageStream::max_message`].
    pub fn max_message(&self) -> usize {
        self.max
    }

    /// Says that no more messages follow.
    ///
    /// # Errors
    /// Those of the system.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.used.now();
        self.end()
    }

    fn end(&self) -> io::Result<()> {
        match self.socket.shutdown(Shutdown::Write) {
            Err(error) if error.kind() != ErrorKind::NotConnected => Err(error),
            _ => Ok(()),
        }
    }

    fn check(&mut self, message: &[u8]) -> io::Result<()> {
        self.used.now();
        let (size, max) = (message.len(), self.max);
        if size > max {
            return Err(io::Error::from(Error::invalid_argument(format_args!(
                "a message of {size} bytes is too large, up to {max} fit"
            ))));
        }
        Ok(())
    }
}

impl Drop for MessageWriter {
    fn drop(&mut self) {
        // If the socket is gone already there is nobody to tell.
        drop(self.end());
    }
}
