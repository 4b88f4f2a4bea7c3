//! Asking the controller for a way to the exporter of a lease.

use std::time::Duration;

use jumpstarter_proto::v1::DialRequest;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Status};
use tracing::{debug, warn};

use super::Leases;
use crate::Secret;
use crate::backoff;
use crate::controller::Controller;

/// Pauses between attempts: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(2));

/// Why there is no way to the exporter of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DialError {
    /// It was not ready in time.
    #[error("Exporter {exporter} not ready after {}s", .patience.as_secs_f64())]
    NotReady {
        /// The exporter.
        exporter: String,
        /// How long it was tried.
        patience: Duration,
    },
    /// It did not answer in time, or the controller did not.
    #[error("Exporter {exporter} unavailable after {}s", .patience.as_secs_f64())]
    Unavailable {
        /// The exporter.
        exporter: String,
        /// How long it was tried.
        patience: Duration,
    },
    /// The lease is somebody else's now.
    #[error("Lease {lease} transferred to another client")]
    Transferred {
        /// The lease.
        lease: String,
    },
    /// Something else is in the way, which time does not heal.
    #[error("Connection to exporter {exporter} lost: {why}")]
    Lost {
        /// The exporter.
        exporter: String,
        /// What the controller says.
        why: String,
    },
}

/// Where both ends of a tunnel meet.
#[derive(Debug)]
pub(super) struct Meeting {
    pub(super) endpoint: String,
    pub(super) token: Secret<String>,
}

/// What an answer to `Dial` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    NotReady,
    Unavailable,
    Transferred,
    Lost,
}

/// Asks once.
pub(super) async fn once(controller: &Controller, lease: &str) -> Result<Meeting, Status> {
    let request = DialRequest {
        lease_name: lease.to_owned(),
    };
    let answer = controller.service().dial(request).await?.into_inner();
    Ok(Meeting {
        endpoint: answer.router_endpoint,
        token: Secret::new(answer.router_token),
    })
}

/// Whether the controller says that the lease is not the caller's.
pub(super) fn is_transferred(status: &Status) -> bool {
    meaning(status) == Meaning::Transferred
}

/// Asks again while the exporter is not ready or not there, until `patience` is at its end.
pub(super) async fn patiently(
    leases: &Leases,
    lease: &str,
    exporter: &str,
    patience: Duration,
) -> Result<Meeting, DialError> {
    let until = backoff::after(patience);
    let exporter = exporter.to_owned();
    let mut pause = PAUSES.0;
    let mut attempt = 0_u32;
    loop {
        let silent = || Err(Status::unavailable("the controller does not answer"));
        let dialled = timeout_at(until, once(&leases.controller(), lease)).await;
        let status = match dialled.unwrap_or_else(|_| silent()) {
            Ok(meeting) => return Ok(meeting),
            Err(status) => status,
        };
        attempt += 1;
        let left = until.saturating_duration_since(Instant::now());
        let delay = pause.min(left);
        match meaning(&status) {
            Meaning::NotReady if left.is_zero() => {
                return Err(DialError::NotReady { exporter, patience });
            }
            Meaning::Unavailable if left.is_zero() => {
                return Err(DialError::Unavailable { exporter, patience });
            }
            Meaning::NotReady => {
                debug!(
                    "Exporter not ready, retrying Dial in {:.1}s",
                    delay.as_secs_f64()
                );
            }
            Meaning::Unavailable => {
                warn!(
                    "Exporter unavailable, retrying Dial in {:.1}s (attempt {attempt}, {:.1}s remaining)",
                    delay.as_secs_f64(),
                    left.as_secs_f64()
                );
                debug!("{}", status.message());
            }
            Meaning::Transferred => {
                say_transferred(lease);
                let lease = lease.to_owned();
                return Err(DialError::Transferred { lease });
            }
            Meaning::Lost => {
                let why = status.message().to_owned();
                warn!("Connection to exporter lost: {why}");
                return Err(DialError::Lost { exporter, why });
            }
        }
        sleep(delay).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

pub(super) fn say_transferred(lease: &str) {
    warn!("Lease {lease} has been transferred to another client. Your session is no longer valid.");
}

fn meaning(status: &Status) -> Meaning {
    match status.code() {
        // Some controllers add that the exporter is not ready for it.
        _ if status.message().starts_with("lease has ended") => Meaning::Lost,
        Code::Unavailable => Meaning::Unavailable,
        Code::FailedPrecondition if status.message().contains("not ready") => Meaning::NotReady,
        _ if status
            .message()
            .to_lowercase()
            .contains("permission denied") =>
        {
            Meaning::Transferred
        }
        _ => Meaning::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_answers_are_worth_another_attempt() {
        for (status, expected) in [
            (
                Status::unavailable("exporter is not listening on lease x"),
                Meaning::Unavailable,
            ),
            (
                Status::failed_precondition("exporter is not ready (status: Available)"),
                Meaning::NotReady,
            ),
            (
                Status::failed_precondition("exporter is offline"),
                Meaning::Lost,
            ),
            (
                Status::failed_precondition("lease has ended, its exporter is not ready for it"),
                Meaning::Lost,
            ),
            (Status::unknown("Permission Denied"), Meaning::Transferred),
            (
                Status::permission_denied("permission denied"),
                Meaning::Transferred,
            ),
            (Status::unknown("not ready"), Meaning::Lost),
        ] {
            assert_eq!(meaning(&status), expected, "{status:?}");
        }
    }

    #[test]
    fn errors_count_seconds() {
        let exporter = "board".to_owned();
        let patience = Duration::from_secs(60);
        assert_eq!(
            DialError::NotReady {
                exporter: exporter.clone(),
                patience
            }
            .to_string(),
            "Exporter board not ready after 60s"
        );
        let patience = Duration::from_millis(5500);
        assert_eq!(
            DialError::Unavailable { exporter, patience }.to_string(),
            "Exporter board unavailable after 5.5s"
        );
    }
}
