//! `jmp driver probe`: the child of `jmp driver check`. Loads the plugin, opens its drivers, and
//! tries what every driver has to survive. No method of a driver is called: that could switch
//! something.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jumpstarter_completion::{abandoned, strays};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tracing::Level;

use crate::cmd::options::Plugins;
use crate::cmd::{Failure, Outcome, leave, runtime};
use crate::plugin::{CallError, Child, Code, Instance, Library, Node, Record, Services};

use super::check::Line;
use super::{registry, schema};

/// A name that no driver uses for a method.
const NO_METHOD: &str = "jmp_driver_check_no_such_method";
const NO_EXTENSION: &str = "jmp.no_such_extension/1";
/// What a driver may take to refuse or to close.
const PROMPT: Duration = Duration::from_secs(3);
const GRACE: Duration = Duration::from_millis(250);
const ROUNDS: usize = 50;
const CALLERS: usize = 64;

/// Try a plugin in this process
#[derive(Debug, clap::Args)]
pub(super) struct Cmd {
    file: PathBuf,

    #[arg(long)]
    scratch: PathBuf,

    #[arg(long = "type")]
    type_name: Option<String>,

    #[arg(long)]
    config: Option<String>,

    #[arg(long)]
    stress: bool,

    #[command(flatten)]
    plugins: Plugins,
}

/// A probe at work.
struct Probe {
    report: UnixStream,
    library: Arc<Library>,
    session: Arc<Empty>,
    config: Option<Value>,
    stress: bool,
}

/// A session without anything in it, which notes panics that no answer tells of.
struct Empty {
    folder: PathBuf,
    panics: Mutex<Vec<String>>,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self) -> Outcome {
        let stdin = std::io::stdin().as_fd().try_clone_to_owned();
        let mut report = UnixStream::from(stdin.map_err(Failure::error)?);
        leave_with_parent(report.try_clone().map_err(Failure::error)?);
        runtime::block_on(async move {
            if let Err(problem) = self.work(&mut report).await {
                say(&mut report, &Line::Problem(problem))?;
            }
            say(&mut report, &Line::Done)?;
            Ok(0)
        })
    }

    /// Everything there is to try. An error is a problem after which there is nothing left to try.
    async fn work(&self, report: &mut UnixStream) -> Result<(), String> {
        let config = match &self.config {
            None => None,
            Some(text) => Some(
                serde_yaml::from_str(text)
                    .map_err(|error| format!("--config is not YAML: {error}"))?,
            ),
        };
        // As `run` would load it, copies included: those may fail as well.
        let registry = registry(&self.plugins);
        let metadata = registry.read_metadata(&self.file).map_err(text)?;
        let mut types: Vec<_> = metadata
            .drivers
            .iter()
            .filter_map(|d| d.types.first())
            .collect();
        if let Some(wanted) = &self.type_name {
            types = vec![wanted];
        }
        let Some(first) = types.first() else {
            return Err("offers no driver".to_owned());
        };
        let step = |report: &mut UnixStream, what: String| {
            say(report, &Line::Step(what)).map_err(|_| "nobody listens".to_owned())
        };
        step(report, "loading".to_owned())?;
        let found = registry.find_in(&self.file, first).map_err(text)?;
        let library = registry.load(&found).map_err(text)?;
        if library.has_extension(NO_EXTENSION) {
            return Err(
                "has an extension of every name; `extension` must answer null for a name \
                        that it does not know"
                    .to_owned(),
            );
        }
        let mut probe = Probe {
            report: report.try_clone().map_err(text)?,
            library,
            session: Arc::new(Empty {
                folder: self.scratch.clone(),
                panics: Mutex::default(),
            }),
            config,
            stress: self.stress,
        };
        for type_name in types {
            if let Err(problem) = probe.driver(type_name).await {
                let problem = format!("`{type_name}` {problem}");
                say(report, &Line::Problem(problem)).map_err(|_| "nobody listens".to_owned())?;
            }
        }
        step(report, "counting answers".to_owned())?;
        probe.count().await
    }
}

