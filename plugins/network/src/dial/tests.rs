//! Errors, told and sorted.

#![allow(clippy::unwrap_used)]

use std::io::{self, ErrorKind};

use super::DialError;
use crate::peer::Peer;

fn refused() -> io::Error {
    io::Error::new(ErrorKind::ConnectionRefused, "refused")
}

#[test]
fn every_address_is_told_if_there_were_several() {
    let peer = Peer {
        host: "lab".to_owned(),
        port: 22,
    };
    let v6 = ("[::1]:22".parse().unwrap(), refused());
    let v4 = || ("127.0.0.1:22".parse().unwrap(), refused());
    let one = DialError::nowhere(&peer, vec![v4()]);
    assert_eq!(one.to_string(), "cannot connect to `lab:22`: refused");
    let two = DialError::nowhere(&peer, vec![v6, v4()]);
    assert_eq!(
        two.to_string(),
        "cannot connect to `lab:22`: [::1]:22: refused; 127.0.0.1:22: refused"
    );
    assert_eq!(io::Error::from(two).kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn silence_is_a_timeout() {
    let peer = "[::1]:22".to_owned();
    let error = DialError::Silence { peer };
    assert_eq!(
        error.to_string(),
        "cannot connect to `[::1]:22`: no answer within 10 s"
    );
    assert_eq!(io::Error::from(error).kind(), ErrorKind::TimedOut);
}
