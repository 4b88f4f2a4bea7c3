//! What the commands that serve drivers share: threads, and warnings.

use std::io::Write;

use tokio::runtime;

use crate::config::ExporterConfig;

use super::{Failure, Outcome};

/// Calls are answered by more threads than this only where there are more CPUs, up to `THREADS.1`.
const THREADS: (usize, usize) = (2, 8);

/// Does `work` on the threads that answer calls.
pub(super) fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(cpus.clamp(THREADS.0, THREADS.1))
        .thread_name("exporter")
        .enable_all()
        .build()
        .map_err(|error| Failure::Error(format!("cannot start threads: {error}")))?;
    let outcome = runtime.block_on(work);
    // A thread that is stuck reading, stdin for example, must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Logs what in the configuration is allowed but probably not meant.
pub(super) fn warn_about(config: &ExporterConfig) {
    for mistake in &config.warnings {
        tracing::warn!("{}", mistake.show(&config.source, ""));
    }
}

/// Warns whoever typed the command, in the words scripts may look for.
pub(super) fn warn(message: &str) {
    // Without stderr there is nobody to warn.
    writeln!(std::io::stderr(), "WARNING: {message}").ok();
}
