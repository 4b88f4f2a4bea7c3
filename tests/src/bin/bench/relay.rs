//! Bytes through the router, from a client to an exporter: beside a bare tonic relay that does the same.
//!
//! ```text
//! limit    load ══ TLS ══ tonic, frame by frame ══ TLS ══ load
//! ours     load ══ TLS ══ jmp-controller ═════════ TLS ══ load
//! ```
//!
//! Both ends of every tunnel are the client library's, over a connection of their own, as in real life;
//! their work is part of every figure, and theirs is the larger one. What a relay costs by itself is in
//! the rows of its processor time.

use std::{
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jumpstarter_client::{
    ByteStream, Secret,
    connect::{ChannelOptions, Tls, Uplink},
    router,
};
use jumpstarter_proto::v1::ExporterStatus;
use jumpstarter_tests::{Certs, Lab, free_port};
use tokio::{sync::Mutex, task::JoinSet, time::sleep};
use tonic::Streaming;

use crate::{
    Effort,
    hub::{Dummy, Hub, Person},
    process::{busy, weigh},
    table::{Better, Goal, Row, Series, Table},
};

const MEBIBYTE: usize = 1 << 20;
const TURNS: usize = 5;
/// What clients read of a socket or a file at once.
const CHUNK: usize = 64 << 10;
const MANY: usize = 64;
const LEASE: &str = "relay";

/// A bare relay, as a process.
#[derive(Debug)]
struct Bare {
    child: Child,
    endpoint: String,
    uplink: Uplink,
}

/// The router with an exporter that listens.
struct Ours<'a> {
    hub: Hub<'a>,
    person: Person,
    dummy: Dummy,
    listening: Mutex<Streaming<jumpstarter_proto::v1::ListenResponse>>,
}

/// Both ends of a tunnel.
struct Tunnel {
    near: ByteStream,
    far: ByteStream,
}

enum Relay<'a> {
    Bare(Bare),
    Ours(Box<Ours<'a>>),
}

pub(crate) async fn measure(lab: &Lab, effort: Effort, table: &mut Table) {
    let relays = [
        Relay::Bare(Bare::start(lab)),
        Relay::Ours(Box::new(Ours::start(lab).await)),
    ];
    for (count, title) in [(1, "1 tunnel"), (MANY, "64 tunnels at once")] {
        let mut speed = [Series::default(), Series::default()];
        let mut work = [Series::default(), Series::default()];
        for _ in 0..TURNS {
            for (at, relay) in relays.iter().enumerate() {
                let tunnels = relay.open(count).await;
                let total = effort.mebibytes / 2 * MEBIBYTE;
                let before = busy(relay.pid());
                let took = carry(tunnels, total).await;
                let busy = busy(relay.pid()) - before;
                let mebibytes = total as f64 / MEBIBYTE as f64;
                speed[at].push(mebibytes / took.as_secs_f64());
                work[at].push(busy * 1e3 * 1024.0 / mebibytes);
            }
        }
        let title = format!("through the router, {title}");
        table.add(row(
            &title,
            "MiB/s",
            Better::More,
            speed,
            Goal::OfLimit(0.8),
        ));
        table.add(row(
            &title,
            "its CPU, ms/GiB",
            Better::Less,
            work,
            Goal::OfLimit(0.8),
        ));
    }
    let mut times = [Series::default(), Series::default()];
    for _ in 0..effort.turns {
        for (relay, times) in relays.iter().zip(&mut times) {
            times.push(relay.ping_pong(effort).await);
        }
    }
    let title = "one byte through the router and back";
    table.add(row(
        title,
        "p50 µs",
        Better::Less,
        times,
        Goal::OfLimit(0.8),
    ));
    let mut growth = [Series::default(), Series::default()];
    for (relay, growth) in relays.into_iter().zip(&mut growth) {
        growth.push(relay.flood(effort).await);
    }
    let title = format!("memory of the router gained by {MANY} tunnels, half of them unread");
    // Both let every sender be a MiB ahead.
    table.add(row(&title, "KiB", Better::Less, growth, Goal::OfLimit(0.8)));
}

fn row(work: &str, unit: &'static str, better: Better, both: [Series; 2], goal: Goal) -> Row {
    let [limit, ours] = both;
    Row {
        work: work.to_owned(),
        unit,
        better,
        ours,
        limit,
        python: Series::default(),
        goal,
    }
}

/// The time that so many bytes take from here to there, through all tunnels together.
async fn carry(tunnels: Vec<Tunnel>, total: usize) -> Duration {
    let each = total / tunnels.len();
    let payload = Bytes::from(vec![7; CHUNK]);
    let mut running = JoinSet::new();
    let started = Instant::now();
    for Tunnel { near, far } in tunnels {
        let payload = payload.clone();
        running.spawn(async move {
            let (mut back, mut out) = near.split();
            let (mut come, other) = far.split();
            let sending = async {
                for _ in 0..each / CHUNK {
                    out.send(payload.clone()).await.unwrap();
                }
                out.finish();
            };
            let receiving = async {
                let mut bytes = 0;
                while let Some(chunk) = come.next().await {
                    bytes += chunk.unwrap().len();
                }
                assert_eq!(bytes, each, "nothing is lost");
                let came = Instant::now();
                other.finish();
                came
            };
            let ((), came) = tokio::join!(sending, receiving);
            while let Some(chunk) = back.next().await {
                chunk.unwrap();
            }
            came
        });
    }
    let ends = running.join_all().await;
    ends.into_iter().max().expect("tunnels") - started
}

