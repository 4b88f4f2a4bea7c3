//! A shell on an exporter that listens by itself.
//!
//! ```text
//! connect ─► report ─► status ─► log and status are watched ─► ready ─► child ─► its exit code
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::child::{Plan, shell_code};
use super::session::{Attached, Detached, LAST_LINES, Manner};
use crate::connect::{Options, Roots, Tls, connect};
use crate::device::OpenError;
use crate::ui::{Failure, Outcome, Signals, sentence};
use crate::{Host, Secret, Session, env};

/// The exporter, and how to talk to it.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) host: String,
    pub(super) insecure: bool,
    pub(super) ca: Option<PathBuf>,
    pub(super) passphrase: Option<Secret<String>>,
}

// === impl Direct ===

impl Direct {
    pub(super) async fn run(self, command: Vec<OsString>, manner: Manner) -> Outcome {
        let mut signals = Signals::listen()?;
        let plan = self.plan(command);
        let attached = signals.or(async {
            let session = self.open().await?;
            match Attached::to(session, "direct", manner).await {
                Ok(attached) => Ok(Some(attached)),
                Err(Detached::Lost) => Ok(None),
                Err(Detached::Unreachable(why)) => Err(Failure::Error(why)),
                Err(Detached::Failure(failure)) => Err(failure),
            }
        });
        let Some(mut attached) = attached.await? else {
            return Ok(0);
        };
        let log = &mut attached.log;
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
                () = log.show_next() => {}
            }
        };
        let status = status.map_err(|error| Failure::Error(error.to_string()))?;
        if log.shows_everything() {
            log.settle(LAST_LINES).await;
        }
        Ok(shell_code(status, stopped, &mut signals).await.0)
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
            context: "direct".to_owned(),
            use_profiles: false,
            variables,
        }
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
