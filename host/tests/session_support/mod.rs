//! An exporter process, and clients for it: real sockets, real plugins.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use jumpstarter_proto::v1::{DriverCallRequest, StreamingDriverCallRequest};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};

/// Long enough for a slow machine; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const POWER: &str = "
apiVersion: jumpstarter.dev/v1alpha1
kind: ExporterConfig
metadata:
  namespace: lab
  name: bench
export:
  power:
    type: jumpstarter_driver_power.driver.MockPower
";

pub type Client = ExporterServiceClient<Channel>;

/// Lines of a process, read as they come.
#[derive(Clone, Default)]
pub struct Lines {
    shared: Arc<(Mutex<Said>, Condvar)>,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    ended: bool,
}

/// An installation of its own: the program, and where it looks for them, the plugins as they were
/// built last.
pub struct Home {
    folder: tempfile::TempDir,
    /// Apart, because the paths of sockets must be short.
    runtime: tempfile::TempDir,
}

/// A running `jmp-exporter`; killed when dropped.
pub struct Exporter {
    child: Child,
    pub port: u16,
    pub stderr: Lines,
    pub stdout: Lines,
    home: Home,
}

// === impl Lines ===

impl Lines {
    pub fn read(from: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.shared);
        thread::spawn(move || {
            for line in BufReader::new(from).lines() {
                let Ok(line) = line else { break };
                shared.0.lock().unwrap().lines.push(line);
                shared.1.notify_all();
            }
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        lines
    }

    /// Waits for a line with this text in it.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_for_any(&[text])
    }

    /// Waits for a line with one of these texts in it.
    pub fn wait_for_any(&self, texts: &[&str]) -> String {
        let wanted = |line: &&String| texts.iter().any(|text| line.contains(text));
        let mut said = self.shared.0.lock().unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = said.lines.iter().find(wanted) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !said.ended,
                "no line with one of {texts:?} (which only a hang would keep back so long) in:\n{}",
                said.lines.join("\n")
            );
            said = self.shared.1.wait_timeout(said, left).unwrap().0;
        }
    }

    /// Whether a line with this text has come.
    pub fn contains(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    pub fn count(&self, text: &str) -> usize {
        let said = self.shared.0.lock().unwrap();
        said.lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Waits until nothing more can come, and returns everything.
    pub fn all(&self) -> String {
        let said = self.shared.0.lock().unwrap();
        let (said, timeout) = self
            .shared
            .1
            .wait_timeout_while(said, PATIENCE, |said| !said.ended)
            .unwrap();
        assert!(!timeout.timed_out(), "the process is still speaking");
        said.lines.join("\n")
    }
}

// === impl Home ===

impl Home {
    pub fn new() -> Self {
        let exporter = Path::new(env!("CARGO_BIN_EXE_jmp-exporter"));
        let built = exporter.parent().unwrap();
        // Beside the originals, so that links are possible.
        let folder = tempfile::tempdir_in(built).unwrap();
        std::fs::hard_link(exporter, folder.path().join("jmp-exporter")).unwrap();
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        for family in ["power", "test_rotten", "test_rotten_abi"] {
            let name = format!("libjumpstarter_driver_{family}.so");
            std::fs::hard_link(built.join(&name), folder.path().join("plugins").join(&name))
                .unwrap_or_else(|error| panic!("{name}: {error}; run `make build`"));
        }
        Self {
            folder,
            runtime: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, started in this folder.
    pub fn jmp(&self) -> Command {
        let mut command = Command::new(self.path().join("jmp-exporter"));
        command
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("TMPDIR", self.runtime.path())
            .env("PATH", path());
        command
    }
}

// === impl Exporter ===

impl Exporter {
    /// Runs it with this configuration and these further arguments, and waits until it serves.
    pub fn run(config: &str, args: &[&str]) -> Self {
        Self::run_with(config, args, &[])
    }

    pub fn run_with(config: &str, args: &[&str], global: &[&str]) -> Self {
        let exporter = Self::launch(config, args, global);
        exporter.stderr.wait_for("Session server started");
        exporter
    }

    /// The same without waiting.
    pub fn launch(config: &str, args: &[&str], global: &[&str]) -> Self {
        let port = free_port();
        let listener = format!("127.0.0.1:{port}");
        let mut all = vec!["--tls-grpc-listener", &listener];
        if !args.contains(&"--tls-cert") {
            all.push("--tls-grpc-insecure");
        }
        all.extend(args);
        let mut exporter = Self::spawn("run", config, &all, global);
        exporter.port = port;
        exporter
    }

    pub fn spawn(command: &str, config: &str, args: &[&str], global: &[&str]) -> Self {
        let home = Home::new();
        let path = home.write("exporter.yaml", config);
        let mut child = home
            .jmp()
            .args(global)
            .arg(command)
            .arg("--exporter-config")
            .arg(&path)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            stderr: Lines::read(child.stderr.take().unwrap()),
            stdout: Lines::read(child.stdout.take().unwrap()),
            child,
            port: 0,
            home,
        }
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A file in the folder in which it runs.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn touch(&self, name: &str) {
        self.home.write(name, "");
    }

    /// The unix socket it says it serves.
    pub fn socket(&self) -> PathBuf {
        let line = self.stderr.wait_for("unix://");
        let path = line.split("unix://").nth(1).unwrap();
        path.split('"').next().unwrap().into()
    }

    pub async fn client(&self) -> Client {
        let channel = Endpoint::from_shared(format!("http://{}", self.address()))
            .unwrap()
            .connect()
            .await
            .unwrap();
        Client::new(channel)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < until,
                "the exporter hangs: it has not ended for {PATIENCE:?}"
            );
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// What there is in the folder for what must not outlive it.
    pub fn leftovers(&self) -> Vec<String> {
        let found = std::fs::read_dir(self.home.runtime.path()).unwrap();
        found
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Stops it with SIGTERM and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended long ago.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Where hooks find `j` and everything else.
fn path() -> std::ffi::OsString {
    let built = Path::new(env!("CARGO_BIN_EXE_jmp-exporter")).parent();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let folders = built.map(Path::to_owned).into_iter();
    std::env::join_paths(folders.chain(std::env::split_paths(&others))).unwrap()
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A client on a unix socket.
pub async fn unix_client(path: &Path) -> Client {
    let path = path.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let channel = Endpoint::from_static("http://socket")
        .connect_with_connector(connector)
        .await
        .unwrap();
    Client::new(channel)
}

/// UUID of the driver with this name.
pub async fn uuid_of(client: &mut Client, name: &str) -> String {
    let report = client.get_report(()).await.unwrap().into_inner();
    report
        .reports
        .iter()
        .find(|report| {
            report
                .labels
                .get("jumpstarter.dev/name")
                .is_some_and(|n| n == name)
        })
        .unwrap_or_else(|| panic!("no driver `{name}` in {report:?}"))
        .uuid
        .clone()
}

pub fn call(uuid: &str, method: &str, args: Vec<Bytes>) -> DriverCallRequest {
    DriverCallRequest {
        uuid: uuid.into(),
        method: method.into(),
        args,
    }
}

pub fn streaming_call(uuid: &str, method: &str, args: Vec<Bytes>) -> StreamingDriverCallRequest {
    StreamingDriverCallRequest {
        uuid: uuid.into(),
        method: method.into(),
        args,
    }
}
