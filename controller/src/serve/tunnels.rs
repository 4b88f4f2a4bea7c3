//! The router's streams: who may open one, and when they are cut.
//!
//! ```text
//!  lease runs ──► ended ──► its exporter has finished with it, or the grace is over ──► cut
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use hyper::body::Incoming;
use jumpstarter_proto::v1::ExporterStatus;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use super::endpoints::Answer;
use crate::dial::Listeners;
use crate::identity::router::{LEEWAY, RouterClaims, Side, SpentStreams};
use crate::identity::{ConnectionState, Peer, RouterTokens};
use crate::lab::{ExporterState, Lab};
use crate::model::{Key, Lease, Time, Uid};
use crate::router::{Cut, Pairs, Ticket, Traffic};

/// What an exporter sent before it reported that it has finished may take this long to the client.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// All streams of this router; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tunnels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: RouterTokens,
    spent: SpentStreams,
    pairs: Pairs<Incoming>,
    /// `None` in a router without a controller.
    lab: Option<Lab>,
    /// Told when both sides of a stream have met.
    listeners: Option<Listeners>,
    /// How long streams may outlive their lease.
    grace: Duration,
    /// The leases with streams, until their streams are cut.
    leases: Mutex<HashMap<Key, Tunnel>>,
    /// Bytes of streams whose lease is not known.
    other: Arc<Traffic>,
    /// Bytes of leases that were removed from `leases`.
    past: AtomicU64,
    /// Cuts the streams whose lease is not known.
    all: Cut,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// What the streams of one lease share.
#[derive(Clone, Debug)]
struct Tunnel {
    cut: Cut,
    traffic: Arc<Traffic>,
}

// === impl Tunnels ===

