//! Makes this exporter known to the controller.
//!
//! The controller wants to know what hangs on the exporter, so the drivers are opened, asked, and
//! closed again, before anybody has leased them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jumpstarter_client::backoff::Backoff;
use jumpstarter_proto::v1::GetReportResponse;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::ExporterConfig;
use crate::controller::{Link, Refused};
use crate::listen::Folder;
use crate::plugin::Registry;
use crate::session::{Kind, Session};

use super::hosted::HostError;
use super::news::News;

/// How long the drivers may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// How soon to try again, doubling up to the second.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Everything it takes.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) config: Arc<ExporterConfig>,
    pub(super) registry: Arc<Registry>,
    pub(super) link: Link,
    pub(super) news: mpsc::Sender<News>,
}

/// An attempt that failed for good.
#[derive(Debug)]
pub(super) struct Unregistered {
    pub(super) why: NotRegistered,
    /// How long it took.
    pub(super) after: Duration,
}

/// Why an exporter is not registered.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRegistered {
    /// The drivers are needed to say what there is.
    #[error("cannot open the drivers to register them: {0}")]
    Drivers(#[from] HostError),
    /// The controller has answered, and another time it will say the same.
    #[error(transparent)]
    Refused(#[from] Refused),
}

// === impl Registration ===

impl Registration {
    /// Tries until the controller knows us, or until there is no reason to go on.
    pub(super) async fn run(self, ending: CancellationToken) {
        let Ok(mut pauses) = Backoff::new(PAUSE.0, PAUSE.1, 0.2) else {
            // The numbers above are in order.
            return;
        };
        loop {
            let since = Instant::now();
            let news = match self.attempt(&ending).await {
                None => return,
                Some(Ok(())) => News::Registered,
                Some(Err(why)) => News::Unregistered(Unregistered {
                    why,
                    after: since.elapsed(),
                }),
            };
            let done = matches!(news, News::Registered);
            // Nobody listens any more when the process ends.
            if self.news.send(news).await.is_err() || done {
                return;
            }
            let pause = sleep(pauses.next_delay());
            if ending.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Nothing comes of it when the process ends.
    async fn attempt(&self, ending: &CancellationToken) -> Option<Result<(), NotRegistered>> {
        // Not dropped half-way: drivers that have been opened are closed.
        let report = match self.report().await {
            Ok(report) => report,
            Err(error) => return Some(Err(error.into())),
        };
        tracing::info!("Registering exporter with controller");
        let registered = ending
            .run_until_cancelled(self.link.register(report))
            .await?;
        Some(registered.map_err(NotRegistered::from))
    }

    /// What hangs on this exporter.
    async fn report(&self) -> Result<GetReportResponse, HostError> {
        let folder = Folder::create()?;
        let drivers = folder.inner("drivers")?;
        let session = Session::open(&self.config, &self.registry, &drivers, Kind::Leased).await?;
        let report = session.report();
        session.close(CLOSE_WITHIN).await;
        Ok(report)
    }
}
