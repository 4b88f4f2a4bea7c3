//! An exporter before it runs: how it listens, who may speak to it, where its plugins are.

use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Certs, Exporter, Lab, Lines, Outcome, PATIENCE, free_port, run};

/// What to start.
#[derive(Debug)]
pub struct Setup<'lab> {
    lab: &'lab Lab,
    program: PathBuf,
    config: PathBuf,
    port: u16,
    certs: Option<Certs>,
    passphrase: Option<String>,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
}

// === impl Setup ===

impl<'lab> Setup<'lab> {
    pub(crate) fn new(lab: &'lab Lab, config: PathBuf) -> Self {
        Self {
            lab,
            program: lab.programs().program("jmp-exporter"),
            config,
            port: free_port(),
            certs: None,
            passphrase: None,
            args: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Listens with TLS, with a certificate of the lab's own authority.
    pub fn tls(self) -> Self {
        let certs = self.lab.certs();
        self.tls_with(certs)
    }

    /// Listens with TLS, with these files.
    pub fn tls_with(mut self, certs: Certs) -> Self {
        self.certs = Some(certs);
        self
    }

    /// Asks every caller for a passphrase.
    pub fn passphrase(mut self, passphrase: &str) -> Self {
        self.passphrase = Some(passphrase.to_owned());
        self
    }

    /// Listens on this port.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Looks for plugins in this folder first.
    pub fn plugins(mut self, folder: impl Into<OsString>) -> Self {
        self.args.push("--plugins".into());
        self.args.push(folder.into());
        self
    }

    /// Finds the plugin that misbehaves on request.
    pub fn rotten(self) -> Self {
        let folder = self.lab.programs().test_plugins();
        self.plugins(folder)
    }

    /// Runs a copy of the exporter with no plugins beside it.
    pub fn alone(mut self) -> Self {
        let copy = self.lab.folder("jmp-exporter");
        fs::copy(self.lab.programs().program("jmp-exporter"), &copy).unwrap();
        self.program = copy;
        self
    }

    /// Adds an argument after `run`.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets a variable of the exporter's environment.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// The path of the configuration file.
    pub fn config(&self) -> &PathBuf {
        &self.config
    }

    /// Starts it and waits until its port answers and it says that it serves.
    pub fn start(self) -> Exporter<'lab> {
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("jmp-exporter starts");
        let stdout = Lines::read(child.stdout.take().expect("piped above"));
        let stderr = Lines::read(child.stderr.take().expect("piped above"));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                stderr.wait_for_end(Duration::from_secs(5));
                panic!("the exporter ended with {status}:\n{}", stderr.text());
            }
            assert!(
                Instant::now() < until,
                "the exporter does not listen on port {}:\n{}",
                self.port,
                stderr.text()
            );
            thread::sleep(Duration::from_millis(5));
        }
        // The port is taken before the drivers are opened.
        let serves = stderr.wait_for("Session server started", PATIENCE);
        assert!(serves.is_some(), "it does not serve:\n{}", stderr.text());
        Exporter::new(
            self.lab,
            child,
            self.port,
            (stdout, stderr),
            self.certs,
            self.passphrase,
        )
    }

    /// Starts it, expecting that it gives up by itself.
    pub fn refused(&self) -> Outcome {
        run(&mut self.command(), PATIENCE)
    }

    fn command(&self) -> Command {
        let mut command = self.lab.foreign(&self.program);
        command
            .arg("run")
            .arg("--exporter-config")
            .arg(&self.config)
            .arg("--tls-grpc-listener")
            .arg(format!("127.0.0.1:{}", self.port));
        match &self.certs {
            Some(certs) => command
                .arg("--tls-cert")
                .arg(&certs.cert)
                .arg("--tls-key")
                .arg(&certs.key),
            None => command.arg("--tls-grpc-insecure"),
        };
        if let Some(passphrase) = &self.passphrase {
            command.arg("--passphrase").arg(passphrase);
        }
        command.args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}
