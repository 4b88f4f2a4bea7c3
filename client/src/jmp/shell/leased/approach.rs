//! From a lease that holds an exporter to a session that a child can use.
//!
//! ```text
//! labels ─► dial until it works ─► tunnel ─► session        or: the lease ended meanwhile
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use tracing::warn;

use super::super::session::{Attached, Detached, Manner};
use super::moments::{self, News};
use super::work::Ended;
use crate::connect::{Options, connect};
use crate::device::OpenError;
use crate::lease::{DialError, Held, Lease, Tunnel, Watch};
use crate::ui::{Failure, sentence};
use crate::{Host, Session};

const TRANSFERRED: &str =
    "Lease has been transferred to another client. Session is no longer valid.";
const LOST: &str = "Connection to exporter lost";

/// An exporter that was reached.
pub(super) struct Reached {
    pub(super) tunnel: Tunnel,
    pub(super) attached: Attached,
    pub(super) labels: BTreeMap<String, String>,
}

/// Reaches the exporter; fails only as [`signals.or`](crate::ui::Signals::or) wants it.
pub(super) async fn approach(
    held: &Held,
    dialling: Duration,
    manner: Manner,
    watch: &mut Watch,
) -> Result<Result<Reached, Ended>, Failure> {
    let news = tokio::select! {
        biased;
        reached = reach(held, dialling, manner) => match reached {
            Ok(reached) => return Ok(Ok(reached)),
            Err(ended) => return Ok(Err(in_the_end(held, ended).await)),
        },
        news = moments::end(watch, held.name()) => news,
    };
    Ok(Err(match news {
        News::Transferred => transferred(),
        News::Ended | News::Nothing => in_the_end(held, Ended::For(Ok(0))).await,
    }))
}

/// What it comes to, if the lease ended meanwhile: nothing to complain about if its time was over.
async fn in_the_end(held: &Held, ended: Ended) -> Ended {
    let tells_nothing = matches!(ended, Ended::Unreachable(_) | Ended::For(Ok(_)));
    match held.look().await {
        Ok(lease) if lease.ended.is_none() || !tells_nothing => ended,
        Ok(lease) if was_over_early(&lease) => Ended::For(Err(Failure::Error(LOST.to_owned()))),
        Ok(_) => Ended::For(Ok(0)),
        Err(_) => ended,
    }
}

/// Whether somebody has ended the lease before its time.
fn was_over_early(lease: &Lease) -> bool {
    /// Clocks and schedules are not exact.
    const NEARLY: Duration = Duration::from_secs(2);
    let planned = lease.began.zip(lease.duration);
    let planned = planned.and_then(|(began, duration)| began.checked_add(duration));
    let left = planned
        .zip(lease.ended)
        .and_then(|(planned, ended)| planned.duration_since(ended).ok());
    left.is_some_and(|left| left > NEARLY)
}

fn transferred() -> Ended {
    Ended::For(Err(Failure::Error(TRANSFERRED.to_owned())))
}

async fn reach(held: &Held, dialling: Duration, manner: Manner) -> Result<Reached, Ended> {
    let labels = labels(held).await;
    match held.dial(dialling).await {
        Ok(()) => {}
        Err(DialError::Transferred { .. }) => return Err(transferred()),
        Err(error) => return Err(Ended::Unreachable(error.to_string())),
    }
    let tunnel = held
        .tunnel()
        .map_err(|error| failed(Failure::Error(error.to_string())))?;
    let attached = async {
        let session = open(&tunnel).await?;
        Attached::to(session, held.exporter(), manner).await
    };
    match attached.await {
        Ok(attached) => Ok(Reached {
            tunnel,
            attached,
            labels,
        }),
        Err(_) if tunnel.is_transferred() => Err(transferred()),
        Err(Detached::Unreachable(why)) => Err(Ended::Unreachable(why)),
        Err(Detached::Lost) => Err(Ended::For(Ok(0))),
        Err(Detached::Failure(failure)) => Err(failed(failure)),
    }
}

fn failed(failure: Failure) -> Ended {
    Ended::For(Err(failure))
}

/// Labels are only nice to know.
async fn labels(held: &Held) -> BTreeMap<String, String> {
    match held.labels().await {
        Ok(labels) => labels.into_iter().collect(),
        Err(error) => {
            warn!(
                "Could not fetch labels for exporter {}: {error}",
                held.exporter()
            );
            BTreeMap::new()
        }
    }
}

async fn open(tunnel: &Tunnel) -> Result<Session, Detached> {
    let host = Host::Unix(tunnel.path().to_owned());
    let connection = connect(&host, &Options::default()).await;
    let connection =
        connection.map_err(|error| Detached::Unreachable(sentence::unreachable(&error)))?;
    Session::open(connection).await.map_err(|error| {
        let sentence = sentence::unopened(&error);
        match error {
            OpenError::Connection(_) | OpenError::NoAnswer(_) => Detached::Unreachable(sentence),
            _ => Detached::Failure(Failure::Error(sentence)),
        }
    })
}
