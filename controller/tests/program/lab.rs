//! A controller for a story, in a folder of its own.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use jumpstarter_client::config::{ClientConfig, ExporterConfig};
use jumpstarter_client::connect::{ChannelOptions, Tls};
use jumpstarter_client::controller::{Controller, Identity, Kind};
use jumpstarter_proto::v1::{DriverInstanceReport, RegisterRequest};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// For whatever should happen at once; only a hanging test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Lab {
    home: tempfile::TempDir,
    pub(crate) ports: Ports,
    running: Option<Child>,
}

#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grpc: u16,
    pub(crate) router: u16,
    pub(crate) health: u16,
    pub(crate) metrics: u16,
    pub(crate) telemetry: u16,
}

impl Lab {
    /// Made, not started.
    pub(crate) fn new() -> Self {
        Self::new_with("limits: {tunnel_grace: 200ms}\n")
    }

    /// The same with other settings.
    pub(crate) fn new_with(more: &str) -> Self {
        let ports = Ports::free();
        let lab = Self {
            home: tempfile::tempdir().unwrap(),
            ports,
            running: None,
        };
        let Ports {
            grpc,
            router,
            health,
            metrics,
            telemetry,
        } = ports;
        let config = format!(
            "namespace: lab\n\
             listen: {{grpc: '127.0.0.1:{grpc}', router: '127.0.0.1:{router}', login: off, \
             health: '127.0.0.1:{health}', metrics: '127.0.0.1:{metrics}', \
             telemetry: '127.0.0.1:{telemetry}'}}\n\
             public_endpoints: {{grpc: '127.0.0.1:{grpc}', router: '127.0.0.1:{router}'}}\n\
             {more}"
        );
        std::fs::write(lab.path("lab.yaml"), config).unwrap();
        lab.works(&["init"]);
        lab
    }

    pub(crate) fn started() -> Self {
        let mut lab = Self::new();
        lab.start();
        lab
    }

    pub(crate) fn started_with(more: &str) -> Self {
        let mut lab = Self::new_with(more);
        lab.start();
        lab
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The program, with nothing in its environment but where this lab is.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jmp-controller"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("JMP_CONTROLLER_CONFIG", self.path("lab.yaml"))
            .env("JMP_CONTROLLER_DATA", self.path("data"));
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.program().args(words).output().unwrap()
    }

    /// Runs a command that must work, and answers what it printed.
    pub(crate) fn works(&self, words: &[&str]) -> String {
        let output = self.run(words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must not work, and answers what it complained about.
    pub(crate) fn fails(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    pub(crate) fn start(&mut self) {
        self.start_as(&["run"]);
    }

    /// The same with other words.
    pub(crate) fn start_as(&mut self, words: &[&str]) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let child = self
            .program()
            .args(words)
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.running = Some(child);
        let begun = Instant::now();
        while !self.is_ready() {
            let ended = self.running.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether `/readyz` says so.
    pub(crate) fn is_ready(&self) -> bool {
        let answer = get(self.ports.health, "/readyz");
        answer.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// What `/metrics` says.
    pub(crate) fn metrics(&self) -> String {
        get(self.ports.metrics, "/metrics").unwrap()
    }

    /// Stops it as a service manager does.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut child = self.take();
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
        child.wait().unwrap()
    }

    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.running.as_ref().unwrap().id();
        kill(Pid::from_raw(pid.cast_signed()), signal).unwrap();
    }

    /// Waits until it has said this once more than `before`.
    pub(crate) fn says(&self, words: &str, before: usize) {
        let begun = Instant::now();
        while self.log().matches(words).count() <= before {
            assert!(
                begun.elapsed() < PATIENCE,
                "no `{words}` in:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process, for whoever wants to end it another way.
    pub(crate) fn take(&mut self) -> Child {
        self.running.take().unwrap()
    }

    /// What of it is in memory, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let pid = self.running.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<usize>().unwrap() << 10
    }

    /// What it said so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Makes a client, and the way to the controller as that client.
    pub(crate) fn client(&self, name: &str) -> Controller {
        let file = self.path(&format!("{name}.yaml"));
        self.works(&["client", "create", name, "--out", file.to_str().unwrap()]);
        assert_eq!(mode(&file), 0o600);
        let config = ClientConfig::load(&file).unwrap().unwrap();
        config.controller().unwrap().unwrap()
    }

    /// Makes an exporter, and the way to the controller as that exporter.
    pub(crate) fn exporter(&self, name: &str) -> Controller {
        let file = self.path(&format!("{name}.yaml"));
        let label = format!("name={name}");
        self.works(&[
            "exporter",
            "create",
            name,
            "-l",
            &label,
            "--out",
            file.to_str().unwrap(),
        ]);
        assert_eq!(mode(&file), 0o600);
        let config = ExporterConfig::load(&file).unwrap().unwrap();
        let identity = Identity {
            kind: Kind::Exporter,
            namespace: config.namespace.clone().unwrap(),
            name: config.name.clone(),
            token: config.token.clone().unwrap(),
        };
        let tls = Tls::from_settings(&config.tls.ca, false).unwrap();
        let endpoint = config.endpoint.clone().unwrap();
        Controller::new(&endpoint, &tls, &identity, &ChannelOptions::default()).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Ports {
    /// Ports that are free now, and that the system gives to no connection meanwhile: those come from
    /// 32768 on.
    fn free() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let start = u16::try_from(std::process::id() % 1000).unwrap() * 20;
        let mut free = std::iter::repeat_with(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            12_000 + (start + next) % 20_000
        })
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
        let mut port = || free.next().unwrap();
        Self {
            grpc: port(),
            router: port(),
            health: port(),
            metrics: port(),
            telemetry: port(),
        }
    }
}

/// One driver: an exporter without any counts as not registered, and gets no lease.
pub(crate) fn device() -> RegisterRequest {
    RegisterRequest {
        reports: vec![DriverInstanceReport {
            uuid: "6f1c2a3e-0000-4000-8000-000000000001".to_owned(),
            ..DriverInstanceReport::default()
        }],
        ..RegisterRequest::default()
    }
}

/// Asks by plain HTTP, if anybody is there.
pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
