//! The router's endpoint: who may open a stream, and when streams are cut.
//!
//! ```text
//!  lease runs ──► ended ──► its exporter is through with it, or the grace is over ──► cut
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
use crate::identity::router::{LEEWAY, RouterClaims, Side, Spent};
use crate::identity::{ConnectionState, Peer, RouterTokens};
use crate::lab::{ExporterState, Lab};
use crate::model::{Key, Lease, Time, Uid};
use crate::router::{Cut, Pairs, Ticket, Traffic};

/// After its last word an exporter may still have bytes on their way to the client.
const LAST_BYTES: Duration = Duration::from_secs(2);

/// All streams; cheap to clone.
#[derive(Clone, Debug)]
pub struct Tunnels(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: RouterTokens,
    spent: Spent,
    pairs: Pairs<Incoming>,
    /// Unless this is a router without controller.
    lab: Option<Lab>,
    /// Who may stop offering the invitation to a stream that was joined.
    listeners: Option<Listeners>,
    grace: Duration,
    leases: Mutex<HashMap<Key, Tunnel>>,
    /// Bytes of leases that are over, and of streams whose lease nobody knows.
    other: Arc<Traffic>,
    past: AtomicU64,
    /// Of streams whose lease nobody knows.
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
    /// None yet. Without a lab, streams end with their peers only.
    pub fn new(
        tokens: RouterTokens,
        controller: Option<(Lab, Listeners)>,
        grace: Duration,
    ) -> Self {
        let (lab, listeners) = controller.unzip();
        Self(Arc::new(Inner {
            tokens,
            spent: Spent::new(),
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

    /// How many streams wait for their other side.
    pub fn waiting(&self) -> usize {
        self.0.pairs.waiting()
    }

    /// How many streams flow.
    pub fn joined(&self) -> u64 {
        self.0.pairs.joined()
    }

    /// All bytes that were passed on.
    pub fn bytes(&self) -> u64 {
        let leases = self.lock();
        let now: u64 = leases.values().map(|tunnel| tunnel.traffic.bytes()).sum();
        now + self.0.past.load(Ordering::Relaxed) + self.0.other.bytes()
    }

    /// The bytes of a lease, as long as it is known.
    pub fn bytes_of(&self, lease: &Key) -> Option<u64> {
        self.lock().get(lease).map(|tunnel| tunnel.traffic.bytes())
    }

    /// Ends all streams, and tells their peers why.
    pub fn end(&self) {
        const WHY: &str = "the router is shutting down";
        self.0.all.end(WHY);
        for tunnel in self.lock().values() {
            tunnel.cut.end(WHY);
        }
    }

    /// Ends what follows leases.
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
        // Bodies are passed on as they are, and the other side was told that they are plain.
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
            // Until the other side's token can no longer open anything.
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
        // Somebody else may have come in between.
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

    /// Waits for the end of a lease and of what its exporter does then, and cuts its streams.
    async fn follow(self, lab: Lab, lease: Arc<Lease>, exporter: Uid, tunnel: Tunnel) {
        let mut states = lab.watch(exporter);
        drop(lab);
        // That nobody tells any more ends everything as well.
        let ended = states
            .wait_for(|state| !serves(state, lease.uid))
            .await
            .is_ok();
        if ended {
            let through = states.wait_for(is_through);
            // Either way it is over now.
            timeout(self.0.grace, through).await.map(drop).ok();
            sleep(LAST_BYTES).await;
        }
        tunnel.cut.end("lease has ended");
        let bytes = {
            // Whoever sums up meanwhile must not miss them, or count them twice.
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

/// Whether an exporter has no more to do with the lease it had.
fn is_through(state: &ExporterState) -> bool {
    let status = state.reported.as_ref().map(|reported| reported.status);
    let idle = matches!(
        status,
        Some(ExporterStatus::Available | ExporterStatus::Offline)
    );
    state.gone || state.assignment.is_some() || idle
}