// === impl Relay ===

impl Relay<'_> {
    fn pid(&self) -> u32 {
        match self {
            Self::Bare(bare) => bare.child.id(),
            Self::Ours(ours) => ours.hub.pid(),
        }
    }

    /// New tunnels, which have been used once.
    async fn open(&self, count: usize) -> Vec<Tunnel> {
        let mut tunnels = Vec::new();
        for _ in 0..count {
            let (near, far) = match self {
                Self::Bare(bare) => bare.pair().await,
                Self::Ours(ours) => ours.pair().await,
            };
            let mut tunnel = Tunnel { near, far };
            tunnel.turn().await;
            tunnels.push(tunnel);
        }
        tunnels
    }

    /// The median of the times that one byte takes there and back, in microseconds.
    async fn ping_pong(&self, effort: Effort) -> f64 {
        let mut tunnel = self.open(1).await.remove(0);
        let begun = Instant::now();
        let mut series = Series::default();
        while begun.elapsed() < effort.turn {
            let started = Instant::now();
            tunnel.turn().await;
            series.push(started.elapsed().as_secs_f64() * 1e6);
        }
        series.median().unwrap_or(f64::NAN)
    }

    /// KiB that the relay gains while everybody sends and every other one is not read. It is ended
    /// then: who cannot leave, because what he sent last is still to be read, is cut off.
    async fn flood(self, effort: Effort) -> f64 {
        // The connections themselves are not meant.
        let tunnels = self.open(MANY).await;
        let (before, _) = weigh(self.pid());
        let mut running = JoinSet::new();
        for (number, Tunnel { near, far }) in tunnels.into_iter().enumerate() {
            let (back, mut out) = near.split();
            let (mut come, other) = far.split();
            running
                .spawn(async move { while out.send(Bytes::from(vec![7; CHUNK])).await.is_ok() {} });
            running.spawn(async move {
                let _kept = (back, other);
                if number % 2 == 0 {
                    std::future::pending::<()>().await;
                }
                while come.next().await.is_some() {}
            });
        }
        let mut most = before;
        let turns = 10;
        for _ in 0..turns {
            sleep((effort.turn * 5 / turns).max(Duration::from_millis(100))).await;
            most = most.max(weigh(self.pid()).0);
        }
        drop(self);
        running.shutdown().await;
        most - before
    }
}

// === impl Tunnel ===

impl Tunnel {
    /// A byte there and back.
    async fn turn(&mut self) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        self.near.write_all(b"x").await.unwrap();
        self.far.read_u8().await.unwrap();
        self.far.write_all(b"x").await.unwrap();
        self.near.read_u8().await.unwrap();
    }
}

// === impl Bare ===

impl Bare {
    fn start(lab: &Lab) -> Self {
        let Certs { ca, cert, key } = lab.certs();
        let port = free_port();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["relay-limit", &port.to_string()])
            .args([cert, key]);
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "it listens");
            thread::sleep(Duration::from_millis(1));
        }
        let trusted = std::fs::read_to_string(ca).unwrap();
        let tls = Tls::from_settings(&trusted, false).unwrap();
        Self {
            child,
            endpoint: format!("127.0.0.1:{port}"),
            uplink: Uplink::new(&tls, &ChannelOptions::default()).unwrap(),
        }
    }

    async fn pair(&self) -> (ByteStream, ByteStream) {
        let token = Secret::new(uuid::Uuid::new_v4().to_string());
        let near = router::open(&self.uplink, &self.endpoint, &token).await;
        let far = router::open(&self.uplink, &self.endpoint, &token).await;
        (near.unwrap(), far.unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

// === impl Ours ===

impl<'a> Ours<'a> {
    async fn start(lab: &'a Lab) -> Self {
        let hub = Hub::start(lab, "relay");
        let person = hub.person("me").await;
        let dummy = hub.dummy("board", &[("name", "board")]).await;
        let mut statuses = dummy.arrive().await.unwrap();
        person.lease(LEASE, "name=board").await;
        let listening = Mutex::new(dummy.listen(LEASE).await);
        dummy.say(ExporterStatus::LeaseReady).await.unwrap();
        // For as long as the lease lasts.
        tokio::spawn(async move { while let Ok(Some(_)) = statuses.message().await {} });
        Self {
            hub,
            person,
            dummy,
            listening,
        }
    }

    async fn pair(&self) -> (ByteStream, ByteStream) {
        let near = self.person.reach(LEASE).await.unwrap();
        let invited = self.listening.lock().await.message().await;
        let far = self.dummy.meet(invited.unwrap().unwrap()).await;
        (near, far.unwrap())
    }
}
