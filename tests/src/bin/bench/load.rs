//! The load generator: callers that call again as soon as they are answered.

use std::time::{Duration, Instant};

use bytes::Bytes;
use jumpstarter_proto::v1::{
    DriverCallRequest, GetStatusRequest, StreamingDriverCallRequest,
    exporter_service_client::ExporterServiceClient,
};
use tokio::task::JoinSet;
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};

/// What every caller does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// `DriverCall on`.
    Call,
    /// `StreamingDriverCall read`, two items, to its end.
    Stream,
    Report,
    Status,
}

/// Throughput and latency of one turn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Clients connected to one server, and the driver they call.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    clients: Vec<ExporterServiceClient<Channel>>,
    uuid: String,
}

// === impl Clients ===

impl Clients {
    /// Connects as often as told to a server that listens already.
    pub(crate) async fn connect(port: u16, connections: usize) -> Self {
        let mut clients = Vec::new();
        for _ in 0..connections {
            let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).unwrap();
            clients.push(ExporterServiceClient::new(
                endpoint.connect().await.unwrap(),
            ));
        }
        let report = clients[0].get_report(()).await.unwrap().into_inner();
        let uuid = report.reports[1].uuid.clone();
        Self { clients, uuid }
    }

    /// One of the clients.
    pub(crate) fn first(&self) -> ExporterServiceClient<Channel> {
        self.clients[0].clone()
    }

    /// One piece of work.
    pub(crate) async fn once(
        client: &mut ExporterServiceClient<Channel>,
        uuid: &str,
        work: Work,
    ) -> Result<(), Status> {
        match work {
            Work::Call => {
                let (uuid, method) = (uuid.to_owned(), "on".to_owned());
                let args = Vec::<Bytes>::new();
                client
                    .driver_call(DriverCallRequest { uuid, method, args })
                    .await?;
            }
            Work::Stream => {
                let (uuid, method) = (uuid.to_owned(), "read".to_owned());
                let args = Vec::<Bytes>::new();
                let request = StreamingDriverCallRequest { uuid, method, args };
                let mut items = client.streaming_driver_call(request).await?.into_inner();
                while items.message().await?.is_some() {}
            }
            Work::Report => drop(client.get_report(()).await?),
            Work::Status => drop(client.get_status(GetStatusRequest {}).await?),
        }
        Ok(())
    }

    /// The driver that is called.
    pub(crate) fn uuid(&self) -> &str {
        &self.uuid
    }

    /// All callers work for `turn`, after a tenth of it to warm up.
    pub(crate) async fn drive(&self, work: Work, callers: usize, turn: Duration) -> Sample {
        let begin = Instant::now() + turn / 10;
        let end = begin + turn;
        let mut running = JoinSet::new();
        for caller in 0..callers {
            let mut client = self.clients[caller % self.clients.len()].clone();
            let uuid = self.uuid.clone();
            running.spawn(async move {
                let mut took = Vec::new();
                loop {
                    let started = Instant::now();
                    if started >= end {
                        return took;
                    }
                    Self::once(&mut client, &uuid, work).await.unwrap();
                    if started >= begin {
                        took.push(started.elapsed());
                    }
                }
            });
        }
        let mut all: Vec<Duration> = running.join_all().await.into_iter().flatten().collect();
        let elapsed = begin.elapsed();
        all.sort_unstable();
        let micros = |part: f64| {
            let index = (all.len() as f64 * part) as usize;
            all.get(index)
                .map_or(f64::NAN, |took| took.as_secs_f64() * 1e6)
        };
        Sample {
            per_second: all.len() as f64 / elapsed.as_secs_f64(),
            p50: micros(0.5),
            p99: micros(0.99),
        }
    }
}
