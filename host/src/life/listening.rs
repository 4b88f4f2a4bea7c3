//! What comes from the controller by itself: what it shows, and clients at the router.

use std::pin::pin;
use std::time::Duration;

use jumpstarter_proto::v1::TelemetryEndpoint;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::controller::{Invitation, Link, Listening};
use crate::lease::LeaseId;

use super::news::News;

/// How long the first words to a controller may keep us from looking at what it shows.
const FIRST_WORD: Duration = Duration::from_secs(3);
/// So many tunnels are opened side by side; the controller keeps the others.
const AT_ONCE: usize = 16;

/// The ear of one lease.
#[derive(Debug)]
pub(super) struct Ear {
    link: Link,
    id: LeaseId,
    listening: Listening,
}

/// Passes on what the controller shows, after it was asked where it wants the log. Some look at what
/// an exporter has said so far when it opens this stream.
pub(super) async fn watch_status(
    link: Link,
    telemetry: oneshot::Sender<Option<TelemetryEndpoint>>,
    news: mpsc::Sender<News>,
) {
    timeout(FIRST_WORD, link.reported()).await.ok();
    let mut asking = pin!(link.endpoints());
    let endpoint = timeout(FIRST_WORD, asking.as_mut()).await;
    let mut statuses = link.statuses();
    let mut passing = pin!(async {
        // Nobody listens any more when the process ends.
        while news.send(News::Status(statuses.next().await)).await.is_ok() {}
    });
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(_) => tokio::select! {
            endpoint = asking => endpoint,
            () = &mut passing => return,
        },
    };
    // Nobody wants it any more when the process ends.
    telemetry.send(endpoint).ok();
    passing.await;
}

/// Asks the controller for the clients of this lease.
pub(super) fn listen(link: Link, id: LeaseId, lease: &str) -> Ear {
    Ear {
        listening: link.listen(lease),
        link,
        id,
    }
}

// === impl Ear ===

impl Ear {
    /// Opens a tunnel to every client, at once: they do not wait longer than 20 seconds.
    pub(super) async fn run(mut self, news: mpsc::Sender<News>) {
        let mut tunnels = JoinSet::new();
        loop {
            tokio::select! {
                invitation = self.listening.next(), if tunnels.len() < AT_ONCE => {
                    let tunnel = self.tunnel(invitation, news.clone());
                    tunnels.spawn(tunnel);
                }
                Some(_) = tunnels.join_next() => {}
            }
        }
    }

    fn tunnel(
        &self,
        invitation: Invitation,
        news: mpsc::Sender<News>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (link, id) = (self.link.clone(), self.id);
        async move {
            match link.tunnel(&invitation).await {
                // Nobody listens any more when the process ends.
                Ok(stream) => drop(news.send(News::Tunnel(id, Box::new(stream))).await),
                Err(error) => tracing::warn!("Failed to handle client connection: {error}"),
            }
        }
    }
}
