//! A real controller with its router: `jmp-controller`, with its data in the lab.
//!
//! ```text
//!  Standalone ── run(), stop(), kill() ──► jmp-controller run ◄── TLS ── exporters, clients
//!    │                                        ▲          ▲
//!    ├── admin(["client", "create", …]) ──────┤          └── its own authority, its own database
//!    │     the commands that people type      │
//!    └── seen() ── GET /exporters/board ── admin.sock
//! ```
//!
//! It has one exporter and one client from the beginning, for stories that are told at the
//! stand-in, too; others are made when a story needs them. Whoever restarts it finds it on the same
//! ports.

mod account;
mod door;
mod process;
mod settings;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

use jumpstarter_proto::v1::ExporterStatus;
use serde_json::Value;

pub use self::{account::Account, settings::Settings};
use self::{door::Door, process::Process, settings::Ports};
use crate::{
    Lab, Lines, Outcome, PATIENCE,
    leased::{Access, Controller, Seen, Stage, wait_until},
    run,
};

const NAMESPACE: &str = "lab";
const EXPORTER: &str = "board";
const CLIENT: &str = "tester";
const LABEL: &str = "board=story";

/// A `jmp-controller` and what is known about it; ended when dropped.
#[derive(Debug)]
pub struct Standalone {
    command: Commands,
    ports: Ports,
    exporter: Account,
    client: Account,
    running: Mutex<Option<Process>>,
    /// What its earlier processes said.
    before: Mutex<String>,
}

/// How its program is called in this lab.
#[derive(Debug)]
struct Commands {
    program: PathBuf,
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
}

// === impl Standalone ===

impl Standalone {
    /// One with the settings that it has by itself.
    pub fn start(lab: &Lab) -> Self {
        Settings::default().start(lab)
    }

    fn new(lab: &Lab, settings: &Settings) -> Self {
        let ports = Ports::free();
        let command = Commands {
            program: lab.programs().program("jmp-controller"),
            home: lab.folder("home"),
            config: lab.file("controller.yaml", settings.yaml(&ports)),
            data: lab.folder("data"),
        };
        let process = Process::start(&command, &ports);
        let accounts = Accounts {
            command: &command,
            lab,
        };
        let exporter = accounts.exporter(EXPORTER, &["--label", LABEL]);
        let client = accounts.client(CLIENT, &["--unsafe"]);
        Self {
            command,
            ports,
            exporter,
            client,
            running: Mutex::new(Some(process)),
            before: Mutex::default(),
        }
    }

    /// Starts it again, on the same ports with the same data, and waits until it serves.
    pub fn run(&self) {
        let process = Process::start(&self.command, &self.ports);
        let last = self.running.lock().unwrap().replace(process);
        assert!(last.is_none(), "it runs already");
    }

    /// Stops it as a service manager does; its exit code.
    #[track_caller]
    pub fn stop(&self) -> i32 {
        let process = self.running.lock().unwrap().take().expect("it runs");
        let (code, log) = process.stop();
        self.remember(&log);
        code
    }

    /// Ends it as a power cut would.
    pub fn kill(&self) {
        let process = self.running.lock().unwrap().take().expect("it runs");
        self.remember(&process.kill());
    }

    /// Everything it has said, in all of its lives.
    pub fn log(&self) -> String {
        let now = self.running.lock().unwrap().as_ref().map(Process::said);
        format!("{}{}", self.before.lock().unwrap(), now.unwrap_or_default())
    }

    /// What the process that runs now says.
    pub fn lines(&self) -> Lines {
        let running = self.running.lock().unwrap();
        running.as_ref().expect("it runs").lines()
    }

    fn remember(&self, log: &str) {
        let mut before = self.before.lock().unwrap();
        before.push_str(log);
        before.push('\n');
    }

