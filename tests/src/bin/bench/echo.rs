//! Bytes there and back: how many in a second, and how long one of them takes.
//!
//! ```text
//! limit    load ══ tonic: the same frames back
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
    served::{Served, Whose},
    table::{Better, Goal, Row, Series, Table},
};

const MEBIBYTE: usize = 1 << 20;
/// Turns of a byte stream: each is long enough to be quiet by itself.
const TURNS: usize = 3;
/// The Python programs get a part of the load.
const PYTHON_PART: usize = 64;

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let port = serve_echo();
    let export = drivers(port);
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
            let mut series = [Series::default(), Series::default(), Series::default()];
            for turn in 0..TURNS {
                for (whose, line, _) in &sides {
                    let mut total = effort.mebibytes * MEBIBYTE;
                    if *whose == Whose::Python {
                        if turn > 0 {
                            continue;
                        }
                        total /= PYTHON_PART;
                    }
                    let figure = throughput(line.connect(driver).await, chunk, total).await;
                    of(&mut series, *whose).push(figure);
                }
            }
            let work = format!("echo through {name}, chunks of {size}");
            table.add(row(
                work,
                "MiB/s",
                Better::More,
                series,
                Goal::OfLimit(part),
            ));
        }
        let mut series = [Series::default(), Series::default(), Series::default()];
        for turn in 0..effort.turns {
            for (whose, line, _) in &sides {
                if *whose != Whose::Python || turn == 0 {
                    let figure = ping_pong(line.connect(driver).await, effort).await;
                    of(&mut series, *whose).push(figure);
                }
            }
        }
        let work = format!("one byte there and back through {name}");
        // At most 1.3 times as long.
        let goal = Goal::OfLimit(1.0 / 1.3);
        table.add(row(work, "p50 µs", Better::Less, series, goal));
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

fn of(series: &mut [Series; 3], whose: Whose) -> &mut Series {
    match whose {
        Whose::Limit => &mut series[0],
        Whose::Python => &mut series[2],
        Whose::Ours | Whose::Quiet => &mut series[1],
    }
}

fn row(work: String, unit: &'static str, better: Better, series: [Series; 3], goal: Goal) -> Row {
    let [limit, ours, python] = series;
    Row {
        work,
        unit,
        better,
        ours,
        limit,
        python,
        goal,
    }
}
