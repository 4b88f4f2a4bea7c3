//! What is left when the other end is gone.

#![allow(clippy::unwrap_used)]

use std::future::poll_fn;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};

use super::super::socket::{Reader, split};

/// Our end of packets whose other end said this, had not read everything, and is closed.
fn reset(said: &[&[u8]]) -> Reader {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let pair = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags);
    let (ours, theirs) = pair.unwrap();
    say(&ours, b"never read");
    said.iter().for_each(|packet| say(&theirs, packet));
    drop(theirs);
    split(ours).unwrap().0
}

fn say(socket: &OwnedFd, packet: &[u8]) {
    let sent = send(socket.as_raw_fd(), packet, MsgFlags::empty()).unwrap();
    assert_eq!(sent, packet.len());
}

#[tokio::test]
async fn what_came_before_a_reset_is_read_before_it_is_told() {
    let mut reader = reset(&[b"one", b"two"]);
    let frames = poll_fn(|cx| reader.poll_next(cx)).await.unwrap().unwrap();
    assert_eq!(
        &frames[..],
        b"\0\0\0\0\x05\x0a\x03one\0\0\0\0\x05\x0a\x03two"
    );
    let error = poll_fn(|cx| reader.poll_next(cx)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(poll_fn(|cx| reader.poll_next(cx)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_came_before_a_reset_is_there_at_once() {
    let mut reader = reset(&[b"one", b"two"]);
    for expected in [b"one", b"two"] {
        let frame = reader.now().unwrap().unwrap();
        assert!(frame.ends_with(expected), "{frame:?}");
    }
    assert!(reader.now().unwrap().is_none());
}