/// Ends this process when nobody waits for it any more, whatever the plugin does meanwhile.
fn leave_with_parent(mut parent: UnixStream) {
    // Owned by the process: it is there to end it.
    std::thread::spawn(move || {
        // The parent never sends anything, so this returns when it is gone.
        parent.read_exact(&mut [0]).ok();
        leave(1)
    });
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn say(report: &mut UnixStream, line: &Line) -> Result<(), Failure> {
    let mut text = serde_json::to_string(line).map_err(Failure::error)?;
    text.push('\n');
    report.write_all(text.as_bytes()).map_err(Failure::error)
}

// === impl Probe ===

impl Probe {
    /// A life of a driver: opened, asked for what it does not have, closed.
    async fn driver(&mut self, type_name: &str) -> Result<(), String> {
        self.step(format!("opening `{type_name}`"))?;
        let config = self.config_of(type_name);
        let node = self.node();
        let opened = self
            .library
            .open(node.id(), type_name, "probe", &config)
            .await;
        let driver = match opened {
            Ok(opened) => opened.driver,
            Err(error) if !self.is_broken(&error) => {
                let note = format!("`{type_name}` was not opened with {config}: {error}");
                return self.tell(&Line::Note(note));
            }
            Err(error) => return Err(format!("cannot be opened: {error}")),
        };
        self.step(format!(
            "asking `{type_name}` for a method that it does not have"
        ))?;
        refuses_unknown_methods(&driver).await?;
        if self.stress {
            self.step(format!(
                "calling `{type_name}` from {CALLERS} places at once"
            ))?;
            stress_calls(&driver).await?;
        }
        self.step(format!("closing `{type_name}`"))?;
        close(&driver).await?;
        if let Some(panic) = self.session.panics().pop() {
            return Err(panic.trim_start_matches("the driver ").to_owned());
        }
        if self.stress {
            self.step(format!("opening and closing `{type_name}` {ROUNDS} times"))?;
            self.stress_lives(type_name, &config).await?;
        }
        Ok(())
    }

    fn node(&self) -> Node {
        let session: Arc<dyn Services> = self.session.clone();
        Node::new(Arc::downgrade(&session), &Handle::current())
    }

    async fn stress_lives(&self, type_name: &str, config: &str) -> Result<(), String> {
        for _ in 0..ROUNDS {
            let node = self.node();
            let opened = self
                .library
                .open(node.id(), type_name, "probe", config)
                .await;
            let driver = opened
                .map_err(|error| format!("opens only sometimes: {error}"))?
                .driver;
            // A call that is on its way when the driver is closed has to be answered all the same.
            let call = driver.call(NO_METHOD, &[], None);
            let (answer, closed) = tokio::join!(timeout(PROMPT, call), close(&driver));
            closed?;
            if answer.is_err() {
                return Err("does not answer a call that is open while it is closed".to_owned());
            }
        }
        Ok(())
    }

    /// Every completion must have come back, once.
    async fn count(&self) -> Result<(), String> {
        // What is on its way from other threads counts as well.
        tokio::time::sleep(GRACE).await;
        let until = Instant::now() + PROMPT;
        while abandoned() > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        match (strays(), abandoned()) {
            (0, 0) => Ok(()),
            (0, 1) => Err("never answered a call that was given up".to_owned()),
            (0, lost) => Err(format!("never answered {lost} calls that were given up")),
            (1, _) => Err("answered once too often".to_owned()),
            (double, _) => Err(format!("answered {double} times too often")),
        }
    }

    /// What was asked for, or an example of what the driver's schema says.
    fn config_of(&self, type_name: &str) -> String {
        let schema = self
            .library
            .metadata()
            .driver(type_name)
            .and_then(|d| d.config.as_ref());
        let config = match (&self.config, schema) {
            (Some(config), _) => config.clone(),
            (None, Some(schema)) => schema::example(schema),
            (None, None) => Value::Null,
        };
        match config {
            Value::Object(config) => Value::Object(config).to_string(),
            _ => "{}".to_owned(),
        }
    }

    /// A broken driver, as opposed to an honest "not with this configuration" or "not on this
    /// machine".
    fn is_broken(&self, error: &CallError) -> bool {
        let panicked = error.message.starts_with("the driver panicked");
        // The host names the plugin where it found the fault itself.
        let broke_a_rule = error.message.contains(&self.library.metadata().title());
        match error.code {
            Code::Internal => panicked || broke_a_rule,
            Code::DeadlineExceeded => true,
            _ => false,
        }
    }

    fn step(&mut self, what: String) -> Result<(), String> {
        self.tell(&Line::Step(what))
    }

    fn tell(&mut self, line: &Line) -> Result<(), String> {
        say(&mut self.report, line).map_err(|_| "nobody listens".to_owned())
    }
}

async fn refuses_unknown_methods(driver: &Instance) -> Result<(), String> {
    let deadline = || Some(Instant::now() + PROMPT);
    let call = driver.call(NO_METHOD, &[], deadline()).await.map(drop);
    refused("a call", call)?;
    let stream = driver.stream(NO_METHOD, &[], deadline()).await.map(drop);
    refused("a stream", stream)?;
    let connect = driver.connect(NO_METHOD, &[], deadline()).await.map(drop);
    refused("a byte stream", connect)
}

fn refused(what: &str, answer: Result<(), CallError>) -> Result<(), String> {
    match answer {
        Err(error) if error.code == Code::NotFound => Ok(()),
        Err(error) if error.code == Code::DeadlineExceeded => Err(format!(
            "does not answer {what} of a method that it does not have"
        )),
        Err(error) => Err(format!(
            "refuses {what} of an unknown method with {:?} `{error}`; it has to be NotFound",
            error.code
        )),
        Ok(()) => Err(format!("accepts {what} of a method that it does not have")),
    }
}

async fn stress_calls(driver: &Instance) -> Result<(), String> {
    let callers = (0..CALLERS).map(|number| {
        let driver = driver.clone();
        async move {
            for _ in 0..ROUNDS {
                let call = driver.call(NO_METHOD, &[], None);
                // Every other caller goes away before the answer.
                let patience = if number % 2 == 0 {
                    PROMPT
                } else {
                    Duration::ZERO
                };
                match timeout(patience, call).await {
                    Ok(answer) => refused("a call", answer.map(drop))?,
                    Err(_) if number % 2 == 0 => {
                        return Err("does not answer when it has much to do".to_owned());
                    }
                    Err(_) => {}
                }
            }
            Ok(())
        }
    });
    futures_util::future::try_join_all(callers).await.map(drop)
}

async fn close(driver: &Instance) -> Result<(), String> {
    match timeout(PROMPT, driver.close()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("cannot be closed: {error}")),
        Err(_) => Err(format!("is not closed after {} s", PROMPT.as_secs())),
    }
}

// === impl Empty ===

impl Empty {
    fn panics(&self) -> MutexGuard<'_, Vec<String>> {
        // The list is whole at every moment.
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services for Empty {
    fn children(&self, _node: u64) -> Result<Vec<Child>, CallError> {
        Ok(Vec::new())
    }

    fn child(&self, _node: u64, path: &str) -> Result<Instance, CallError> {
        let text = format!("there is no child `{path}` here");
        Err(CallError::new(Code::NotFound, text))
    }

    fn folder(&self, _node: u64) -> Result<PathBuf, CallError> {
        Ok(self.folder.clone())
    }

    fn log(&self, record: Record) {
        if record.level == Level::ERROR && record.message.contains("panicked") {
            self.panics().push(record.message);
        } else {
            record.trace();
        }
    }
}
