//! Severities, under the names the reference uses on its command line and on the wire.

use tracing::level_filters::LevelFilter;

/// The least important lines to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Level {
    /// Everything, for finding faults
    Debug,
    /// What happens, a line per action
    #[default]
    Info,
    /// What went wrong and was dealt with
    Warning,
    /// What a person must look at
    Error,
    /// Nothing: no line of the exporter is this important
    Critical,
}

// === impl Level ===

impl Level {
    pub(super) fn filter(self) -> LevelFilter {
        match self {
            Self::Debug => LevelFilter::DEBUG,
            Self::Info => LevelFilter::INFO,
            Self::Warning => LevelFilter::WARN,
            Self::Error => LevelFilter::ERROR,
            Self::Critical => LevelFilter::OFF,
        }
    }
}

/// The name clients and text lines use.
pub(super) fn upper(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "ERROR",
        tracing::Level::WARN => "WARNING",
        tracing::Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// The name JSON lines use.
pub(super) fn lower(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warning",
        tracing::Level::INFO => "info",
        _ => "debug",
    }
}
