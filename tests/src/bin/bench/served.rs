//! A server under test: started, timed, stopped.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jumpstarter_tests::{Lab, free_port};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::load::Clients;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Whose {
    Limit,
    Ours,
    /// Ours, logging warnings only.
    Quiet,
    Python,
}

/// Where the limit finds the report to answer with, once we have given one.
pub(crate) const REPORT: &str = "report.bin";

/// A running server.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    port: u16,
}

// === impl Whose ===

impl Whose {
    fn command(self, lab: &Lab, port: u16, drivers: usize, export: &str) -> Command {
        let mut command = match self {
            Self::Limit => {
                let mut limit = Command::new(std::env::current_exe().unwrap());
                limit.args(["limit", &port.to_string(), &drivers.to_string()]);
                limit.arg(lab.folder(REPORT));
                return limit;
            }
            Self::Ours | Self::Quiet => lab.command("jmp-exporter"),
            Self::Python => lab.foreign(&lab.programs().python("jmp").unwrap()),
        };
        let yaml = self.configuration(drivers, export);
        let config = lab.file(&format!("{self:?}.yaml"), yaml);
        if self == Self::Quiet {
            command.args(["--log-level", "WARNING"]);
        }
        command
            .args(["run", "--exporter-config"])
            .arg(config)
            .arg("--tls-grpc-listener")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--tls-grpc-insecure");
        command
    }

    /// So many mock switches, and what else there is to be. Ours has a driver in C beside them, so
    /// that two plugins are loaded.
    fn configuration(self, drivers: usize, export: &str) -> String {
        let mut yaml = String::from(
            "apiVersion: jumpstarter.dev/v1alpha1\nkind: ExporterConfig\n\
             metadata: {namespace: lab, name: bench}\nexport:\n",
        );
        for number in 0..drivers {
            let switch = "{type: jumpstarter_driver_power.driver.MockPower}";
            yaml.push_str(&format!("  p{number}: {switch}\n"));
        }
        yaml.push_str(export);
        if self != Self::Python {
            yaml.push_str("  pdu: {type: jumpstarter_driver_example_c.driver.Pdu}\n");
        }
        yaml
    }
}

// === impl Served ===

impl Served {
    /// Starts a server; the time to the end of the first GetReport is the second part.
    pub(crate) async fn start(lab: &Lab, whose: Whose, drivers: usize) -> (Self, Duration) {
        Self::launch(lab, whose, drivers, "").await
    }

    /// The same with one switch and further drivers.
    pub(crate) async fn with(lab: &Lab, whose: Whose, export: &str) -> Self {
        Self::launch(lab, whose, 1, export).await.0
    }

    async fn launch(lab: &Lab, whose: Whose, drivers: usize, export: &str) -> (Self, Duration) {
        let port = free_port();
        let log = File::create(lab.folder(&format!("{whose:?}.log"))).unwrap();
        let mut command = whose.command(lab, port, drivers, export);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let started = Instant::now();
        let child = command.spawn().unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{whose:?} does not listen; see its log:\n{}",
                std::fs::read_to_string(lab.folder(&format!("{whose:?}.log"))).unwrap()
            );
            thread::sleep(Duration::from_micros(200));
        }
        Clients::connect(port, 1).await;
        (Self { child, port }, started.elapsed())
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM to exit.
    pub(crate) fn stop(mut self) -> Duration {
        self.end()
    }

    /// Ends it at once, for clients that cannot leave: one that has given up a stream whose window is
    /// full holds its connection until the other side reads on.
    pub(crate) fn cut(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end and waits, however long: the Python exporter works in a child with a session
    /// of its own, which only its parent's orderly end ends.
    fn end(&mut self) -> Duration {
        let started = Instant::now();
        if let Ok(None) = self.child.try_wait() {
            kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGTERM).unwrap();
            self.child.wait().unwrap();
        }
        started.elapsed()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}
