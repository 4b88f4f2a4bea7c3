//! Which of several addresses answers first.
//!
//! ```text
//! ::1        ──────────?                    each gets a head start on the next,
//! 127.0.0.1       ├────► connected          or is followed at once when it fails
//! ```
//!
//! A name often stands for an IPv6 and an IPv4 address of which only one is reachable, and an
//! unreachable one may say so only after minutes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

const HEAD_START: Duration = Duration::from_millis(250);

/// The first connection, or how each attempt failed, in the order in which they did.
pub(super) async fn connect(
    addresses: Vec<SocketAddr>,
) -> Result<TcpStream, Vec<(SocketAddr, io::Error)>> {
    let mut waiting = alternating(addresses).into_iter();
    let mut running = FuturesUnordered::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            running.push(async move { (address, TcpStream::connect(address).await) });
        }
        tokio::select! {
            done = running.next() => match done {
                Some((_, Ok(stream))) => return Ok(stream),
                Some((address, Err(error))) => failures.push((address, error)),
                None => return Err(failures),
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

/// The same addresses, the families taking turns, beginning with the first one's.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let begins = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == begins);
    let mut first = first.into_iter();
    let mut second = second.into_iter();
    let mut all = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair.iter().all(Option::is_none) {
            return all;
        }
        all.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use super::alternating;

    #[test]
    fn families_take_turns() {
        let addresses = |hosts: &[&str]| -> Vec<SocketAddr> {
            let parse = |host: &&str| SocketAddr::from((host.parse::<IpAddr>().unwrap(), 1));
            hosts.iter().map(parse).collect()
        };
        let ordered = alternating(addresses(&["::1", "::2", "::3", "10.0.0.1"]));
        assert_eq!(ordered, addresses(&["::1", "10.0.0.1", "::2", "::3"]));
        let ordered = alternating(addresses(&["10.0.0.1", "::1", "::2"]));
        assert_eq!(ordered, addresses(&["10.0.0.1", "::1", "::2"]));
        assert!(alternating(Vec::new()).is_empty());
    }
}
