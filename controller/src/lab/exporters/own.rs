//! What exporters tell of themselves, and what silence tells.

use jumpstarter_proto::v1::ExporterStatus;

use crate::lab::presence::{Presence, Present};
use crate::lab::step::{Command, Step};
use crate::lab::{Lab, LabError, clock};
use crate::model::{Device, EndReason, Exporter, Key, Labels, Reported, Uid, validate};

/// The prefix of labels that an exporter may tell; all others are for administrators.
const TOLD_PREFIX: &str = "jumpstarter.dev/";

struct Register {
    uid: Uid,
    told: Labels,
    devices: Vec<Device>,
}

struct Unregister {
    uid: Uid,
    reason: String,
}

struct Report {
    uid: Uid,
    reported: Reported,
    release: bool,
}

/// The Status stream was opened.
struct Opened {
    uid: Uid,
}

// === impl Lab ===

impl Lab {
    /// An exporter tells its labels and devices. Labels without `TOLD_PREFIX` are ignored.
    pub async fn register(
        &self,
        uid: Uid,
        labels: Labels,
        devices: Vec<Device>,
    ) -> Result<(), LabError> {
        let mut told = labels;
        told.retain(|key, _| key.starts_with(TOLD_PREFIX));
        self.change(Register { uid, told, devices }).await
    }

    /// An exporter goes offline on purpose. Its lease, if it has one, goes on.
    pub async fn unregister(&self, uid: Uid, reason: String) -> Result<(), LabError> {
        self.change(Unregister { uid, reason }).await
    }

    /// An exporter reports its status; with `release` it also ends its lease.
    pub async fn report(
        &self,
        uid: Uid,
        reported: Reported,
        release: bool,
    ) -> Result<(), LabError> {
        self.presence.sign(uid);
        let report = Report {
            uid,
            reported,
            release,
        };
        self.change(report).await
    }

    /// An exporter has opened its Status stream. It counts as connected while the result is kept.
    pub async fn arrive(&self, uid: Uid) -> Result<Present, LabError> {
        let present = self.presence.open(uid);
        self.change(Opened { uid }).await?;
        Ok(present)
    }
}

/// Marks exporters offline that have been silent for too long.
pub(in crate::lab) fn fall_silent(step: &mut Step<'_>, presence: &Presence) {
    for uid in presence.silent() {
        match step.exporter(uid) {
            Ok(exporter) if exporter.online => {
                let last_seen = presence.last(uid).or(exporter.last_seen);
                lose(
                    step,
                    Exporter {
                        last_seen,
                        ..exporter
                    },
                );
            }
            // It is recorded as offline already, or has been deleted.
            _ => presence.forget_silent(uid),
        }
    }
}

fn lose(step: &mut Step<'_>, mut exporter: Exporter) {
    exporter.online = false;
    let offline = |reported: &Reported| reported.status == ExporterStatus::Offline;
    if !exporter.reported.as_ref().is_some_and(offline) {
        exporter.reported = Some(Reported {
            status: ExporterStatus::Offline,
            message: "Connection lost - last seen more than 1 minute ago".to_owned(),
        });
    }
    let key = exporter.key.clone();
    step.put_exporter(exporter);
    let exporter = ("exporter", &key);
    step.record("lab", "ExporterOffline", exporter, "connection lost");
}

// === impl Command ===

impl Command for Register {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        validate::labels(&self.told).map_err(LabError::Invalid)?;
        exporter.told = self.told;
        exporter.devices = self.devices;
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        step.record(actor(&key), "ExporterRegistered", ("exporter", &key), "");
        Ok(())
    }
}

impl Command for Unregister {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        let message = match self.reason.as_str() {
            "" => "Exporter unregistered".to_owned(),
            reason => reason.to_owned(),
        };
        exporter.devices.clear();
        exporter.online = false;
        exporter.last_seen = Some(step.now);
        exporter.reported = Some(Reported {
            status: ExporterStatus::Offline,
            message: message.clone(),
        });
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        step.record(
            actor(&key),
            "ExporterUnregistered",
            ("exporter", &key),
            message,
        );
        Ok(())
    }
}

impl Command for Report {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        exporter.online = !matches!(
            self.reported.status,
            ExporterStatus::Offline | ExporterStatus::Unspecified
        );
        exporter.reported = Some(self.reported);
        if !exporter.online {
            exporter.last_seen = Some(step.now);
        }
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        if self.release
            && let Some(lease) = step.state.lease_on(self.uid)
        {
            let lease = crate::model::Lease::clone(lease);
            clock::end(step, lease, EndReason::Released, &actor(&key));
        }
        Ok(())
    }
}

impl Command for Opened {
    type Answer = ();

    fn carry_out(self, step: &mut Step<'_>) -> Result<(), LabError> {
        let mut exporter = step.exporter(self.uid)?;
        let was = exporter.online;
        exporter.online = true;
        // Only the exporter knows its status now; some never report one.
        if exporter
            .reported
            .as_ref()
            .is_some_and(|reported| reported.status == ExporterStatus::Offline)
        {
            exporter.reported = None;
        }
        let key = exporter.key.clone();
        step.put_exporter(exporter);
        if !was {
            step.record(actor(&key), "ExporterOnline", ("exporter", &key), "");
        }
        Ok(())
    }
}

/// The actor of the audit log.
fn actor(key: &Key) -> String {
    format!("exporter:{key}")
}
