//! Serial ports: a console for people, a pipe for programs.
//!
//! ```text
//! start-console   terminal, raw ◄──► stream `connect`      until CTRL+B x 3
//! pipe            stdin, stdout or a file ◄──► the same    until it ends, or Ctrl-C
//! set-dtr, …      methods of the driver, if the exporter tells them
//! ```

mod console;
mod escape;
mod keyboard;
mod pipe;
mod plan;
mod sink;

use std::time::Duration;

use clap::{ArgMatches, Command};
use tokio::time::timeout;

use super::commands::{describe, explain};
use super::generic;
use crate::Device;
use crate::device::CallError;
use crate::stream::{ByteStream, Reader, StreamError, Writer};
use crate::ui::{Failure, Outcome};

pub(super) const ABOUT: &str = "Serial port client";

/// The class of a serial port.
pub(super) const CLASS: &str = "jumpstarter_driver_pyserial.client.PySerialClient";

/// The method that opens the port.
const CONNECT: &str = "connect";

/// How long an explanation may take when the port has closed.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn command(group: Command, device: &Device) -> Command {
    let texts = device.node().methods_description();
    let own =
        [console::command(), plan::command()].map(|command| match texts.get(command.get_name()) {
            Some(text) => explain(command, text),
            None => command,
        });
    let mut commands = generic::methods(device);
    commands.retain(|command| own.iter().all(|own| own.get_name() != command.get_name()));
    commands.extend(own);
    commands.sort_by(|a, b| a.get_name().cmp(b.get_name()));
    describe(group, device, ABOUT).subcommands(commands)
}

pub(super) async fn run(device: &Device, name: &str, matches: &ArgMatches) -> Outcome {
    match name {
        console::NAME => console::run(device, matches).await,
        plan::NAME => pipe::run(device, matches).await,
        _ => generic::run(device, name, matches).await,
    }
}

/// Opens the port; what is in the way is the driver's to say.
async fn open(device: &Device) -> Result<ByteStream, Failure> {
    let opened = device.connect(CONNECT).await;
    opened.map_err(|error: CallError| Failure::Error(error.to_string()))
}

/// Why the port has closed, if the exporter says so soon: nothing is wrong otherwise.
async fn outcome(mut reader: Reader, writer: Writer) -> Result<(), StreamError> {
    writer.finish();
    let outcome = timeout(PATIENCE, reader.outcome()).await;
    outcome.unwrap_or(Ok(()))
}
