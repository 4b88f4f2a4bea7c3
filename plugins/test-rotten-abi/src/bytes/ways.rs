//! The ways in which a byte stream is served, by the name of the method.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, setsockopt, shutdown, socketpair, sockopt,
};
use nix::unistd::{read, write};

use super::Number;

/// What a device says that fails.
const FIRE: &str = "the device caught fire";
/// What `gives` says.
const GIFT: usize = 1 << 20;

/// What a driver does with its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Sends back what it gets, and says that it went well.
    Echo,
    /// Sends back what it gets, and says nothing about the end.
    Plain,
    /// Sends back each message.
    Packets,
    /// Is an UDP socket, to a server that sends back each datagram.
    Datagrams,
    /// Is an UDP socket to a port where nobody listens.
    Unplugged,
    /// Sends back one chunk, closes the socket, and says that it failed.
    Fails,
    /// Sends back one chunk, says that it failed, and closes the socket much later.
    Confesses,
    /// Sends back one chunk, says that it failed, and never closes the socket.
    Leaks,
    /// Does not notice anything until it is told that the stream is over.
    Deaf,
    /// Closes the socket at once, and says that this is fine.
    Quits,
    /// Closes the socket when something has come that it does not read, without a word.
    Drops,
    /// Is a TCP connection that is reset after the first chunk.
    Resets,
    /// Sends without end, and does not read.
    Floods,
    /// Reads little at a time, and fails at the end with the number of bytes.
    Sips,
    /// Does not read; ends when the client is gone.
    Ignores,
    /// Ends its own side at once, reads, and fails with the number of bytes.
    Counts,
    /// Sends a MiB, then reads what is left until the end.
    Gives,
}

/// The driver's end and the host's.
type Pair = (Option<OwnedFd>, OwnedFd);

// === impl Way ===

impl Way {
    pub(super) fn of(method: &str) -> Option<Self> {
        Some(match method {
            "echo" => Self::Echo,
            "plain" => Self::Plain,
            "packets" => Self::Packets,
            "datagrams" => Self::Datagrams,
            "unplugged" => Self::Unplugged,
            "fails" => Self::Fails,
            "confesses" => Self::Confesses,
            "leaks" => Self::Leaks,
            "deaf" => Self::Deaf,
            "quits" => Self::Quits,
            "drops" => Self::Drops,
            "resets" => Self::Resets,
            "floods" => Self::Floods,
            "sips" => Self::Sips,
            "ignores" => Self::Ignores,
            "counts" => Self::Counts,
            "gives" => Self::Gives,
            _ => return None,
        })
    }

    /// Whether the host can ask how it ended.
    pub(super) fn tells(self) -> bool {
        !matches!(
            self,
            Self::Plain | Self::Drops | Self::Resets | Self::Datagrams | Self::Unplugged
        )
    }

