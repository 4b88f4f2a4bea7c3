//! An exporter that runs, and what people do to it.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    Certs, Lab, Lines, Outcome, PATIENCE, run,
    run::{end_group, exit_code, wait},
};

/// A `jmp-exporter` process; ended when dropped.
#[derive(Debug)]
pub struct Exporter<'lab> {
    lab: &'lab Lab,
    child: Child,
    port: u16,
    stdout: Lines,
    stderr: Lines,
    certs: Option<Certs>,
    passphrase: Option<String>,
}

// === impl Exporter ===

impl<'lab> Exporter<'lab> {
    pub(crate) fn new(
        lab: &'lab Lab,
        child: Child,
        port: u16,
        (stdout, stderr): (Lines, Lines),
        certs: Option<Certs>,
        passphrase: Option<String>,
    ) -> Self {
        Self {
            lab,
            child,
            port,
            stdout,
            stderr,
            certs,
            passphrase,
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
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

    /// The certificates it was given.
    pub fn certs(&self) -> &Certs {
        self.certs.as_ref().expect("this exporter has no TLS")
    }

    /// The unix socket it serves beside its port, as it says itself.
    pub fn socket(&self) -> PathBuf {
        let line = self.log().wait_for("unix://", PATIENCE);
        let line = line.expect("the exporter names its socket");
        let path = line.split("unix://").nth(1).expect("it is in the line");
        PathBuf::from(path.split(['"', ' ']).next().unwrap_or(path))
    }

    /// `jmp shell` with everything this exporter asks of a client; add what is to be run.
    pub fn shell_command(&self) -> Command {
        let mut command = self.lab.command("jmp");
        command.args(["shell", "--tls-grpc", &self.address()]);
        match &self.certs {
            None => command.arg("--tls-grpc-insecure"),
            Some(certs) => command.env("SSL_CERT_FILE", &certs.ca),
        };
        if let Some(passphrase) = &self.passphrase {
            command.args(["--passphrase", passphrase]);
        }
        command
    }

    /// `jmp shell … -- ARGS`, to its end.
    pub fn shell<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(self.shell_command().arg("--").args(args), PATIENCE)
    }

    /// `j` with the environment of such a shell.
    pub fn j_command(&self) -> Command {
        let mut command = self.lab.command("j");
        command
            .env("JUMPSTARTER_HOST", self.address())
            .env("JMP_DRIVERS_ALLOW", "UNSAFE");
        match &self.certs {
            None => command.env("JMP_GRPC_INSECURE", "1"),
            Some(certs) => command.env("SSL_CERT_FILE", &certs.ca),
        };
        if let Some(passphrase) = &self.passphrase {
            command.env("JMP_GRPC_PASSPHRASE", passphrase);
        }
        command
    }

    /// `j ARGS`, to its end.
    pub fn j<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(self.j_command().args(args), PATIENCE)
    }

    /// Whether anything answers on its port.
    pub fn answers(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Waits for it to end by itself; its exit code and its log.
    #[track_caller]
    pub fn wait(mut self, patience: Duration) -> (i32, String) {
        let status = wait(&mut self.child, patience);
        let status = status.unwrap_or_else(|| {
            panic!("the exporter has not ended:\n{}", self.stderr.text());
        });
        self.stderr.wait_for_end(Duration::from_secs(5));
        (exit_code(status), self.stderr.text())
    }

    /// Asks it to stop, as a service manager does; its exit code and its log.
    #[track_caller]
    pub fn stop(self) -> (i32, String) {
        self.signal(Signal::SIGTERM);
        self.wait(PATIENCE)
    }
}

impl Drop for Exporter<'_> {
    fn drop(&mut self) {
        end_group(&mut self.child);
    }
}
