//! What a call costs from entry function to completion, without an exporter around it.
//!
//! `cargo bench -p jumpstarter-driver` prints the best of several rounds, in nanoseconds.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::stream;
use jumpstarter_driver::test::{Host, Opened};
use jumpstarter_driver::{
    ByteStream, Context, Driver, MessageStream, NoConfig, Resource, Result, Schema, Stream, driver,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROUNDS: usize = 10;

struct Supply;

#[derive(Serialize, Deserialize, Schema)]
struct Reading {
    voltage: f64,
    current: f64,
}

impl Driver for Supply {
    type Config = NoConfig;

    async fn open(_: NoConfig, _: Context) -> Result<Self> {
        Ok(Self)
    }
}

#[driver(type = "bench.Supply")]
impl Supply {
    #[export(quick)]
    async fn quick(&self) -> Result<()> {
        Ok(())
    }

    #[export(quick)]
    async fn quick_values(&self, channel: String, volts: f64, limit: Reading) -> Result<Reading> {
        Ok(Reading {
            voltage: volts + channel.len() as f64,
            ..limit
        })
    }

    #[export(quick)]
    async fn quick_text(&self, text: String) -> Result<usize> {
        Ok(text.len())
    }

    #[export(quick)]
    async fn quick_numbers(&self, numbers: Vec<f64>) -> Result<f64> {
        Ok(numbers.iter().sum())
    }

    #[export]
    async fn task(&self) -> Result<()> {
        Ok(())
    }

    #[export]
    fn blocking(&self) -> Result<()> {
        Ok(())
    }

    #[export(stream)]
    fn read(&self, count: usize) -> impl Stream<Item = Result<Reading>> {
        Self::readings(count)
    }

    #[export(stream, quick)]
    fn read_quick(&self, count: usize) -> impl Stream<Item = Result<Reading>> {
        Self::readings(count)
    }

    #[export(bytes)]
    async fn echo(&self, mut io: ByteStream) -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match io.read(&mut buffer).await? {
                0 => return Ok(()),
                size => io.write_all(&buffer[..size]).await?,
            }
        }
    }

    #[export(bytes)]
    async fn echo_messages(&self, mut io: MessageStream) -> Result<()> {
        while let Some(message) = io.recv().await? {
            io.send(&message).await?;
        }
        Ok(())
    }

    #[export]
    async fn flash(&self, image: Resource) -> Result<u64> {
        image.read().await?.copy_to(&mut tokio::io::sink()).await
    }

    fn readings(count: usize) -> impl Stream<Item = Result<Reading>> {
        let reading = |_| {
            Ok(Reading {
                voltage: 5.0,
                current: 2.0,
            })
        };
        stream::iter((0..count).map(reading))
    }
}

fn best(name: &str, count: u32, mut round: impl FnMut(u32)) {
    let took = |round: &mut dyn FnMut(u32)| {
        let begun = Instant::now();
        round(count);
        begun.elapsed()
    };
    let best = (0..ROUNDS).map(|_| took(&mut round)).min();
    let each = best.unwrap_or(Duration::ZERO).as_nanos() / u128::from(count);
    println!("{name:32} {each:>8} ns");
}

fn at_once(supply: &Opened, method: &str, count: u32, callers: u32) {
    for _ in 0..count / callers {
        let running: Vec<_> = (0..callers)
            .map(|_| supply.start(method, ()).unwrap())
            .collect();
        for call in running {
            call.wait::<()>().unwrap();
        }
    }
}

fn main() {
    let host = Host::new();
    let supply = host.open::<Supply>(json!({})).unwrap();
    let limit = Reading {
        voltage: 12.0,
        current: 3.0,
    };
    best("quick", 50_000, |n| at_once(&supply, "quick", n, 1));
    best("quick, arguments and result", 50_000, |n| {
        for _ in 0..n {
            let args = ("ch1", 3.3, &limit);
            supply.call::<Reading>("quick_values", args).unwrap();
        }
    });
    let text = "x".repeat(64 * 1024);
    best("quick, 64 KiB of text", 5_000, |n| {
        for _ in 0..n {
            supply.call::<usize>("quick_text", (&text,)).unwrap();
        }
    });
    let numbers: Vec<f64> = (0..1_000).map(|n| f64::from(n).sqrt()).collect();
    best("quick, 1000 numbers", 5_000, |n| {
        for _ in 0..n {
            supply.call::<f64>("quick_numbers", (&numbers,)).unwrap();
        }
    });
    best("task", 5_000, |n| at_once(&supply, "task", n, 1));
    best("task, 64 at once", 6_400, |n| {
        at_once(&supply, "task", n, 64)
    });
    best("blocking", 5_000, |n| at_once(&supply, "blocking", n, 1));
    for (name, method) in [
        ("stream of two", "read"),
        ("stream of two, quick", "read_quick"),
    ] {
        best(name, 5_000, |n| {
            for _ in 0..n {
                let items = supply.stream::<Reading>(method, (2,)).unwrap();
                assert_eq!(items.map(Result::unwrap).count(), 2);
            }
        });
    }
    best("stream, each item", 64_000, |n| {
        let items = supply.stream::<Reading>("read", (n,)).unwrap();
        assert_eq!(items.map(Result::unwrap).count(), n as usize);
    });
    bytes(&host, &supply);
}

fn bytes(host: &Host, supply: &Opened) {
    let data = vec![7; 64 * 1024];
    let mut buffer = vec![0; data.len()];
    let mut io = supply.connect("echo", ()).unwrap();
    best("bytes, 1 to and fro", 5_000, |n| {
        for _ in 0..n {
            io.write_all(&[1]).unwrap();
            io.read_exact(&mut buffer[..1]).unwrap();
        }
    });
    best("bytes, 64 KiB echoed", 1_000, |n| {
        thread::scope(|scope| {
            scope.spawn(|| (0..n).for_each(|_| (&io).write_all(&data).unwrap()));
            let mut buffer = vec![0; data.len()];
            (0..n).for_each(|_| (&io).read_exact(&mut buffer).unwrap());
        });
    });
    let io = supply.connect_messages("echo_messages", ()).unwrap();
    best("messages, 1 to and fro", 5_000, |n| {
        for _ in 0..n {
            io.send(&[1]).unwrap();
            io.recv().unwrap().unwrap();
        }
    });
    best("messages, 64 KiB echoed", 1_000, |n| {
        thread::scope(|scope| {
            scope.spawn(|| (0..n).for_each(|_| io.send(&data).unwrap()));
            (0..n).for_each(|_| drop(io.recv().unwrap().unwrap()));
        });
    });
    let image = vec![7; 16 << 20];
    best("resource, 64 KiB read", 256, |_| {
        let read: u64 = supply.call("flash", (&host.data(image.clone()),)).unwrap();
        assert_eq!(read, 16 << 20);
    });
}
