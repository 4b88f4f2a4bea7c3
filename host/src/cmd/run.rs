//! `jmp run`: an exporter, until a signal stops it.
//!
//! This version serves clients that connect to its port; it does not register with a controller.

use std::path::PathBuf;
use std::sync::Arc;

use jumpstarter_client::Secret;
use tokio::time::timeout;

use crate::config::{ExporterConfig, Hooks};
use crate::listen::{self, Address, Folder};
use crate::log;
use crate::plugin::Registry;
use crate::service::Passphrase;
use crate::session::Kind;

use super::hosted::{self, Hosted, LAST_MOMENT};
use super::options::{Plugins, Source};
use super::signals::Signals;
use super::{Failure, Outcome};

/// Run an exporter
#[derive(Debug, clap::Args)]
pub struct Cmd {
    #[command(flatten)]
    source: Source,

    /// Serve clients on this port instead of registering with a controller
    #[arg(long, value_name = "[HOST:]PORT")]
    tls_grpc_listener: Option<String>,

    /// Serve without TLS
    #[arg(long)]
    tls_grpc_insecure: bool,

    /// Certificate of the server (PEM)
    #[arg(long, value_name = "PATH", value_parser = existing)]
    tls_cert: Option<PathBuf>,

    /// Private key of the server (PEM)
    #[arg(long, value_name = "PATH", value_parser = existing)]
    tls_key: Option<PathBuf>,

    /// Serve only clients that present this passphrase
    #[arg(long, value_name = "TEXT", value_parser = secret)]
    passphrase: Option<Secret<String>>,

    /// Stop after the first lease has ended
    #[arg(long)]
    exit_on_lease_end: bool,

    #[command(flatten)]
    plugins: Plugins,
}

/// The port clients come through.
#[derive(Debug)]
struct Door {
    address: Address,
    /// Certificate and key; none serves plaintext.
    tls: Option<(PathBuf, PathBuf)>,
    passphrase: Option<Secret<String>>,
}

// === impl Cmd ===

impl Cmd {
    /// Runs until a signal comes; the exit code tells which.
    pub fn run(self) -> Outcome {
        let config = self.source.load()?;
        let exit_on_lease_end = self.exit_on_lease_end || config.exit_on_lease_end;
        let registry = self.plugins.registry(&config);
        let door = self.door()?;

        let name = match config.metadata.name.as_str() {
            "" => "unknown",
            name => name,
        };
        log::set_context(&[("exporter", name), ("lease_id", "standalone")]);
        hosted::warn_about(&config);
        warn_about_hooks(&config.hooks);
        if exit_on_lease_end {
            tracing::info!("There are no leases without a controller, so none ends this exporter");
        }

        hosted::block_on(async {
            let mut signals = Signals::listen().map_err(Failure::error)?;
            // A task of its own: a plugin that hangs while it is loaded keeps its thread, and must
            // not keep the signals.
            let folder = Arc::new(Folder::create().map_err(Failure::error)?);
            let mut starting = tokio::spawn(start(config, registry, door, Arc::clone(&folder)));
            let (hosted, stop) = tokio::select! {
                hosted = &mut starting => {
                    (hosted.map_err(Failure::error)??, signals.next().await)
                }
                // Whoever has just been told that the exporter is up may stop it at once.
                stop = signals.next() => match timeout(LAST_MOMENT, starting).await {
                    Ok(Ok(Ok(hosted))) => (hosted, stop),
                    // Nobody has been served yet, so there is nothing to wind up.
                    _ => {
                        folder.remove();
                        return Ok(stop.exit_code());
                    }
                },
            };
            tracing::info!(signal = stop.name, "Stopping exporter");
            tokio::select! {
                () = hosted.close() => {}
                again = signals.next() => {
                    tracing::warn!(signal = again.name, "Stopping at once");
                }
            }
            Ok(stop.exit_code())
        })
    }

    /// Checks what the options about the port say together.
    fn door(self) -> Result<Door, Failure> {
        let usage = |message: &str| Failure::Usage(message.into());
        let Some(listener) = self.tls_grpc_listener else {
            if self.tls_grpc_insecure
                || self.tls_cert.is_some()
                || self.tls_key.is_some()
                || self.passphrase.is_some()
            {
                return Err(usage(
                    "--tls-grpc-insecure, --tls-cert, --tls-key, and --passphrase require \
                     --tls-grpc-listener",
                ));
            }
            return Err(Failure::Error(
                "this version cannot register with a controller; to serve clients directly, add \
                 --tls-grpc-listener [HOST:]PORT and either --tls-grpc-insecure or --tls-cert and \
                 --tls-key"
                    .into(),
            ));
        };
        let tls = match (self.tls_grpc_insecure, self.tls_cert, self.tls_key) {
            (true, None, None) => None,
            (true, ..) => {
                return Err(usage(
                    "--tls-grpc-insecure cannot be combined with --tls-cert / --tls-key",
                ));
            }
            (false, Some(certificate), Some(key)) => Some((certificate, key)),
            (false, ..) => {
                return Err(usage(
                    "--tls-grpc-listener requires either --tls-grpc-insecure or --tls-cert and \
                     --tls-key",
                ));
            }
        };
        let address = listener.parse().map_err(|error| {
            Failure::Usage(format!("Invalid value for '--tls-grpc-listener': {error}"))
        })?;
        Ok(Door {
            address,
            tls,
            passphrase: self.passphrase,
        })
    }
}

/// Opens the port, then the drivers, then the door.
async fn start(
    config: ExporterConfig,
    registry: Registry,
    door: Door,
    folder: Arc<Folder>,
) -> Result<Hosted, Failure> {
    let tls = match &door.tls {
        Some((certificate, key)) => {
            Some(listen::acceptor(certificate, key).map_err(Failure::error)?)
        }
        None => None,
    };
    if tls.is_none() && door.passphrase.is_some() {
        hosted::warn(
            "--passphrase has no effect without TLS; \
             the passphrase will be transmitted in plaintext",
        );
    }
    // First, because it fails soonest; who connects now is served when the drivers are open.
    let listener = listen::bind(&door.address).await.map_err(Failure::error)?;
    let hosted = Hosted::open(&config, &registry, Kind::Direct, folder)
        .await
        .map_err(Failure::error)?;
    hosted.session.ready("Ready for commands");
    let rpc = hosted.rpc.behind(door.passphrase.map(Passphrase::new));
    hosted.server.serve_tcp(listener, tls, rpc);
    tracing::info!(
        "Session server started on {} and unix://{}",
        door.address,
        hosted.socket().display()
    );
    Ok(hosted)
}

fn warn_about_hooks(hooks: &Hooks) {
    let names: Vec<&str> = [
        ("beforeLease", &hooks.before_lease),
        ("afterLease", &hooks.after_lease),
    ]
    .into_iter()
    .filter_map(|(name, hook)| hook.as_ref().map(|_| name))
    .collect();
    if !names.is_empty() {
        tracing::warn!(
            "This version does not run hooks; ignoring {}",
            names.join(", ")
        );
    }
}

fn existing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("Path '{text}' does not exist."))
    }
}

fn secret(text: &str) -> Result<Secret<String>, &'static str> {
    // As from an unset variable in a script; serving everybody is not what was meant.
    if text.is_empty() {
        return Err("the passphrase is empty.");
    }
    Ok(Secret::new(text.to_owned()))
}
