//! What an exporter logs, followed across interruptions.
//!
//! An exporter keeps its latest lines until somebody asks for them, so a client that attaches after a
//! hook ran still gets the hook's output. Each line goes to one follower only.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use jumpstarter_proto::v1::{LogSource, LogStreamResponse};
use tokio::time::{Instant, Sleep};
use tonic::{Code, Status, Streaming};

use crate::connect::Transport;

/// Delays between attempts: the first, and the longest.
const DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Attempts in a row that may fail.
const ATTEMPTS: u32 = 10;

/// One line of an exporter's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Who wrote it.
    pub source: Source,
    /// How serious it is.
    pub severity: Severity,
    /// The text.
    pub message: String,
}

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The hook before the lease.
    BeforeLease,
    /// The hook after the lease.
    AfterLease,
    /// A driver.
    Driver,
    /// The exporter itself.
    System,
}

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For whoever looks for a mistake.
    Debug,
    /// What happened.
    Info,
    /// Something went wrong and was dealt with.
    Warning,
    /// Something went wrong.
    Error,
    /// Nothing works any more.
    Critical,
}

/// Follows an exporter's log.
///
/// ```no_run
/// # async fn example(session: jumpstarter_client::Session) {
/// use jumpstarter_client::logs::Follower;
///
/// let mut logs = Follower::new(session.client());
/// while let Some(line) = logs.next().await {
///     println!("[{}] {}", line.source.logger(), line.message);
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Follower {
    client: ExporterServiceClient<Transport>,
    state: State,
    failures: u32,
}

enum State {
    Opening(Pin<Box<dyn Future<Output = Result<Streaming<LogStreamResponse>, Status>> + Send>>),
    Open(Box<Streaming<LogStreamResponse>>),
    Waiting(Pin<Box<Sleep>>),
    Ended,
}

// === impl Follower ===

impl Follower {
    /// Begins to follow; the request goes out with the first [`next`](Self::next).
    pub fn new(client: ExporterServiceClient<Transport>) -> Self {
        let state = open(client.clone());
        Self {
            client,
            state,
            failures: 0,
        }
    }

    /// The next line, or none when the exporter has no log or stays away.
    ///
    /// Dropping the future loses nothing, so it may stand in `select!`.
    pub async fn next(&mut self) -> Option<LogLine> {
        loop {
            match &mut self.state {
                State::Opening(opening) => {
                    let opened = opening.await;
                    self.opened(opened);
                }
                State::Open(stream) => match stream.message().await {
                    Ok(Some(line)) => {
                        self.failures = 0;
                        if !is_noise(&line.message) {
                            return Some(LogLine::from(line));
                        }
                    }
                    Ok(None) => self.interrupted(Code::Unavailable),
                    Err(status) => self.interrupted(status.code()),
                },
                State::Waiting(delay) => {
                    delay.await;
                    self.state = open(self.client.clone());
                }
                State::Ended => return None,
            }
        }
    }

    /// Waits until the exporter has accepted the request, or refused it.
    pub async fn attach(&mut self) {
        if let State::Opening(opening) = &mut self.state {
            let opened = opening.await;
            self.opened(opened);
        }
    }

    /// Whether no line will ever come.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn opened(&mut self, opened: Result<Streaming<LogStreamResponse>, Status>) {
        match opened {
            Ok(stream) => self.state = State::Open(Box::new(stream)),
            Err(status) => self.interrupted(status.code()),
        }
    }

    fn interrupted(&mut self, code: Code) {
        self.failures += 1;
        let hopeless = matches!(code, Code::Cancelled | Code::Unimplemented);
        self.state = if hopeless || self.failures > ATTEMPTS {
            State::Ended
        } else {
            let delay = DELAY * 2_u32.saturating_pow(self.failures - 1);
            let until = Instant::now() + delay.min(LONGEST_DELAY);
            State::Waiting(Box::pin(tokio::time::sleep_until(until)))
        };
    }
}

fn open(mut client: ExporterServiceClient<Transport>) -> State {
    State::Opening(Box::pin(async move {
        client.log_stream(()).await.map(tonic::Response::into_inner)
    }))
}

/// What Python exporters log when a client asks for something optional they do not have.
fn is_noise(message: &str) -> bool {
    message.contains("raised by servicer method") && message.contains("NotImplementedError")
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Opening(_) => "Opening",
            Self::Open(_) => "Open",
            Self::Waiting(_) => "Waiting",
            Self::Ended => "Ended",
        })
    }
}

// === impl LogLine ===

impl From<LogStreamResponse> for LogLine {
    fn from(line: LogStreamResponse) -> Self {
        let source = match line.source() {
            LogSource::BeforeLeaseHook => Source::BeforeLease,
            LogSource::AfterLeaseHook => Source::AfterLease,
            LogSource::Driver => Source::Driver,
            LogSource::System | LogSource::Unspecified => Source::System,
        };
        Self {
            source,
            severity: Severity::parse(&line.severity).unwrap_or(Severity::Info),
            message: line.message,
        }
    }
}

// === impl Source ===

impl Source {
    /// The name lines of this source carry: `exporter:beforeLease`.
    pub fn logger(self) -> &'static str {
        match self {
            Self::BeforeLease => "exporter:beforeLease",
            Self::AfterLease => "exporter:afterLease",
            Self::Driver => "exporter:driver",
            Self::System => "exporter:system",
        }
    }

    /// Whether it is a hook, whose lines are always shown.
    pub fn is_hook(self) -> bool {
        matches!(self, Self::BeforeLease | Self::AfterLease)
    }
}

// === impl Severity ===

impl Severity {
    /// All of them, from the least to the most serious, by name.
    pub const NAMES: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

    /// Reads a name as exporters write it.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "DEBUG" => Some(Self::Debug),
            "INFO" => Some(Self::Info),
            "WARNING" => Some(Self::Warning),
            "ERROR" => Some(Self::Error),
            "CRITICAL" => Some(Self::Critical),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_what_matters() {
        let line = |source: Option<LogSource>, severity: &str| {
            LogLine::from(LogStreamResponse {
                severity: severity.to_owned(),
                message: "m".to_owned(),
                source: source.map(i32::from),
                ..Default::default()
            })
        };
        let hook = line(Some(LogSource::BeforeLeaseHook), "WARNING");
        assert_eq!(hook.source.logger(), "exporter:beforeLease");
        assert_eq!(hook.severity, Severity::Warning);
        assert!(hook.source.is_hook());
        let odd = line(None, "Level 7");
        assert_eq!((odd.source, odd.severity), (Source::System, Severity::Info));
    }

    #[test]
    fn severities_have_their_names() {
        for name in Severity::NAMES {
            assert_eq!(Severity::parse(name).map(Severity::name), Some(name));
        }
        assert_eq!(Severity::parse("info"), None);
    }

    #[test]
    fn complaints_about_optional_calls_are_noise() {
        assert!(is_noise(
            "NotImplementedError raised by servicer method [/x/Reset]"
        ));
        assert!(!is_noise("NotImplementedError in a driver"));
    }
}
