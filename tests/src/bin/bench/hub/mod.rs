//! A real `jmp-controller`, with its router, beside the load: a process in a folder of its own, TLS as
//! in real life, made and filled through its own commands and its administrators' socket.

mod admin;
mod people;

use std::{
    fs::File,
    net::{Ipv4Addr, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jumpstarter_tests::{Lab, free_port};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::task::JoinSet;

use self::admin::Admin;
pub(crate) use self::people::{Dummy, Person, is_ready};

/// Where everything is.
pub(crate) const NAMESPACE: &str = "lab";
/// Programs start and stop in seconds at most.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests to make objects that are under way at the same time.
const AT_ONCE: usize = 64;

/// A controller that may run.
#[derive(Debug)]
pub(crate) struct Hub<'a> {
    lab: &'a Lab,
    name: &'static str,
    ports: Ports,
    running: Option<Child>,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    grpc: u16,
    router: u16,
    health: u16,
}

// === impl Hub ===

impl<'a> Hub<'a> {
    /// Makes one and starts it.
    pub(crate) fn start(lab: &'a Lab, name: &'static str) -> Self {
        let ports = Ports {
            grpc: free_port(),
            router: free_port(),
            health: free_port(),
        };
        let Ports {
            grpc,
            router,
            health,
        } = ports;
        let mut hub = Self {
            lab,
            name,
            ports,
            running: None,
        };
        lab.file(
            &format!("{name}.yaml"),
            format!(
                "namespace: {NAMESPACE}\n\
                 listen: {{grpc: '127.0.0.1:{grpc}', router: '127.0.0.1:{router}', login: off, \
                 health: '127.0.0.1:{health}', metrics: off}}\n\
                 public_endpoints: {{grpc: '127.0.0.1:{grpc}', router: '127.0.0.1:{router}'}}\n\
                 limits: {{leases_per_client: 100000}}\n"
            ),
        );
        let made = hub.command().arg("init").output().unwrap();
        assert!(made.status.success(), "{made:?}");
        hub.run();
        hub
    }

    /// Starts it again; how long it took until it was ready.
    pub(crate) fn run(&mut self) -> Duration {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let mut command = self.command();
        command
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Instant::now();
        self.running = Some(command.stderr(log).spawn().unwrap());
        while !self.is_ready() {
            let child = self.running.as_mut().unwrap();
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "the controller does not start: {}",
                std::fs::read_to_string(self.path("log")).unwrap()
            );
            thread::sleep(Duration::from_micros(500));
        }
        started.elapsed()
    }

    /// SIGTERM to exit.
    pub(crate) fn stop(&mut self) -> Duration {
        let started = Instant::now();
        if let Some(mut child) = self.running.take() {
            kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
            child.wait().unwrap();
        }
        started.elapsed()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.as_ref().expect("it runs").id()
    }

    /// The database, to be opened while it does not run.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("data").join("controller.db")
    }

    /// A client.
    pub(crate) async fn person(&self, name: &str) -> Person {
        Person::new(name, self.admin().create("clients", name, &[]).await)
    }

    /// An exporter that is nothing but its connection, found by these labels.
    pub(crate) async fn dummy(&self, name: &str, labels: &[(&str, &str)]) -> Dummy {
        let controller = self.admin().create("exporters", name, labels).await;
        Dummy::new(name, controller)
    }

    /// The same many times: the labels of each come from its number.
    pub(crate) async fn dummies(
        &self,
        count: usize,
        labels: impl Fn(usize) -> String,
    ) -> Vec<Dummy> {
        let mut making = JoinSet::new();
        let mut made = Vec::new();
        for number in 0..count {
            if making.len() >= AT_ONCE {
                made.extend(making.join_next().await.map(Result::unwrap));
            }
            let (admin, board) = (self.admin(), labels(number));
            making.spawn(async move {
                let name = format!("e{number:04}");
                let labels = [("board", board.as_str())];
                let controller = admin.create("exporters", &name, &labels).await;
                (number, Dummy::new(&name, controller))
            });
        }
        made.extend(making.join_all().await);
        made.sort_by_key(|(number, _)| *number);
        made.into_iter().map(|(_, dummy)| dummy).collect()
    }

    /// The file that a real exporter needs; its drivers are still to be added.
    pub(crate) fn exporter_file(&self, name: &str) -> PathBuf {
        let file = self.path("exporter.yaml");
        let made = self
            .command()
            .args(["exporter", "create", name, "-l", &format!("name={name}")])
            .arg("--out")
            .arg(&file)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        file
    }

    fn admin(&self) -> Admin {
        Admin::at(self.path("data").join("admin.sock"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.lab.folder(&format!("{}-{name}", self.name))
    }

    fn command(&self) -> Command {
        let mut command = self.lab.command("jmp-controller");
        command
            .env(
                "JMP_CONTROLLER_CONFIG",
                self.lab.folder(&format!("{}.yaml", self.name)),
            )
            .env("JMP_CONTROLLER_DATA", self.path("data"));
        command
    }

    /// Whether `/readyz` says so.
    fn is_ready(&self) -> bool {
        use std::io::{Read, Write};
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.health)) else {
            return false;
        };
        let request = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        let asked = stream.write_all(request);
        let heard = asked.and_then(|()| stream.read_to_string(&mut answer));
        heard.is_ok() && answer.starts_with("HTTP/1.1 200")
    }
}

impl Drop for Hub<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}