impl Tunnels {
    /// No streams yet. Without a controller, streams end only with their peers.
    pub fn new(
        tokens: RouterTokens,
        controller: Option<(Lab, Listeners)>,
        grace: Duration,
    ) -> Self {
        let (lab, listeners) = controller.unzip();
        Self(Arc::new(Inner {
            tokens,
            spent: SpentStreams::new(),
            pairs: Pairs::default(),
            lab,
            listeners,
            grace,
            leases: Mutex::default(),
            other: Arc::default(),
            past: AtomicU64::new(0),
            all: Cut::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// The number of streams that wait for their other side.
    pub fn waiting(&self) -> usize {
        self.0.pairs.waiting()
    }

    /// The number of streams with both sides.
    pub fn joined(&self) -> u64 {
        self.0.pairs.joined()
    }

    /// Bytes relayed since the start.
    pub fn bytes(&self) -> u64 {
        let leases = self.lock();
        let now: u64 = leases.values().map(|tunnel| tunnel.traffic.bytes()).sum();
        now + self.0.past.load(Ordering::Relaxed) + self.0.other.bytes()
    }

    /// Bytes relayed for a lease, until its streams are cut.
    pub fn bytes_of(&self, lease: &Key) -> Option<u64> {
        self.lock().get(lease).map(|tunnel| tunnel.traffic.bytes())
    }

    /// Cuts all streams, and tells their peers why.
    pub fn end(&self) {
        const WHY: &str = "the router is shutting down";
        self.0.all.end(WHY);
        for tunnel in self.lock().values() {
            tunnel.cut.end(WHY);
        }
    }

    /// Ends the tasks that follow leases.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Answers a call of RouterService/Stream.
    pub(super) async fn open(&self, request: hyper::Request<Incoming>) -> Answer {
        let connection = request.extensions().get::<ConnectionState>().cloned();
        match self.admit(request).await {
            Ok(answer) => {
                if let Some(connection) = connection {
                    connection.mark_authenticated();
                }
                answer
            }
            Err(status) => status.into_http(),
        }
    }

    async fn admit(&self, request: hyper::Request<Incoming>) -> Result<Answer, Status> {
        let (head, body) = request.into_parts();
        let peer = head.extensions.get::<Peer>().copied().unwrap_or_default();
        let claims = self.0.tokens.authenticate(&head.headers, peer)?;
        // Bodies are relayed unread, and the other side's response names no `grpc-encoding`.
        let encoding = head.headers.get("grpc-encoding");
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(Status::unimplemented(
                "the router takes no compressed messages; turn compression off for this channel",
            ));
        }
        let tunnel = self.tunnel(&claims).await?;
        self.0
            .spent
            .check(&claims)
            .map_err(|error| error.refuse(peer))?;
        let ticket = Ticket {
            stream: claims.stream,
            client: claims.side.map(|side| side == Side::Client),
            lease: claims.lease.clone(),
            // The token of the other side was signed together with this one, and ends with it.
            patience: claims.expires.after(LEEWAY).since(Time::now()),
            cut: tunnel.cut,
            traffic: tunnel.traffic,
        };
        let joined = self.0.pairs.join(ticket, body);
        let relay = joined.map_err(|full| Status::resource_exhausted(full.to_string()))?;
        if relay.is_joined() {
            self.0.spent.spend(&claims);
            if let Some(listeners) = &self.0.listeners {
                listeners.answered(claims.stream);
            }
        }
        let mut answer = Answer::new(Body::new(relay));
        let kind = http::HeaderValue::from_static("application/grpc");
        answer.headers_mut().insert(CONTENT_TYPE, kind);
        Ok(answer)
    }

    async fn tunnel(&self, claims: &RouterClaims) -> Result<Tunnel, Status> {
        let (Some(lab), Some(key)) = (&self.0.lab, &claims.lease) else {
            return Ok(Tunnel {
                cut: self.0.all.clone(),
                traffic: Arc::clone(&self.0.other),
            });
        };
        if let Some(tunnel) = self.lock().get(key) {
            return Ok(tunnel.clone());
        }
        let lease = lab.lease(key).await?;
        let over = || Status::unavailable("lease has ended");
        let lease = lease
            .filter(|lease| !self.is_over(lease))
            .ok_or_else(over)?;
        let exporter = lease.exporter.as_ref().ok_or_else(over)?.uid;
        let mut leases = self.lock();
        // Another stream of the lease may have come meanwhile.
        if let Some(tunnel) = leases.get(key) {
            return Ok(tunnel.clone());
        }
        let tunnel = Tunnel {
            cut: Cut::default(),
            traffic: Arc::default(),
        };
        leases.insert(key.clone(), tunnel.clone());
        drop(leases);
        let follow = self
            .clone()
            .follow(lab.clone(), lease, exporter, tunnel.clone());
        let stop = self.0.stop.clone();
        self.0
            .tasks
            .spawn(async move { stop.run_until_cancelled(follow).await });
        Ok(tunnel)
    }

    fn is_over(&self, lease: &Lease) -> bool {
        let ended = lease.ended.filter(|_| lease.has_ended());
        ended.is_some_and(|ended| ended.after(self.0.grace) < Time::now())
    }

    /// Waits until a lease has ended and its exporter has finished with it, then cuts its streams.
    async fn follow(self, lab: Lab, lease: Arc<Lease>, exporter: Uid, tunnel: Tunnel) {
        let mut states = lab.watch(exporter);
        drop(lab);
        // An error means that the lab has stopped; then there is nothing to wait for.
        let ended = states
            .wait_for(|state| !serves(state, lease.uid))
            .await
            .is_ok();
        if ended {
            let through = states.wait_for(is_through);
            // Finished or timed out: both lead to the cut.
            timeout(self.0.grace, through).await.map(drop).ok();
            sleep(LAST_BYTES).await;
        }
        tunnel.cut.end("lease has ended");
        let bytes = {
            // Under the lock, so that `bytes` neither misses them nor counts them twice.
            let mut leases = self.lock();
            leases.remove(&lease.key);
            let bytes = tunnel.traffic.bytes();
            self.0.past.fetch_add(bytes, Ordering::Relaxed);
            bytes
        };
        tracing::info!(lease = %lease.key, bytes, "the byte streams of the lease are over");
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Tunnel>> {
        self.0.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serves(state: &ExporterState, lease: Uid) -> bool {
    let assignment = state.assignment.as_ref();
    !state.gone && assignment.is_some_and(|assignment| assignment.uid == lease)
}

/// Whether an exporter has finished with the lease it had.
fn is_through(state: &ExporterState) -> bool {
    let status = state.reported.as_ref().map(|reported| reported.status);
    let idle = matches!(
        status,
        Some(ExporterStatus::Available | ExporterStatus::Offline)
    );
    state.gone || state.assignment.is_some() || idle
}