    pub(super) fn socket(self) -> io::Result<Pair> {
        match self {
            Self::Datagrams => {
                let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                client.connect(server.local_addr()?)?;
                server.connect(client.local_addr()?)?;
                // Nobody tells when it is over, so it is over when nothing was said for a while.
                server.set_read_timeout(Some(Duration::from_secs(10)))?;
                Ok((Some(server.into()), client.into()))
            }
            Self::Unplugged => {
                let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
                let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                client.connect(nobody)?;
                Ok((None, client.into()))
            }
            Self::Resets => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                let client = TcpStream::connect(listener.local_addr()?)?;
                let (server, _) = listener.accept()?;
                Ok((Some(server.into()), client.into()))
            }
            Self::Packets => pair(SockType::SeqPacket),
            _ => pair(SockType::Stream),
        }
    }

    /// Serves the stream to its end.
    pub(super) fn serve(self, socket: Option<OwnedFd>, number: Number) {
        let Some(socket) = socket else { return };
        // What these threads fail with is what the test has done to them.
        let outcome = match self {
            Self::Echo | Self::Plain => echo(&socket, 16 << 10).map_err(|error| error.to_string()),
            Self::Packets | Self::Datagrams => {
                echo(&socket, 256 << 10).map_err(|error| error.to_string())
            }
            Self::Fails => {
                echo_once(&socket);
                Err(FIRE.to_owned())
            }
            Self::Confesses => {
                echo_once(&socket);
                number.ends(Err(FIRE.to_owned()));
                return sleep(Duration::from_secs(30));
            }
            Self::Leaks => {
                echo_once(&socket);
                std::mem::forget(socket);
                return number.ends(Err(FIRE.to_owned()));
            }
            Self::Deaf => {
                number.told_to_close();
                Err("somebody had to tell me".to_owned())
            }
            Self::Resets => {
                echo_once(&socket);
                reset(&socket).map_err(|error| error.to_string())
            }
            Self::Quits | Self::Unplugged => Ok(()),
            Self::Drops => {
                wait_for_data(&socket);
                Ok(())
            }
            Self::Floods => flood(&socket).map_err(|error| error.to_string()),
            Self::Sips => Err(received(&socket, 1000, Duration::from_millis(1))),
            Self::Counts => {
                end(&socket);
                Err(received(&socket, 1 << 16, Duration::ZERO))
            }
            Self::Gives => {
                let given = write_all(&socket, &[b'!'; GIFT]);
                end(&socket);
                received(&socket, 1 << 16, Duration::ZERO);
                given.map_err(|error| error.to_string())
            }
            Self::Ignores => {
                wait_until_gone(&socket);
                Ok(())
            }
        };
        drop(socket);
        number.ends(outcome);
    }
}

fn pair(kind: SockType) -> io::Result<Pair> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
    Ok((Some(ours), theirs))
}

fn echo(socket: &OwnedFd, size: usize) -> io::Result<()> {
    let mut buffer = vec![0; size];
    loop {
        match read(socket, &mut buffer)? {
            0 => return Ok(()),
            count => write_all(socket, &buffer[..count])?,
        }
    }
}

fn echo_once(socket: &OwnedFd) {
    let mut buffer = [0; 4096];
    let count = read(socket, &mut buffer).unwrap_or(0);
    // Whoever is gone does not hear it.
    write_all(socket, &buffer[..count]).unwrap_or_default();
}

fn write_all(socket: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[write(socket, bytes)?..];
    }
    Ok(())
}

fn flood(socket: &OwnedFd) -> io::Result<()> {
    static BLOCK: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..1 << 16).map(|at| (at % 251) as u8).collect());
    loop {
        write_all(socket, &BLOCK)?;
    }
}

fn received(socket: &OwnedFd, at_a_time: usize, pause: Duration) -> String {
    let mut buffer = vec![0; at_a_time];
    let mut total = 0;
    while let Ok(count @ 1..) = read(socket, &mut buffer) {
        total += count;
        sleep(pause);
    }
    format!("received {total} bytes")
}

fn end(socket: &OwnedFd) {
    use std::os::fd::AsRawFd;
    // Whoever is gone needs no end.
    shutdown(socket.as_raw_fd(), nix::sys::socket::Shutdown::Write).unwrap_or_default();
}

fn reset(socket: &OwnedFd) -> io::Result<()> {
    let linger = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(socket, sockopt::Linger, &linger)?;
    let stream = TcpStream::from(socket.try_clone()?);
    stream.shutdown(Shutdown::Read)
}

/// Waits until there is something to read, and leaves it there.
fn wait_for_data(socket: &OwnedFd) {
    while peek(socket) != Some(1) {
        sleep(Duration::from_millis(1));
    }
}

/// Waits until the other end is closed, without reading what it sent before.
fn wait_until_gone(socket: &OwnedFd) {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    while poll(&mut polled, PollTimeout::NONE).is_err() {}
}

fn peek(socket: &OwnedFd) -> Option<usize> {
    use std::os::fd::AsRawFd;
    let flags = nix::sys::socket::MsgFlags::MSG_PEEK;
    nix::sys::socket::recv(socket.as_raw_fd(), &mut [0], flags).ok()
}
