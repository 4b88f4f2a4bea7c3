//! One call, checked before anything is started.

use std::path::Path;
use std::time::Duration;

use jumpstarter_driver::Error;
use serde_json::{Map, Value};

use crate::blocked::{is_blocked, is_name};
use crate::config::Config;
use crate::python::{List, class};

/// No clock runs over within a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// A script that may run: everything about the call has been found in order.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) method: String,
    /// The shell, the script, the method's name and the caller's arguments.
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) cwd: Option<String>,
    /// Seconds.
    pub(crate) timeout: f64,
}

/// Why a call is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "call_method() takes a method's name, an environment or null, and strings: `{0}` is missing"
    )]
    Missing(&'static str),
    #[error("Method '{0}' not found in available methods: {1}")]
    UnknownMethod(String, String),
    #[error("The environment must be an object or null, got {0}")]
    Environment(&'static str),
    #[error("Invalid environment variable name: {0}")]
    VariableName(String),
    #[error("Environment variable '{0}' is blocked for security reasons")]
    Blocked(String),
    #[error("Environment variable '{0}' must be a string, got {1}")]
    VariableValue(String, &'static str),
    #[error("Shell script must be a non-empty string")]
    Blank,
    #[error("All arguments must be strings, got {0}")]
    Argument(&'static str),
    #[error("Working directory does not exist: {0}")]
    Folder(String),
}

// === impl Order ===

impl Order {
    /// Checks a call: the method, its environment, and what the script gets as `$1`, `$2`, ...
    pub(crate) fn new(config: &Config, args: Vec<Value>) -> Result<Self, Refusal> {
        let mut args = args.into_iter();
        let method = args.next().ok_or(Refusal::Missing("method"))?;
        let env = args.next().ok_or(Refusal::Missing("env"))?;
        let method = match method {
            Value::String(name) => name,
            other => other.to_string(),
        };
        let Some(entry) = config.methods.get(&method) else {
            let known = List(config.methods.names().collect::<Vec<_>>().into_iter());
            return Err(Refusal::UnknownMethod(method, known.to_string()));
        };
        let env = match env {
            Value::Null => Vec::new(),
            Value::Object(env) => variables(env)?,
            other => return Err(Refusal::Environment(class(&other))),
        };
        if entry.command.trim().is_empty() {
            return Err(Refusal::Blank);
        }
        let mut argv = config.shell.clone();
        argv.extend([entry.command.clone(), method.clone()]);
        for arg in args {
            match arg {
                Value::String(text) => argv.push(text),
                other => return Err(Refusal::Argument(class(&other))),
            }
        }
        match &config.cwd {
            Some(folder) if !folder.is_empty() && !Path::new(folder).is_dir() => {
                return Err(Refusal::Folder(folder.clone()));
            }
            _ => {}
        }
        Ok(Self {
            method,
            argv,
            env,
            cwd: config.cwd.clone().filter(|folder| !folder.is_empty()),
            timeout: entry.timeout.unwrap_or(config.timeout),
        })
    }

    /// How long the script may run.
    pub(crate) fn limit(&self) -> Duration {
        // That it is a length of time was checked when the driver was opened.
        let limit = Duration::try_from_secs_f64(self.timeout);
        limit.unwrap_or(LONGEST).min(LONGEST)
    }

    /// What the caller reads when that was not long enough.
    pub(crate) fn expired(&self) -> String {
        let Self {
            method, timeout, ..
        } = self;
        let argv = List(self.argv.iter().map(String::as_str));
        format!(
            "\nTimeout expired while running {method}: Command '{argv}' timed out after {timeout} \
             seconds\n"
        )
    }
}

fn variables(env: Map<String, Value>) -> Result<Vec<(String, String)>, Refusal> {
    if let Some(name) = env.keys().find(|name| !is_name(name)) {
        return Err(Refusal::VariableName(name.clone()));
    }
    if let Some(name) = env.keys().find(|name| is_blocked(name)) {
        return Err(Refusal::Blocked(name.clone()));
    }
    env.into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            other => Err(Refusal::VariableValue(name, class(&other))),
        })
        .collect()
}

// === impl Refusal ===

impl Refusal {
    /// What the caller gets.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Missing(_) => Error::unknown(self),
            _ => Error::invalid_argument(self),
        }
    }
}
