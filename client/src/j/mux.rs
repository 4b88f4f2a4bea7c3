//! Storage that is switched between the exporter and the board.

use std::sync::Arc;
use std::time::Duration;

use clap::{ArgMatches, Command};
use futures_util::FutureExt;
use tokio::time::timeout;
use tracing::warn;

use super::commands::{describe, own};
use super::farewell::Farewell;
use super::flasher::{self, Family, Image};
use super::transfer::{self, Source, Target, compression_of, failed, file, file_of};
use crate::Device;
use crate::ui::{Failure, Outcome};

/// How long a switch to the exporter that was interrupted is waited for; shorter than anybody who
/// wants to leave is kept.
const SWITCHED_WITHIN: Duration = Duration::from_secs(5);

/// What a mux can do besides switching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// It takes a file.
    Plain,
    /// It is used as a flasher.
    Flasher,
}

// === impl Flavour ===

impl Flavour {
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Plain => "Storage operations",
            Self::Flasher => flasher::ABOUT,
        }
    }
}

pub(super) fn command(group: Command, device: &Device, flavour: Flavour) -> Command {
    let group = describe(group, device, flavour.about()).subcommands([
        own(device, "dut", "Connect storage to dut"),
        own(device, "host", "Connect storage to host"),
        own(device, "off", "Disconnect storage"),
    ]);
    match flavour {
        Flavour::Plain => group.subcommand(
            own(device, "write-local-file", "Write a local file to storage")
                .arg(file("file").help("A file, an http(s) URL, or - for stdin")),
        ),
        Flavour::Flasher => group.subcommands(flasher::commands(device)),
    }
}

pub(super) async fn run(
    device: &Device,
    name: &str,
    matches: &ArgMatches,
    farewell: &Farewell,
) -> Outcome {
    match name {
        "host" | "dut" | "off" => {
            device.call_raw(name, ()).await.map_err(failed)?;
        }
        "write-local-file" => {
            let source = Source::open(file_of(matches, "file"), None).await?;
            transfer::send(device, source, None, async |handle| {
                device.call_raw("write", (handle,)).await
            })
            .await?;
        }
        "flash" => {
            let compression = compression_of(matches);
            let images = flasher::images(matches)?;
            let named = images.iter().find_map(|image| image.target);
            refuse(named)?;
            let Some(Image { file, .. }) = images.first() else {
                return Ok(0);
            };
            let source = flasher::source(file, compression, Family::Opendal).await?;
            at_host(device, farewell, async || {
                transfer::send(device, source, compression, async |handle| {
                    device.call_raw("write", (handle,)).await
                })
                .await
            })
            .await?;
        }
        _ => {
            refuse(matches.get_one::<String>("target").map(String::as_str))?;
            let target = Target::new(file_of(matches, "file"))?;
            at_host(device, farewell, async || {
                transfer::fetch(device, target, compression_of(matches), async |handle| {
                    device.call_raw("read", (handle,)).await
                })
                .await
            })
            .await?;
        }
    }
    Ok(0)
}

fn refuse(target: Option<&str>) -> Result<(), Failure> {
    match target {
        Some(target) => Err(Failure::Error(format!(
            "target is not supported for StorageMuxFlasherClient, {target} provided"
        ))),
        None => Ok(()),
    }
}

/// Does `work` while the exporter has the storage; the board gets it back in any case.
async fn at_host<T>(
    device: &Device,
    farewell: &Farewell,
    work: impl AsyncFnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let switch = device.clone();
    let switching = async move {
        switch
            .call_raw("host", ())
            .await
            .map(drop)
            .map_err(Arc::new)
    };
    let switching = switching.boxed().shared();
    let (board, half_way) = (device.clone(), switching.clone());
    farewell.promise(async move {
        // Drivers cannot always stop in the middle of it, and would then end up at the exporter.
        timeout(SWITCHED_WITHIN, half_way).await.ok();
        board.call_raw("dut", ()).await.map(drop)
    });
    let done = match switching.await {
        Ok(()) => work().await,
        Err(error) => Err(Failure::Error(error.to_string())),
    };
    match (done, farewell.keep().await) {
        (Ok(done), Ok(())) => Ok(done),
        (Ok(_), Err(error)) => Err(failed(error)),
        (Err(failure), Ok(())) => Err(failure),
        (Err(failure), Err(error)) => {
            warn!("the storage stays with the exporter: {error}");
            Err(failure)
        }
    }
}
