//! A shell on an exporter that listens by itself.
//!
//! ```text
//! connect ─► report ─► status ─► log and status are watched ─► ready ─► child ─► its exit code
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jumpstarter_proto::v1::ExporterStatus;
use tokio::time::{Instant, timeout};
use tonic::Code;
use tracing::info;

use super::child::{Plan, shell_code};
use crate::connect::{Options, Roots, Tls, connect};
use crate::device::OpenError;
use crate::logs::Follower;
use crate::status::{Monitor, Waited, get_status};
use crate::ui::{Console, Failure, Outcome, Signals, print, sentence};
use crate::{Host, Secret, Session, env};

/// How long a hook may take before a shell can start.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// How long the exporter may take to answer what is only nice to know: its log, its motd.
const EXTRAS_WITHIN: Duration = Duration::from_secs(5);
/// Lines that arrive this soon after one another belong to what was already happening.
const SETTLED: Duration = Duration::from_millis(5);
/// What a driver logs about the last call may arrive after the command ended.
const LAST_LINES: Duration = Duration::from_millis(50);
/// But not for longer than this.
const AT_MOST: Duration = Duration::from_secs(1);
/// Marks the message of a status that a hook left with a warning.
const HOOK_WARNING: &str = "[HOOK_WARNING] ";

/// The exporter, and how to talk to it.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) host: String,
    pub(super) insecure: bool,
    pub(super) ca: Option<PathBuf>,
    pub(super) passphrase: Option<Secret<String>>,
    pub(super) exporter_logs: bool,
}

/// What the exporter logs, and which of it is shown.
struct Log {
    follower: Follower,
    console: &'static Console,
    everything: bool,
}

// === impl Direct ===

impl Direct {
    pub(super) async fn run(self, command: Vec<OsString>, console: &'static Console) -> Outcome {
        let mut signals = Signals::listen()?;
        let interactive = command.is_empty();
        let plan = self.plan(command);
        let prepared = signals.or(self.prepare(console, interactive)).await?;
        // The monitor keeps watching while the child runs.
        let Some((mut log, _monitor)) = prepared else {
            return Ok(0);
        };
        let mut child = plan.start()?;
        let mut stopped = false;
        let status = loop {
            tokio::select! {
                biased;
                () = signals.stopped() => {
                    if std::mem::replace(&mut stopped, true) {
                        return Err(Failure::Quiet(signals.code()));
                    }
                }
                status = child.wait() => break status,
                () = log.show_next(), if !log.follower.has_ended() => {}
            }
        };
        let status = status.map_err(|error| Failure::Error(error.to_string()))?;
        if log.everything {
            log.settle(LAST_LINES).await;
        }
        Ok(shell_code(status, stopped, &mut signals).await)
    }

    fn tls(&self) -> Tls {
        match &self.ca {
            _ if self.insecure => Tls::Off,
            Some(ca) => Tls::Verified(Roots::File(ca.clone())),
            None if env::insecure() => Tls::Unverified,
            None => Tls::default(),
        }
    }

    fn plan(&self, command: Vec<OsString>) -> Plan {
        // The child may have another working directory, so paths are told in full.
        let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let host = match Host::parse(&self.host).as_path() {
            Some(path) => full(path).into_os_string(),
            None => self.host.clone().into(),
        };
        let mut variables: Vec<(&str, OsString)> = vec![
            (env::HOST, host),
            (env::DRIVERS_ALLOW, crate::Allow::UNSAFE.into()),
            (env::EXPORTER, "direct".into()),
            (env::LEASE, "direct".into()),
        ];
        match (self.tls(), &self.ca) {
            (Tls::Off, _) => variables.push((env::GRPC_INSECURE, "1".into())),
            (Tls::Unverified, _) => variables.push((env::TLS_UNVERIFIED, "1".into())),
            (Tls::Verified(_), Some(ca)) => variables.push((env::ROOTS_FILE, full(ca).into())),
            (Tls::Verified(_), None) => {}
        }
        if let Some(passphrase) = &self.passphrase {
            variables.push((env::GRPC_PASSPHRASE, passphrase.expose().into()));
        }
        Plan {
            command,
            context: "direct",
            variables,
        }
    }

