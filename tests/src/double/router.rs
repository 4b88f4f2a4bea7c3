//! `RouterService`: two calls with the same token become a tunnel.
//!
//! ```text
//!   first call  ── waits, unread, for as long as it takes ──┐
//!   second call ──────────────────────────────────────────► carry: whole frames, both ways
//! ```
//!
//! As at the real one, nobody is sent response headers before the first frame for them has come; the
//! end of one direction is not passed on; and a call whose other end has vanished is told so only
//! when it sends.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
};

use jumpstarter_proto::v1::{StreamRequest, StreamResponse, router_service_server::RouterService};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{caller, world::World};

/// Frames on their way; more wait in HTTP/2's windows.
const FRAMES: usize = 4;

type Told = mpsc::Sender<Result<StreamResponse, Status>>;

pub(super) struct Router {
    pub(super) world: Arc<World>,
    waiting: Arc<Mutex<HashMap<Uuid, oneshot::Sender<End>>>>,
}

/// One end of a tunnel: what it says, and where it is spoken to.
struct End {
    says: Streaming<StreamRequest>,
    told: Told,
}

/// Takes a call that gave up out of the waiting room.
struct Place {
    id: Uuid,
    room: Arc<Mutex<HashMap<Uuid, oneshot::Sender<End>>>>,
    waits: bool,
}

// === impl Router ===

impl Router {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            waiting: Arc::default(),
        }
    }

    /// The stream that a token is for.
    fn stream_of<T>(&self, request: &Request<T>) -> Result<Uuid, Status> {
        let token = caller::bearer(request).map_err(|status| {
            let why = status.message();
            Status::unauthenticated(format!("missing or invalid authorization: {why}"))
        })?;
        let known = self.world.look(|state| state.tunnels.get(&token).copied());
        known.ok_or_else(|| Status::unauthenticated("invalid jwt token"))
    }

    fn room(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, oneshot::Sender<End>>> {
        self.waiting.lock().expect("unpoisoned")
    }
}

#[tonic::async_trait]
impl RouterService for Router {
    type StreamStream = Pin<Box<dyn Stream<Item = Result<StreamResponse, Status>> + Send>>;

    async fn stream(
        &self,
        request: Request<Streaming<StreamRequest>>,
    ) -> Result<Response<Self::StreamStream>, Status> {
        let id = self.stream_of(&request)?;
        let (told, mut heard) = mpsc::channel(FRAMES);
        let end = End {
            says: request.into_inner(),
            told,
        };
        let first = self.room().remove(&id);
        let mut own = Some(end);
        if let Some(first) = first {
            // A first one that has just left is as good as none.
            own = first.send(own.take().expect("just made")).err();
        }
        if let Some(end) = own {
            let (came, comes) = oneshot::channel();
            self.room().insert(id, came);
            let mut place = Place {
                id,
                room: Arc::clone(&self.waiting),
                waits: true,
            };
            let second = comes.await;
            place.waits = false;
            let second = second.map_err(|_| Status::unavailable("replaced"))?;
            tokio::spawn(carry(end, second));
        }
        let Some(frame) = heard.recv().await else {
            return Ok(Response::new(Box::pin(tokio_stream::empty())));
        };
        let frames = tokio_stream::once(frame).chain(ReceiverStream::new(heard));
        Ok(Response::new(Box::pin(frames)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.waits {
            self.room.lock().expect("unpoisoned").remove(&self.id);
        }
    }
}

/// Both directions, until both have ended; then both calls end.
async fn carry(mut first: End, mut second: End) {
    let (one, other) = tokio::join!(
        copy(&mut first.says, &second.told),
        copy(&mut second.says, &first.told),
    );
    if let Err(status) = one.and(other) {
        for told in [first.told, second.told] {
            told.try_send(Err(status.clone())).ok();
        }
    }
}

async fn copy(from: &mut Streaming<StreamRequest>, to: &Told) -> Result<(), Status> {
    while let Some(frame) = from.message().await? {
        let frame = StreamResponse {
            payload: frame.payload,
            frame_type: frame.frame_type,
        };
        let gone = |_| Status::unavailable("the other end has gone");
        to.send(Ok(frame)).await.map_err(gone)?;
    }
    Ok(())
}
