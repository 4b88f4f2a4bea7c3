//! `jmp-controller run`: serves until it is told to stop.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Failure, Outcome};
use crate::cli::Target;
use crate::log;
use crate::serve::{self, Role};

/// Serve exporters and clients
///
/// SIGTERM ends it within a second; leases and the sessions of exporters outlive that. SIGHUP reads the
/// configuration again: issuers, labels, limits, retention and the level of the log count at once, the
/// rest from the next start.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Everything in one process
  jmp-controller run
  # Two processes on this machine: byte streams outlive restarts of the controller
  jmp-controller run --role router &
  jmp-controller run --role controller
  # Read the configuration again
  systemctl reload jmp-controller")]
pub struct Cmd {
    /// Which part of it this process is
    #[arg(long, value_enum, default_value_t)]
    role: Role,
}

// === impl Cmd ===

impl Cmd {
    pub(super) fn run(self, target: &Target) -> Outcome {
        let (config, folder) = target.find()?;
        log::configure(config.log_level);
        if let Some(path) = &config.path {
            tracing::info!(path = %path.display(), "read the configuration");
        }
        if std::env::var_os("CONTROLLER_KEY").is_some() {
            tracing::warn!(
                "CONTROLLER_KEY is not used: keys are made from random numbers, and public keys of \
                 another controller can be imported"
            );
        }
        more_files();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("controller")
            .enable_all()
            .build()
            .map_err(Failure::error)?;
        let outcome = runtime.block_on(async {
            let stop = CancellationToken::new();
            let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::error)?;
            let mut terminate = signal(SignalKind::terminate()).map_err(Failure::error)?;
            let serve = serve::run(config, folder, self.role, stop.clone());
            tokio::pin!(serve);
            let ended = tokio::select! {
                ended = &mut serve => ended,
                _ = interrupt.recv() => {
                    stop.cancel();
                    serve.await
                }
                _ = terminate.recv() => {
                    stop.cancel();
                    serve.await
                }
            };
            ended.map_err(Failure::error)
        });
        // A thread that is stuck in a read must not keep the process from ending.
        runtime.shutdown_background();
        outcome
    }
}

/// Raises the limit of open files: every exporter and every tunnel takes one.
fn more_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}