    /// Everything up to the moment the child can start; none if it never will, which is no error.
    async fn prepare(
        &self,
        console: &'static Console,
        interactive: bool,
    ) -> Result<Option<(Log, Monitor)>, Failure> {
        let session = self.open().await?;
        if let Err(status) = get_status(&session.client()).await {
            return Err(Failure::Error(match status.code() {
                Code::Unavailable | Code::DeadlineExceeded => {
                    "Exporter direct did not respond to initial status check".to_owned()
                }
                _ => format!("Failed to get exporter status: {}", status.message()),
            }));
        }
        let mut log = Log {
            follower: Follower::new(session.client()),
            console,
            everything: self.exporter_logs,
        };
        let monitor = Monitor::start(session.client());
        info!("Waiting for beforeLease hook to complete...");
        if !ready(&monitor, &mut log).await? {
            info!("Connection to exporter lost");
            return Ok(None);
        }
        // What the hook printed comes before what the command prints.
        log.settle(SETTLED).await;
        if let Some(warning) = monitor.snapshot().message.strip_prefix(HOOK_WARNING) {
            print(&warn(warning))?;
        }
        if interactive
            && let Ok(Ok(response)) = timeout(EXTRAS_WITHIN, session.client().get_report(())).await
        {
            let motd = response.into_inner().motd;
            if !motd.is_empty() {
                print(&motd)?;
            }
        }
        Ok(Some((log, monitor)))
    }

    async fn open(&self) -> Result<Session, Failure> {
        let options = Options {
            tls: self.tls(),
            passphrase: self.passphrase.clone(),
        };
        let connection = connect(&Host::parse(&self.host), &options)
            .await
            .map_err(|error| Failure::Error(sentence::unreachable(&error)))?;
        Session::open(connection).await.map_err(|error| {
            Failure::Error(match error {
                OpenError::Unauthenticated(status) => {
                    format!("Authentication failed: {}", status.message())
                }
                error => sentence::unopened(&error),
            })
        })
    }
}

/// Waits for the exporter to be ready; false if the connection is lost meanwhile.
async fn ready(monitor: &Monitor, log: &mut Log) -> Result<bool, Failure> {
    const OUTCOMES: [ExporterStatus; 2] = [
        ExporterStatus::LeaseReady,
        ExporterStatus::BeforeLeaseHookFailed,
    ];
    let waited = monitor.wait_for(&OUTCOMES, READY_WITHIN);
    tokio::pin!(waited);
    let waited = loop {
        tokio::select! {
            waited = &mut waited => break waited,
            () = log.show_next(), if !log.follower.has_ended() => {}
        }
    };
    let message = monitor.snapshot().message;
    let or = |text: &str| match message.as_str() {
        "" => text.to_owned(),
        message => message.to_owned(),
    };
    match waited {
        Waited::Reached(ExporterStatus::LeaseReady) => Ok(true),
        Waited::Reached(_) => {
            log.settle(SETTLED).await;
            Err(Failure::Error(or("beforeLease hook failed")))
        }
        Waited::Lost => Ok(false),
        Waited::TimedOut | Waited::Unsupported => {
            Err(Failure::Error(or("Timeout waiting for beforeLease hook")))
        }
    }
}

fn warn(text: &str) -> String {
    use std::io::IsTerminal;
    if std::io::stdout().is_terminal() {
        format!("\x1b[33mWarning: {text}\x1b[0m")
    } else {
        format!("Warning: {text}")
    }
}

// === impl Log ===

impl Log {
    /// Shows the next line that is to be shown, when it comes.
    async fn show_next(&mut self) {
        if let Some(line) = self.follower.next().await
            && (self.everything || line.source.is_hook())
        {
            let logger = Some(line.source.logger());
            self.console.log(line.severity, logger, &line.message);
        }
    }

    /// Shows what is on its way, until nothing comes for as long as `quiet`.
    async fn settle(&mut self, quiet: Duration) {
        // A peer that does not answer at all must not keep us.
        if timeout(EXTRAS_WITHIN, self.follower.attach())
            .await
            .is_err()
        {
            return;
        }
        // Nor one that never stops talking.
        let until = Instant::now() + AT_MOST;
        while !self.follower.has_ended() && Instant::now() < until {
            if timeout(quiet, self.show_next()).await.is_err() {
                return;
            }
        }
    }
}