    /// An administrator's command, to its end: `admin(["lease", "get"])`.
    pub fn admin<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        self.command.run(args)
    }

    /// `jmp admin WORDS`, on the controller's machine, to its end.
    pub fn jmp_admin<S: AsRef<OsStr>>(
        &self,
        lab: &Lab,
        words: impl IntoIterator<Item = S>,
    ) -> Outcome {
        let mut command = lab.command("jmp");
        command.env("JMP_CONTROLLER_DATA", &self.command.data);
        run(command.arg("admin").args(words), PATIENCE)
    }

    /// One more client, with these options of `client create`.
    pub fn client(&self, lab: &Lab, name: &str, options: &[&str]) -> Account {
        let command = &self.command;
        Accounts { command, lab }.client(name, options)
    }

    /// One more exporter, with these options of `exporter create`.
    pub fn exporter(&self, lab: &Lab, name: &str, options: &[&str]) -> Account {
        let command = &self.command;
        Accounts { command, lab }.exporter(name, options)
    }

    /// The client that was there from the beginning.
    pub fn tester(&self) -> &Account {
        &self.client
    }

    /// `host:port` of exporters and clients.
    pub fn endpoint(&self) -> String {
        self.ports.endpoint()
    }

    /// `host:port` of the router.
    pub fn router(&self) -> String {
        self.ports.router()
    }

    /// The exporter that was there from the beginning.
    pub fn board(&self) -> &Account {
        &self.exporter
    }

    /// `host:port` of the login service.
    pub fn login(&self) -> String {
        self.ports.login()
    }

    /// The login service's page at `path`, with its head.
    pub fn page(&self, path: &str) -> String {
        door::page(&self.ports.login(), path).expect("it answers")
    }

    /// Where its data is.
    pub fn data(&self) -> &Path {
        &self.command.data
    }

    /// What it knows of something: `about("/leases/mine")`; `None` if there is no such thing.
    pub fn about(&self, path: &str) -> Option<Value> {
        let path = format!("/admin/v1/namespaces/{NAMESPACE}{path}");
        Door(self.command.data.join("admin.sock")).get(&path)
    }

    /// What it sees of any exporter.
    pub fn seen_of(&self, exporter: &str) -> Seen {
        let about = self.about(&format!("/exporters/{exporter}"));
        let about = about.unwrap_or_else(|| panic!("there is no exporter `{exporter}`"));
        let text = |key: &str| about[key].as_str().map(ToOwned::to_owned);
        Seen {
            online: about["online"] == true,
            registered: about["devices"]
                .as_array()
                .is_some_and(|all| !all.is_empty()),
            status: text("status").map_or(ExporterStatus::Unspecified, |name| status(&name)),
            message: text("status_message").unwrap_or_default(),
            lease: text("lease"),
        }
    }

    /// Waits until any exporter is seen in a certain way.
    #[track_caller]
    pub fn wait_for(&self, exporter: &str, what: &str, is: impl Fn(&Seen) -> bool) -> Seen {
        let seen = || self.seen_of(exporter);
        wait_until(what, seen, is)
    }

    /// The leases that have not ended, by their names, in order.
    pub fn open_leases(&self) -> Vec<String> {
        let all = self.about("/leases?ended=false").expect("a list");
        let all = all.as_array().expect("a list").iter();
        let mut names: Vec<_> = all
            .map(|lease| lease["name"].as_str().expect("a name").to_owned())
            .collect();
        names.sort();
        names
    }
}

/// `LeaseReady`, as administrators are told.
fn status(name: &str) -> ExporterStatus {
    let all = (0..).map_while(|number| ExporterStatus::try_from(number).ok());
    let mut found = all.filter(|status| {
        let bare = status.as_str_name().replace("EXPORTER_STATUS_", "");
        bare.replace('_', "").eq_ignore_ascii_case(name)
    });
    found
        .next()
        .unwrap_or_else(|| panic!("no status is `{name}`"))
}

impl Controller for Standalone {
    fn access(&self) -> Access {
        let token = |account: &Account| (account.name().to_owned(), account.token());
        Access {
            endpoint: self.endpoint(),
            ca: self.client.ca(),
            namespace: NAMESPACE.to_owned(),
            exporter: token(&self.exporter),
            client: token(&self.client),
            selector: LABEL.to_owned(),
        }
    }

    fn seen(&self) -> Seen {
        self.seen_of(EXPORTER)
    }

    fn ask_for_lease(&self, duration: Duration) -> String {
        let duration = format!("{}s", duration.as_secs());
        let words = [
            "lease",
            "create",
            CLIENT,
            "--selector",
            LABEL,
            "--output",
            "name",
        ];
        let made = self.admin(words.into_iter().chain(["--duration", &duration]));
        let name = made.succeeds().stdout.trim();
        name.rsplit('/').next().unwrap_or(name).to_owned()
    }

    fn end_lease(&self, name: &str) {
        self.admin(["lease", "release", name]).succeeds();
    }
}

impl Stage for Standalone {
    fn start(lab: &Lab) -> Self {
        Self::start(lab)
    }

    fn reported(&self) -> Option<Vec<(ExporterStatus, String)>> {
        None
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the controller's log\n{}", self.log());
        }
    }
}

// === impl Commands ===

impl Commands {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("JMP_CONTROLLER_CONFIG", &self.config)
            .env("JMP_CONTROLLER_DATA", &self.data);
        command
    }

    fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Outcome {
        run(self.command().args(args), PATIENCE)
    }
}

/// Makes accounts.
struct Accounts<'a> {
    command: &'a Commands,
    lab: &'a Lab,
}

// === impl Accounts ===

impl Accounts<'_> {
    fn client(&self, name: &str, options: &[&str]) -> Account {
        self.make("client", name, options)
    }

    fn exporter(&self, name: &str, options: &[&str]) -> Account {
        self.make("exporter", name, options)
    }

    fn make(&self, kind: &str, name: &str, options: &[&str]) -> Account {
        let file = self.lab.folder(&format!("{kind}-{name}.yaml"));
        let words = [kind, "create", name, "--out"].map(OsStr::new);
        let words = words.into_iter().chain([file.as_os_str()]);
        let options = options.iter().map(OsStr::new);
        self.command.run(words.chain(options)).succeeds();
        Account::of(file)
    }
}
