//! An exporter process that works for a controller.

use std::{
    cell::RefCell,
    fs,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::{Controller, Make};
use crate::{
    Lab, Lines, PATIENCE,
    run::{end_group, exit_code, wait},
};

const POWER: &str = "export:\n  power: {type: jumpstarter_driver_power.driver.MockPower}\n";

/// A `jmp run --exporter-config …`; ended when dropped.
#[derive(Debug)]
pub struct Station {
    child: Child,
    make: Make,
    stdout: Lines,
    stderr: Lines,
}

// === impl Station ===

impl Station {
    /// The command that starts one with a mock power switch, and with `more` in its configuration.
    pub fn command(lab: &Lab, make: Make, controller: &impl Controller, more: &str) -> Command {
        Self::command_from(lab, make, &Self::yaml(controller, more))
    }

    /// The configuration of one with a mock power switch, and with `more` in it.
    pub fn yaml(controller: &impl Controller, more: &str) -> String {
        format!("{}{POWER}{more}", controller.access().exporter_yaml())
    }

    /// The command that starts one with this whole configuration.
    pub fn command_from(lab: &Lab, make: Make, yaml: &str) -> Command {
        Self::command_with(lab, make, yaml, &[])
    }

    /// The same, with options of the program itself: `["--log-level", "DEBUG"]`.
    pub fn command_with(lab: &Lab, make: Make, yaml: &str, options: &[&str]) -> Command {
        Self::command_of(lab, make, &lab.file("station.yaml", yaml), options)
    }

    /// The same, with a configuration that is there.
    pub fn command_of(lab: &Lab, make: Make, config: &Path, options: &[&str]) -> Command {
        let program = match make {
            Make::Ours => "jmp-exporter",
            Make::Reference => "jmp",
        };
        let mut command = make.command(lab, program);
        command
            .args(options)
            .args(["run", "--exporter-config"])
            .arg(config);
        command
    }

    /// Starts one and waits until it can be leased.
    pub fn start(lab: &Lab, make: Make, controller: &impl Controller, more: &str) -> Self {
        let mut station = Self::launch(make, &mut Self::command(lab, make, controller, more));
        station.wait_free(controller);
        station
    }

    /// Starts one.
    pub fn launch(make: Make, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the exporter starts");
        let stdout = Lines::read(child.stdout.take().expect("piped above"));
        let stderr = Lines::read(child.stderr.take().expect("piped above"));
        Self {
            child,
            make,
            stdout,
            stderr,
        }
    }

    /// Waits until it can be leased; panics at once if it ends instead.
    #[track_caller]
    pub fn wait_free(&mut self, controller: &impl Controller) {
        let child = RefCell::new(&mut self.child);
        controller.wait_until("free", |seen| {
            let ended = child.borrow_mut().try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "the exporter has ended: {ended:?}");
            seen.is_free()
        });
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logs.
    pub fn log(&self) -> &Lines {
        &self.stderr
    }

    /// What it prints, which is nothing.
    pub fn output(&self) -> &Lines {
        &self.stdout
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be asked")
            .is_none()
    }

    /// Waits for it to end by itself; its exit code and its log.
    #[track_caller]
    pub fn wait(mut self, patience: Duration) -> (i32, String) {
        let status = wait(&mut self.child, patience);
        let status = status.unwrap_or_else(|| panic!("it has not ended:\n{}", self.stderr.text()));
        self.stderr.wait_for_end(Duration::from_secs(5));
        (exit_code(status), self.stderr.text())
    }

    /// Asks it to stop, as a service manager does; its exit code and its log.
    #[track_caller]
    pub fn stop(self) -> (i32, String) {
        self.signal(Signal::SIGTERM);
        self.wait(PATIENCE)
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) -> String {
        self.end();
        self.stderr.text()
    }

    fn end(&mut self) {
        // The reference works in a child with a session of its own.
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let children = match self.make {
            Make::Ours => String::new(),
            Make::Reference => fs::read_to_string(children).unwrap_or_default(),
        };
        end_group(&mut self.child);
        for child in children.split_whitespace() {
            let group = Pid::from_raw(child.parse().expect("a process id"));
            killpg(group, Signal::SIGKILL).ok();
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("--- the exporter's log\n{}", self.stderr.text());
        }
    }
}
