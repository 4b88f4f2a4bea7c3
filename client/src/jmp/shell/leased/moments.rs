//! What happens to the lease while it is used, and what there is to say about it.

use tracing::{info, warn};

use super::time;
use crate::lease::{Moment, Watch};

/// What it means for whoever uses the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It goes on.
    Nothing,
    /// It is over.
    Ended,
    /// It is somebody else's.
    Transferred,
}

/// The next thing that happens, said where it belongs.
pub(super) async fn next(watch: &mut Watch, lease: &str) -> News {
    match watch.next().await {
        Moment::EndsSoon { end, left } => {
            let minutes = left.as_secs().div_ceil(60);
            info!(
                "Lease {lease} ending in {minutes} minutes at {}",
                time::second(end)
            );
            News::Nothing
        }
        Moment::Ended {
            end,
            confirmed: true,
        } => {
            info!("Lease {lease} ended at {}", time::second(end));
            News::Ended
        }
        Moment::Ended { end, .. } => {
            info!(
                "Lease {lease} estimated to have ended at {} (unable to confirm with server)",
                time::second(end)
            );
            News::Ended
        }
        Moment::Transferred { client } => {
            warn!(
                "Lease {lease} has been transferred to another client. \
                 Your session is no longer valid."
            );
            info!("It belongs to client '{client}' now");
            News::Transferred
        }
        Moment::Unknown(error) => {
            warn!("Failed to check lease {lease} status: {error}");
            News::Nothing
        }
    }
}

/// Waits for news that matter.
pub(super) async fn end(watch: &mut Watch, lease: &str) -> News {
    loop {
        match next(watch, lease).await {
            News::Nothing => {}
            news => return news,
        }
    }
}
