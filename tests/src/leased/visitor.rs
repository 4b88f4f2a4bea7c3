//! A person who leases the exporter, does something, and leaves.

use std::{ffi::OsStr, process::Command, time::Duration};

use jumpstarter_proto::v1::ExporterStatus;

use super::{Controller, Make, Tunnel, config};
use crate::{Lab, Outcome, PATIENCE, run};

/// Somebody with a client of either make.
#[derive(Debug)]
pub struct Visitor<'lab, C> {
    lab: &'lab Lab,
    controller: &'lab C,
    make: Make,
}

// === impl Visitor ===

impl<'lab, C: Controller> Visitor<'lab, C> {
    /// Somebody at this controller.
    pub fn new(lab: &'lab Lab, controller: &'lab C, make: Make) -> Self {
        config::client_config(lab, controller);
        Self {
            lab,
            controller,
            make,
        }
    }

    /// Leases the exporter, runs a command in a shell, gives it back.
    pub fn shell<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        self.shell_for(Duration::from_secs(600), args)
    }

    /// The same, with a lease that ends by itself after `duration`.
    pub fn shell_for<S: AsRef<OsStr>>(
        &self,
        duration: Duration,
        args: impl IntoIterator<Item = S>,
    ) -> Outcome {
        run(self.leased(duration).arg("--").args(args), PATIENCE * 2)
    }

    /// `jmp shell` that asks for a lease itself; add what is to be run.
    pub fn leased(&self, duration: Duration) -> Command {
        let mut command = self.make.command(self.lab, "jmp");
        let selector = self.controller.access().selector;
        let duration = format!("{}s", duration.as_secs());
        command
            .args(["shell", "--client", "story", "--selector", &selector])
            .args(["--duration", &duration, "--retry-timeout", "0"]);
        command
    }

    /// Our `jmp shell` through a tunnel; add what is to be run.
    pub fn through(&self, tunnel: &Tunnel) -> Command {
        let mut command = Make::Ours.command(self.lab, "jmp");
        command
            .args(["shell", "--tls-grpc", &tunnel.address()])
            .arg("--tls-grpc-insecure");
        command
    }

    /// `j power on` by our client through a tunnel.
    #[track_caller]
    pub fn works_through(&self, tunnel: &Tunnel) {
        run(
            self.through(tunnel).args(["--", "j", "power", "on"]),
            PATIENCE,
        )
        .succeeds();
    }

    /// What a client with a lease does at its end: ends the session, waits for the hook, gives the
    /// lease back.
    pub fn leave(&self, lease: &str, tunnel: &Tunnel) {
        use ExporterStatus::{AfterLeaseHook, AfterLeaseHookFailed, Available, LeaseReady};
        // A session that is over, or never began, needs no end.
        let held = self.controller.seen().lease.as_deref() == Some(lease);
        let working = held
            && tunnel
                .status()
                .is_ok_and(|status| matches!(status.status(), LeaseReady | AfterLeaseHook));
        if working && tunnel.end_session().is_ok_and(|answer| answer.success) {
            tunnel.wait_status(&[Available, AfterLeaseHookFailed]).ok();
        }
        self.controller.end_lease(lease);
    }
}
