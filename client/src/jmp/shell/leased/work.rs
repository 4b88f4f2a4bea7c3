//! The child of a leased shell, and what can happen while it runs.

use std::collections::BTreeMap;
use std::ffi::OsString;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;

use super::super::child::{Plan, shell_code};
use super::super::session::LAST_LINES;
use super::approach::Reached;
use super::farewell;
use super::moments::{self, News};
use crate::config::ClientConfig;
use crate::lease::{Held, Tunnel, Watch};
use crate::ui::{Failure, Outcome, Signals};
use crate::{Allow, env};

/// How the use of a lease ended.
pub(super) enum Ended {
    /// The exporter could not be reached, and another one may be.
    Unreachable(String),
    /// For good.
    For(Outcome),
}

/// Runs the child, and lets the exporter clean up after it.
pub(super) async fn work(
    reached: Reached,
    command: &[OsString],
    config: &ClientConfig,
    held: &Held,
    mut watch: Watch,
    signals: &mut Signals,
) -> Ended {
    let Reached {
        tunnel,
        mut attached,
        labels,
    } = reached;
    let plan = plan(command, config, held, &tunnel, &labels);
    let mut child = match plan.start() {
        Ok(child) => child,
        Err(failure) => return Ended::For(Err(failure)),
    };
    let (mut stopped, mut over) = (false, false);
    let mut troubles = attached.monitor.troubles();
    let status = loop {
        tokio::select! {
            biased;
            () = signals.stopped() => {
                if signals.code() == Signals::HUNG_UP {
                    hang_up(&child);
                }
                if std::mem::replace(&mut stopped, true) {
                    return Ended::For(Err(Failure::Quiet(signals.code())));
                }
            }
            status = child.wait() => break status,
            news = moments::next(&mut watch, held.name()) => {
                over |= news != News::Nothing;
                if news == News::Ended {
                    hang_up(&child);
                }
            }
            // Perhaps because somebody has ended the lease.
            () = troubles.next() => watch.ask_now(),
            () = attached.log.show_next() => {}
        }
    };
    let status = match status {
        Ok(status) => status,
        Err(error) => return Ended::For(Err(Failure::Error(error.to_string()))),
    };
    if attached.log.shows_everything() {
        attached.log.settle(LAST_LINES).await;
    }
    let (code, stopped) = shell_code(status, stopped, signals).await;
    over |= tunnel.is_transferred();
    if stopped || over || !held.is_ours() || !attached.has_status {
        return Ended::For(Ok(code));
    }
    let said = farewell::say(&mut attached, held, &mut watch, signals).await;
    Ended::For(said.map(|()| code))
}

/// The lease is gone: what the child still does has no exporter.
fn hang_up(child: &Child) {
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()) {
        // An error means that it has ended in this moment.
        kill(Pid::from_raw(id), Signal::SIGHUP).ok();
    }
}

fn plan(
    command: &[OsString],
    config: &ClientConfig,
    held: &Held,
    tunnel: &Tunnel,
    labels: &BTreeMap<String, String>,
) -> Plan {
    let allow = match config.drivers.any {
        true => Allow::UNSAFE.to_owned(),
        false => config.drivers.allow.join(","),
    };
    let mut variables: Vec<(&str, OsString)> = vec![
        (env::HOST, tunnel.path().into()),
        (env::DRIVERS_ALLOW, allow.into()),
        (env::EXPORTER, held.exporter().into()),
        (env::LEASE, held.name().into()),
    ];
    if !labels.is_empty() {
        let pairs: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        variables.push((env::EXPORTER_LABELS, pairs.join(",").into()));
    }
    Plan {
        command: command.to_owned(),
        context: held.exporter().to_owned(),
        use_profiles: config.use_profiles,
        variables,
    }
}
