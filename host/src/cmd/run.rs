//! `jmp run`: an exporter, until a signal stops it, a hook, or the end of its only lease.

use std::path::PathBuf;
use std::pin::pin;

use jumpstarter_client::Secret;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::controller::{Link, LinkError};
use crate::life::{self, Exporter, Port, Side};
use crate::listen::{self, Address};
use crate::log;
use crate::service::Passphrase;

use super::options::{Plugins, Source};
use super::signals::Signals;
use super::{Failure, Outcome, runtime};

/// More signals than this are not passed on while the exporter looks elsewhere.
const STOPS: usize = 8;

/// Run an exporter
///
/// With --tls-grpc-listener it serves clients on that port. Without, it registers with the controller
/// that the configuration names in `endpoint` and `token`, and serves one lease after the other.
///
/// SIGTERM and SIGINT stop it once the afterLease hook has run, a second one cuts that short; SIGHUP
/// stops it after the lease that is going on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # On a port, for tests on this machine
  jmp run --exporter-config lab.yaml --tls-grpc-listener 127.0.0.1:8082 --tls-grpc-insecure
  # On a port, for those who know the passphrase
  jmp run --exporter lab --tls-grpc-listener 8082 --tls-cert cert.pem --tls-key key.pem \\
      --passphrase \"$PASSPHRASE\"
  # At a controller
  jmp run --exporter lab")]
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

/// Where clients will come from.
#[derive(Debug)]
enum Way {
    Door(Door),
    Controller,
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
    /// Runs until the exporter's life is over; the exit code tells why.
    pub fn run(self) -> Outcome {
        let config = self.source.load()?;
        let exit_on_lease_end = self.exit_on_lease_end || config.exit_on_lease_end;
        let registry = self.plugins.registry(&config);
        let way = self.way()?;

        let name = match config.metadata.name.as_str() {
            "" => "unknown",
            name => name,
        };
        match way {
            Way::Door(_) => {
                log::set_context(&[("exporter", name), ("lease_id", "standalone")]);
                if exit_on_lease_end {
                    tracing::info!(
                        "There are no leases without a controller, so none ends this exporter"
                    );
                }
            }
            Way::Controller => log::set_context(&[("exporter", name)]),
        }
        runtime::warn_about(&config);

        runtime::block_on(async {
            let mut signals = Signals::listen().map_err(Failure::error)?;
            let side = match way {
                Way::Door(door) => Side::Port(door.open().await?),
                Way::Controller => Side::Controller(Link::new(&config).map_err(no_controller)?),
            };
            let exporter = Exporter {
                config,
                registry,
                side,
                exit_on_lease_end,
            };
            let (stop, stops) = mpsc::channel(STOPS);
            let force = CancellationToken::new();
            let mut living = pin!(life::live(exporter, stops, force.clone()));
            let over = tokio::select! {
                over = &mut living => over,
                last = signals.pass_on(stop) => {
                    force.cancel();
                    // That it was forced is known here.
                    living.await.ok();
                    return Ok(last.exit_code());
                }
            };
            over.map_err(Failure::error)
        })
    }

    /// Checks what the options about the port say together.
    fn way(self) -> Result<Way, Failure> {
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
            return Ok(Way::Controller);
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
        Ok(Way::Door(Door {
            address,
            tls,
            passphrase: self.passphrase,
        }))
    }
}

// === impl Door ===

impl Door {
    /// Binds the port: of all that can fail, this does so soonest.
    async fn open(self) -> Result<Port, Failure> {
        let Self {
            address,
            tls,
            passphrase,
        } = self;
        let tls = match tls {
            Some((certificate, key)) => {
                Some(listen::acceptor(&certificate, &key).map_err(Failure::error)?)
            }
            None => None,
        };
        if tls.is_none() && passphrase.is_some() {
            runtime::warn(
                "--passphrase has no effect without TLS; \
                 the passphrase will be transmitted in plaintext",
            );
        }
        let listener = listen::bind(&address).await.map_err(Failure::error)?;
        Ok(Port {
            address,
            listener: Some(listener),
            tls,
            passphrase: passphrase.map(Passphrase::new),
        })
    }
}

fn no_controller(error: LinkError) -> Failure {
    match error {
        LinkError::NotSet => Failure::Error(format!(
            "{error}; to serve clients without one, add --tls-grpc-listener [HOST:]PORT"
        )),
        error => Failure::error(error),
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
