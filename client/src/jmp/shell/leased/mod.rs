//! A shell on an exporter that is leased from a controller.
//!
//! ```text
//! choose ─► hold ─► acquire ─► dial, tunnel, session ─► child ─► afterLease hook ─► release
//!             ▲                     └── unreachable ─► release ─┐                      ▲
//!             └─────────────────────────────────────────────────┘   a signal, wherever ┘
//! ```
//!
//! A lease that was asked for here is released on every way out. One that was there before is left
//! alone.

mod acquire;
mod approach;
mod choose;
mod farewell;
mod moments;
mod patience;
mod time;
mod token;
mod upkeep;
mod work;

use std::ffi::OsString;
use std::time::Duration;

use tokio::time::timeout;
use tracing::{info, warn};

use super::session::Manner;
use crate::config::ClientConfig;
use crate::lease::{AskError, Held, Leases, Request, TakeError};
use crate::ui::{Failure, Outcome, Signals, sentence};
use choose::Choice;
pub(super) use choose::Wants;
use patience::Limits;
pub(super) use patience::Patience;
use upkeep::Upkeep;
use work::Ended;

/// How long to wait for the answer about a lease that is not wanted any more.
const ANSWERED_WITHIN: Duration = Duration::from_secs(45);

/// What is to be leased, and what for.
#[derive(Debug)]
pub(super) struct Leased {
    pub(super) wants: Wants,
    pub(super) patience: Patience,
    pub(super) command: Vec<OsString>,
    pub(super) manner: Manner,
}

// === impl Leased ===

impl Leased {
    /// As the client of these settings.
    pub(super) async fn run(&self, config: &ClientConfig) -> Outcome {
        let mut signals = Signals::listen()?;
        token::check(config)?;
        let leases = leases_of(config)?;
        let limits = self.patience.limits(config)?;
        let mut retries = self.patience.retries(config)?;
        let choice = choose::choose(&leases, &self.wants, &mut signals).await?;
        let mut upkeep = Upkeep::of(config, &leases);
        loop {
            let mut held = hold(&leases, &choice, &mut signals).await?;
            let once = self.once(&mut held, config, limits, &mut signals);
            let ended = upkeep.during(once).await;
            let exporter = held.exporter().to_owned();
            let ended = match ended {
                Ended::Unreachable(why) => retries.decide(&exporter, &why),
                Ended::For(outcome) => Some(outcome),
            };
            // Whatever comes, the lease is not left to itself; signals have to wait.
            finish(held, ended.as_ref(), &mut upkeep).await;
            match ended {
                Some(outcome) => return outcome,
                None => signals.or(retries.pause()).await?,
            }
        }
    }

    /// One lease, from the moment it exists to the moment it can be released.
    async fn once(
        &self,
        held: &mut Held,
        config: &ClientConfig,
        limits: Limits,
        signals: &mut Signals,
    ) -> Ended {
        let acquired = signals.or(acquire::acquire(held, limits.acquisition)).await;
        if let Err(failure) = acquired {
            return Ended::For(Err(failure));
        }
        let mut watch = held.watch();
        let approached = approach::approach(held, limits.dial, self.manner, &mut watch);
        let reached = match signals.or(approached).await {
            Ok(Ok(reached)) => reached,
            Ok(Err(ended)) => return ended,
            Err(failure) => return Ended::For(Err(failure)),
        };
        work::work(reached, &self.command, config, held, watch, signals).await
    }
}

/// The leases of the client with these settings.
fn leases_of(config: &ClientConfig) -> Result<Leases, Failure> {
    let controller = config
        .controller()
        .map_err(|error| Failure::Error(error.to_string()))?;
    let controller = controller
        .ok_or_else(|| Failure::Error("endpoint or token not set in client config".to_owned()))?;
    let namespace = config.namespace.clone().unwrap_or_default();
    Ok(Leases::new(controller, namespace, config.name.clone()))
}

/// Takes the lease that was chosen, or asks for one.
async fn hold(leases: &Leases, choice: &Choice, signals: &mut Signals) -> Result<Held, Failure> {
    let request = &choice.request;
    if let Some(name) = &choice.lease {
        let taken = signals.or(async { leases.take(name).await.map_err(|error| untaken(&error)) });
        let held = taken.await?;
        let has = &held.lease().selector;
        match &request.selector {
            Some(wanted) if wanted != has => warn!(
                "Existing lease from env or flag {name} has selector '{has}' but requested \
                 selector is '{wanted}'. Creating a new lease instead"
            ),
            _ => return Ok(held),
        }
    }
    let held = ask(leases, request, signals).await?;
    for (label, message) in &held.lease().deprecated_labels {
        match message.as_str() {
            "" => warn!("selector label '{label}' is deprecated"),
            message => warn!("selector label '{label}' is deprecated: {message}"),
        }
    }
    info!(
        "Acquiring lease {} for selector {} for duration {}",
        held.name(),
        request.selector.as_deref().unwrap_or("None"),
        time::clock(request.duration)
    );
    Ok(held)
}

/// Asks for a lease. After a signal the answer is waited for all the same, because the lease may be
/// ours by then and nobody else would release it.
async fn ask(leases: &Leases, request: &Request, signals: &mut Signals) -> Result<Held, Failure> {
    let asked = leases.hold(request.clone());
    tokio::pin!(asked);
    let stopped = tokio::select! {
        biased;
        asked = &mut asked => return asked.map_err(|error| sentence::unasked(&error)),
        () = signals.stopped() => Failure::Quiet(signals.code()),
    };
    match timeout(ANSWERED_WITHIN, asked).await {
        // Said and logged already.
        Ok(Ok(held)) => drop(held.release().await),
        Ok(Err(error @ AskError::Unclear { .. })) => warn!("{error}"),
        Ok(Err(_)) => {}
        Err(_) => warn!("The controller does not say whether there is a lease: `jmp get leases`"),
    }
    Err(stopped)
}

/// Gives the lease back, if that is our business.
async fn finish(held: Held, outcome: Option<&Outcome>, upkeep: &mut Upkeep) {
    if !held.is_ours() {
        return;
    }
    // It may have expired while this machine was asleep, or have little time left.
    if upkeep.is_expired() {
        upkeep.recover().await;
    }
    if upkeep.is_expired() && matches!(outcome, Some(Ok(_))) {
        token::warn_of_lease(held.name());
    }
    let (leases, name) = (held.leases().clone(), held.name().to_owned());
    let Err(error) = held.release().await else {
        return;
    };
    // By the controller's clock it has expired, whatever ours says.
    let refused = matches!(sentence::unasked(&error), Failure::TokenExpired(_));
    if refused && upkeep.replace().await {
        info!("Releasing Lease {name}");
        // Why it could not be released was logged.
        leases.delete(&name).await.ok();
    }
}

fn untaken(error: &TakeError) -> Failure {
    match error {
        TakeError::Ask(error) => sentence::unasked(error),
        error => Failure::Error(error.to_string()),
    }
}
