//! Bytes there and back: how many in a second, and how long one of them takes.
//!
//! ```text
//! limit    load ══ tonic: the same frames back
//! relay    load ══ tonic ── TCP ── the same server that sends everything back
//! echo     load ══ jmp-exporter ── socket ── EchoNetwork
//! tcp      load ══ jmp-exporter ── TCP ── a server that sends everything back
//! ```

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Instant,
};

use bytes::Bytes;
use jumpstarter_tests::Lab;

use crate::{
    Effort,
    frames::{Frames, Line},
    limit::router::PORT,
    process::busy,
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

const MEBIBYTE: usize = 1 << 20;
/// Turns of a byte stream: each is long enough to be quiet by itself.
const TURNS: usize = 3;
/// The Python programs get a part of the load.
const PYTHON_PART: usize = 64;

/// The same figure of every server.
#[derive(Debug, Default)]
struct Sides {
    limit: Series,
    relay: Series,
    ours: Series,
    python: Series,
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let port = serve_echo();
    let export = drivers(port);
    let relayed = [(PORT, &*port.to_string())];
    let mut sides = Vec::new();
    for whose in [Whose::Limit, Whose::Ours, Whose::Python] {
        if whose != Whose::Python || effort.python {
            let served = Served::with(lab, whose, &export).await;
            sides.push((whose, Line::to(served.port()).await, served));
        }
    }
    for (driver, name) in [("echo", "EchoNetwork"), ("tcp", "TcpNetwork")] {
        for (chunk, size, part) in [
            (4 << 10, "4 KiB", 0.85),
            (64 << 10, "64 KiB", 0.95),
            (MEBIBYTE, "1 MiB", 0.85),
        ] {
            let mut speed = Sides::default();
            let mut work = Sides::default();
            for turn in 0..TURNS {
                for (whose, line, served) in &sides {
                    if *whose == Whose::Limit && driver == "tcp" {
                        let relay = line.open(&relayed).await.unwrap();
                        let total = effort.mebibytes * MEBIBYTE;
                        speed.relay.push(throughput(relay, chunk, total).await);
                    }
                    let mut total = effort.mebibytes * MEBIBYTE;
                    if *whose == Whose::Python {
                        if turn > 0 {
                            continue;
                        }
                        total /= PYTHON_PART;
                    }
                    let before = busy(served.pid());
                    let figure = throughput(line.connect(driver).await, chunk, total).await;
                    let busy = busy(served.pid()) - before;
                    speed.of(*whose).push(figure);
                    work.of(*whose)
                        .push(busy * 1e3 * 1024.0 * MEBIBYTE as f64 / total as f64);
                }
            }
            let title = format!("echo through {name}, chunks of {size}");
            if driver == "tcp" {
                table.add(speed.beside_relay(title.clone(), "MiB/s", Better::More));
            }
            table.add(speed.row(title.clone(), "MiB/s", Better::More, Goal::OfLimit(part)));
            table.add(work.row(title, "CPU ms/GiB", Better::Less, Goal::None));
        }
        let mut series = Sides::default();
        for turn in 0..effort.turns {
            for (whose, line, _) in &sides {
                if *whose == Whose::Limit && driver == "tcp" {
                    let relay = line.open(&relayed).await.unwrap();
                    series.relay.push(ping_pong(relay, effort).await);
                }
                if *whose != Whose::Python || turn == 0 {
                    let figure = ping_pong(line.connect(driver).await, effort).await;
                    series.of(*whose).push(figure);
                }
            }
        }
        let title = format!("one byte there and back through {name}");
        if driver == "tcp" {
            table.add(series.beside_relay(title.clone(), "p50 µs", Better::Less));
        }
        // At most 1.3 times as long.
        let goal = Goal::OfLimit(1.0 / 1.3);
        table.add(series.row(title, "p50 µs", Better::Less, goal));
    }
}

/// The entries of `export:` for the two drivers.
pub(crate) fn drivers(port: u16) -> String {
    let class = "jumpstarter_driver_network.driver";
    format!(
        "  echo: {{type: {class}.EchoNetwork}}\n  \
         tcp: {{type: {class}.TcpNetwork, config: {{host: 127.0.0.1, port: {port}}}}}\n"
    )
}

/// A server that sends everything back, for as long as this program runs; its port.
pub(crate) fn serve_echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            // A connection that breaks is the exporter's story, not this one's.
            thread::spawn(move || drop(echo(stream)));
        }
    });
    port
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            size => stream.write_all(&buffer[..size])?,
        }
    }
}

/// MiB in a second, each counted once although it travels twice.
async fn throughput(frames: Frames, chunk: usize, total: usize) -> f64 {
    let Frames {
        sender,
        mut receiver,
        ..
    } = frames;
    let payload = Bytes::from(vec![7; chunk]);
    let started = Instant::now();
    let sending = tokio::spawn(async move {
        for _ in 0..total / chunk {
            assert!(sender.send(payload.clone()).await, "the stream goes on");
        }
        sender
    });
    receiver.take(total).await;
    let took = started.elapsed();
    sending.await.unwrap().finish().await;
    total as f64 / MEBIBYTE as f64 / took.as_secs_f64()
}

/// The median of the times that one byte takes, in microseconds.
async fn ping_pong(frames: Frames, effort: Effort) -> f64 {
    let Frames {
        sender,
        mut receiver,
        ..
    } = frames;
    let begun = Instant::now();
    let mut series = Series::default();
    while begun.elapsed() < effort.turn {
        let started = Instant::now();
        sender.send(Bytes::from_static(b"x")).await;
        receiver.take(1).await;
        series.push(started.elapsed().as_secs_f64() * 1e6);
    }
    series.median().unwrap_or(f64::NAN)
}

// === impl Sides ===

impl Sides {
    fn of(&mut self, whose: Whose) -> &mut Series {
        match whose {
            Whose::Limit => &mut self.limit,
            Whose::Ours | Whose::Quiet => &mut self.ours,
            Whose::Python => &mut self.python,
        }
    }

    /// A row with the relay as the limit.
    fn beside_relay(&self, work: String, unit: &'static str, better: Better) -> Row {
        Row {
            work: format!("{work}, beside a bare relay to the same TCP server"),
            unit,
            better,
            ours: self.ours.clone(),
            limit: self.relay.clone(),
            python: Series::default(),
            goal: Goal::None,
        }
    }

    fn row(self, work: String, unit: &'static str, better: Better, goal: Goal) -> Row {
        Row {
            work,
            unit,
            better,
            ours: self.ours,
            limit: self.limit,
            python: self.python,
            goal,
        }
    }
}
