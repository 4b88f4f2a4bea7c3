//! `jmp driver check`: does a plugin keep the rules?
//!
//! The plugin runs in a child process, this program again as `driver probe`, so that whatever it does
//! to the process is an answer too:
//!
//! ```text
//!   check ──spawn──► probe ── step, note, problem, done ──► check      a line each, through stdin,
//!                      └─ killed, exited, silent for too long          which is a socket
//! ```

use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::cmd::options::Plugins;
use crate::cmd::{Failure, Outcome};
use crate::listen::Folder;
use crate::plugin::Registry;

use super::{print, registry};

/// What a plugin may take, and what it may take with `--stress`.
const LIMIT: Duration = Duration::from_secs(10);
const STRESS_LIMIT: Duration = Duration::from_secs(60);

/// Try a plugin in a process of its own and say what is wrong with it
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    /// A plugin file
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Try only this driver
    #[arg(long = "type", value_name = "TYPE")]
    type_name: Option<String>,

    /// The `config` block to open drivers with, as YAML
    #[arg(long, value_name = "YAML")]
    config: Option<String>,

    /// Open and close many times, call from many places at once, and give calls up
    #[arg(long)]
    stress: bool,

    #[command(flatten)]
    plugins: Plugins,
}

/// What the child says, a line each.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Line {
    /// What it does next.
    Step(String),
    /// Something to know that is no mistake.
    Note(String),
    /// A rule that the plugin breaks.
    Problem(String),
    /// The end.
    Done,
}

/// What came of it.
#[derive(Debug, Default)]
struct Findings {
    step: String,
    notes: Vec<String>,
    problems: Vec<String>,
    done: bool,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let registry = registry(&self.plugins);
        let path = registry.locate(&self.file).map_err(Failure::error)?;
        let title = self.look(&registry, &path)?;

        let scratch = Folder::create().map_err(Failure::error)?;
        let limit = if self.stress { STRESS_LIMIT } else { LIMIT };
        let (findings, end) = self
            .probe(&registry, &path, &scratch, limit)
            .map_err(Failure::error)?;
        let mut problems = findings.problems;
        if !findings.done {
            let step = &findings.step;
            problems.push(match end {
                Some(status) => format!("{} while {step}", how_it_ended(status)),
                None => format!("hung while {step}: stopped after {} s", limit.as_secs()),
            });
        }
        if !problems.is_empty() {
            let problems = problems.join("; ");
            return Err(Failure::Error(format!("driver plugin {title}: {problems}")));
        }
        let notes: String = findings
            .notes
            .iter()
            .map(|note| format!("  {note}\n"))
            .collect();
        print(&format!("{}: ok ({title})\n{notes}", path.display()))?;
        Ok(0)
    }

    /// What can be said without running it, as a configuration that needs it would.
    fn look(&self, registry: &Registry, path: &Path) -> Result<String, Failure> {
        let metadata = registry.read_metadata(path).map_err(Failure::error)?;
        if let Some(name) = &self.type_name
            && metadata.driver(name).is_none()
        {
            return Err(Failure::Error(format!(
                "driver plugin {}: has no driver `{name}`",
                metadata.title()
            )));
        }
        Ok(metadata.title())
    }

    /// Runs the child to its end, or to the limit.
    fn probe(
        &self,
        registry: &Registry,
        path: &Path,
        scratch: &Folder,
        limit: Duration,
    ) -> std::io::Result<(Findings, Option<ExitStatus>)> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([
                "--log-format",
                "text",
                "--log-level",
                "WARNING",
                "driver",
                "probe",
            ])
            .arg(path)
            .arg("--scratch")
            .arg(scratch.path());
        if let Some(type_name) = &self.type_name {
            command.args(["--type", type_name]);
        }
        if let Some(config) = &self.config {
            command.args(["--config", config]);
        }
        command.args(self.stress.then_some("--stress"));
        command.args(
            registry
                .options()
                .insecure_plugins
                .then_some("--insecure-plugins"),
        );
        let mut child = command
            .stdin(OwnedFd::from(theirs))
            // A panic is one line of our answer, not twenty.
            .env("RUST_BACKTRACE", "0")
            // Whatever the plugin prints is not our output.
            .stdout(std::io::stderr().as_fd().try_clone_to_owned()?)
            .process_group(0)
            .spawn()?;
        // The command holds the other end of the socket until it is gone.
        drop(command);
        let findings = listen(ours.try_clone()?, limit);
        let end = end(&mut child, &findings)?;
        // Not before: the child leaves when nobody listens.
        drop(ours);
        Ok((findings, end))
    }
}

/// Takes down what the child says, until it has done, it is gone, or the time is up.
fn listen(socket: UnixStream, limit: Duration) -> Findings {
    let until = Instant::now() + limit;
    let mut findings = Findings::default();
    let mut reader = BufReader::new(Deadline { socket, until });
    let mut line = String::new();
    while !findings.done {
        line.clear();
        match reader.read_line(&mut line) {
            Ok(length) if length > 0 => findings.take(&line),
            _ => break,
        }
    }
    findings
}

/// The status of a child that ended by itself; one that did not is stopped, with all that it started.
fn end(child: &mut Child, findings: &Findings) -> std::io::Result<Option<ExitStatus>> {
    // The socket is closed a moment before the process is gone.
    let patience = Instant::now() + Duration::from_millis(500);
    while !findings.done && Instant::now() < patience {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // It is its own process group, and not waited for: the number is still its own.
    let group = Pid::from_raw(child.id().cast_signed());
    if let Err(error) = killpg(group, Signal::SIGKILL) {
        tracing::debug!(%error, "the probe is gone already");
    }
    child.wait()?;
    Ok(None)
}

fn how_it_ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(number), _) => {
            let name = Signal::try_from(number).map_or("an unknown signal", Signal::as_str);
            format!("killed by signal {name}")
        }
        (None, Some(code)) => format!("the process exited with {code}"),
        (None, None) => "the process ended".to_owned(),
    }
}

/// A socket that is read until a moment, however often.
struct Deadline {
    socket: UnixStream,
    until: Instant,
}

// === impl Deadline ===

impl Read for Deadline {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        self.socket.set_read_timeout(Some(left))?;
        self.socket.read(buffer)
    }
}

// === impl Findings ===

impl Findings {
    fn take(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Line::Step(step)) => self.step = step,
            Ok(Line::Note(note)) => self.notes.push(note),
            Ok(Line::Problem(problem)) => self.problems.push(problem),
            Ok(Line::Done) => self.done = true,
            // The plugin wrote to the descriptor; what it wrote does not matter.
            Err(error) => tracing::debug!(%error, "the probe said something strange"),
        }
    }
}
