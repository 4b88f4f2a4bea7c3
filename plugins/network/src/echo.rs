//! The client's own words.
//!
//! Messages wait in two sockets, that of the exporter and ours, so a client that does not read can
//! send no more than they hold. Nothing is taken before there is room to give it back, so streams
//! hold no memory of their own, however many of them are not read.

mod batch;

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram as StdDatagram;

use jumpstarter_driver::{Context, Driver, NoConfig, Result, driver};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, getsockopt, setsockopt, socketpair, sockopt,
};
use tokio::net::UnixDatagram;

use batch::{Turn, turn};

/// What each side may have under way. No message can be larger, and the kernel looks for so much
/// memory in one piece; it grants twice what it is asked for.
const QUEUE: usize = 1 << 20;
/// What the kernel takes of it for itself.
const RESERVED: usize = 32;

/// Sends everything back.
pub(crate) struct EchoNetwork(Context);

impl Driver for EchoNetwork {
    type Config = NoConfig;

    async fn open(_config: NoConfig, cx: Context) -> Result<Self> {
        Ok(Self(cx))
    }
}

/// Sends everything back: for trying out clients and connections.
#[driver(
    type = "jumpstarter_driver_network.driver.EchoNetwork",
    client = "jumpstarter_driver_network.client.NetworkClient",
    category = "network"
)]
impl EchoNetwork {
    /// Hear what you say
    ///
    /// Messages come back as they were sent, and the stream ends after the last of them.
    // With a socket of its own: it takes and sends many small messages at a time.
    #[export(bytes)]
    async fn connect(&self) -> io::Result<OwnedFd> {
        let (ours, theirs) = pair()?;
        let longest = getsockopt(&theirs, sockopt::SndBuf)?.saturating_sub(RESERVED);
        // Sending and receiving are the same for every kind of socket that keeps messages.
        let ours = UnixDatagram::from_std(StdDatagram::from(ours))?;
        self.0.spawn(async move {
            // Whoever hangs up in the middle has heard enough.
            drop(echo(ours, longest).await);
        });
        Ok(theirs)
    }
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)?;
    for socket in [&ours, &theirs] {
        // Beyond the system's limit as root, up to it as anybody else; any size will do.
        if setsockopt(socket, sockopt::SndBufForce, &QUEUE).is_err() {
            setsockopt(socket, sockopt::SndBuf, &QUEUE)?;
        }
    }
    Ok((ours, theirs))
}

/// Until the other side sends no more.
async fn echo(socket: UnixDatagram, longest: usize) -> io::Result<()> {
    loop {
        socket.readable().await?;
        socket.writable().await?;
        match would_block(turn(&socket, longest))? {
            None | Some(Turn::Done) => {}
            Some(Turn::Rest(mut batch)) => {
                while !batch.is_empty() {
                    socket.writable().await?;
                    would_block(batch.drain(&socket))?;
                }
            }
            Some(Turn::Last) => return Ok(()),
        }
    }
}

/// It is no error that there was nothing to do, or something else.
fn would_block<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(None)
        }
        other => other.map(Some),
    }
}
