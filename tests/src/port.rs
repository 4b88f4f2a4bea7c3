//! Ports nobody else has.

use std::{
    net::{Ipv4Addr, TcpListener},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Below the range from which the kernel takes the ports of outgoing connections, so that none of
/// those can be given one between our look and the exporter's bind.
const FIRST: u16 = 12_000;
const SPAN: u16 = 18_000;

/// A TCP port that is free on the loopback interface now, and that this process gives out once.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (process::id() % u32::from(SPAN)) as u16;
    for _ in 0..SPAN {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (u32::from(start) * 7 + u32::from(step)) as u16 % SPAN;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + SPAN);
}
