//! `jmp-exporter local`: the exporter inside a `jmp shell --exporter …`.
//!
//! The shell starts it, reads one JSON line from its stdout to learn where the socket is, and holds
//! its stdin open for as long as it wants the drivers.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use crate::config::ExporterConfig;
use crate::life::Hosted;
use crate::listen::Folder;
use crate::log;
use crate::plugin::Registry;
use crate::session::Kind;

use super::options::{Plugins, Source};
use super::signals::Signals;
use super::{Failure, Outcome, runtime};

/// How long a signal waits for a session that is about to be up.
const LAST_MOMENT: Duration = Duration::from_millis(200);

/// Serve one shell on this machine
#[derive(Debug, clap::Args)]
pub struct Cmd {
    #[command(flatten)]
    source: Source,

    #[command(flatten)]
    plugins: Plugins,
}

/// What the shell needs to know.
#[derive(Serialize)]
struct Ready<'a> {
    socket: &'a str,
    motd: &'a str,
    name: &'a str,
}

// === impl Cmd ===

impl Cmd {
    /// Runs until stdin ends or a signal comes.
    pub fn run(self) -> Outcome {
        let config = self.source.load()?;
        let registry = self.plugins.registry(&config);
        log::set_context(&[("exporter", &config.metadata.name)]);
        runtime::warn_about(&config);

        runtime::block_on(async {
            let mut signals = Signals::listen().map_err(Failure::error)?;
            // A task of its own: a plugin that hangs while it is loaded must not keep the signals.
            let folder = Arc::new(Folder::create().map_err(Failure::error)?);
            let mut starting = tokio::spawn(start(config, registry, Arc::clone(&folder)));
            let (hosted, code) = tokio::select! {
                hosted = &mut starting => {
                    let hosted = hosted.map_err(Failure::error)??;
                    let code = tokio::select! {
                        () = end_of_input() => 0,
                        stop = signals.not_typed() => stop.exit_code(),
                    };
                    (hosted, code)
                }
                stop = signals.not_typed() => match timeout(LAST_MOMENT, starting).await {
                    Ok(Ok(Ok(hosted))) => (hosted, stop.exit_code()),
                    _ => {
                        folder.remove();
                        return Ok(stop.exit_code());
                    }
                },
            };
            tokio::select! {
                () = hosted.close() => {}
                _ = signals.not_typed() => {}
            }
            Ok(code)
        })
    }
}

async fn start(
    config: ExporterConfig,
    registry: Registry,
    folder: Arc<Folder>,
) -> Result<Hosted, Failure> {
    let hosted = Hosted::open(&config, &registry, Kind::Local, folder)
        .await
        .map_err(Failure::error)?;
    hosted.session.ready("");
    let socket = hosted.socket();
    let ready = Ready {
        socket: socket
            .to_str()
            .ok_or_else(|| Failure::Error(format!("`{}` is not UTF-8", socket.display())))?,
        motd: &hosted.session.motd(),
        name: &config.metadata.name,
    };
    let mut line = serde_json::to_vec(&ready).map_err(Failure::error)?;
    line.push(b'\n');
    std::io::stdout()
        .write_all(&line)
        .and_then(|()| std::io::stdout().flush())
        .map_err(|error| Failure::Error(format!("cannot tell the shell the socket: {error}")))?;
    Ok(hosted)
}

/// Resolves when whoever holds the other end of stdin lets go of it.
async fn end_of_input() {
    // An error means as much: nobody holds it.
    tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink())
        .await
        .ok();
}
