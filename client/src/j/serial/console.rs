//! `start-console`: the port on the user's terminal.
//!
//! ```text
//! keys ──► read ──► queue ──► send ──► stream
//!            └─ CTRL+B x 3: leave
//! screen ◄── show ◄─────────────────── stream
//!              └─► the file of --log
//! ```
//!
//! The terminal is raw in between, and as it was before however this ends: the user leaves, the
//! device hangs up, the connection breaks, a signal comes. The three parts are futures of one task,
//! so none of them outlives the others.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use tokio::signal::unix::SignalKind;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::escape::{Escape, Key};
use super::keyboard::{PIECES, read, send};
use super::sink::Sink;
use crate::Device;
use crate::stream::{Reader, StreamError, Writer};
use crate::ui::{Failure, Outcome, RawTerminal, Screen, listen, print, tell};

pub(super) const NAME: &str = "start-console";

const ESCAPE: &str = "escape";
const LOG: &str = "log";

/// How long the last keys may take to get out after the user has left, and an explanation to come
/// in after the stream takes no more of them.
const PATIENCE: Duration = Duration::from_millis(300);

/// How long the device's last words may take then.
const FAREWELL: Duration = Duration::from_millis(100);

/// How a console ended.
enum Ending {
    /// The user has left.
    Left,
    /// The port was closed, or the device went away.
    Closed,
    /// The connection to the exporter broke, or the driver failed.
    Lost(StreamError),
}

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Start serial port console")
        .long_about(
            "Start serial port console\n\n\
             The terminal shows what the device sends, and every key goes to the device, Ctrl-C \
             included. Press CTRL+B three times in a row to leave; the first two are sent, too.\n\n\
             Without a terminal, in scripts, use `pipe`.",
        )
        .arg(
            Arg::new(LOG)
                .long("log")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("Append what the device sends to a file as well"),
        )
        .arg(
            Arg::new(ESCAPE)
                .long("escape")
                .value_name("KEY")
                .value_parser(Key::parse)
                .default_value("B")
                .help("Leave with CTRL and this key instead"),
        )
}

pub(super) async fn run(device: &Device, matches: &ArgMatches) -> Outcome {
    if !RawTerminal::is_there() {
        return Err(Failure::Error(format!(
            "{NAME} needs a terminal, and stdin is none; to send and receive from a script, use \
             `pipe`"
        )));
    }
    let mut log = match matches.get_one::<PathBuf>(LOG) {
        Some(file) => Some(Sink::append(file).await?),
        None => None,
    };
    let Some(key) = matches.get_one::<Key>(ESCAPE).copied() else {
        return Err(Failure::Error("no key to leave with".to_owned()));
    };
    let (mut reader, mut writer) = super::open(device).await?.split();
    print(&format!(
        "\nStarting serial port console ... exit with {key} x 3 times\n"
    ))?;
    let escape = Escape::new(key);
    let ending = match talk(&mut reader, &mut writer, escape, log.as_mut()).await? {
        Ending::Closed => match super::outcome(reader, writer).await {
            Ok(()) => Ending::Closed,
            Err(error) => Ending::Lost(error),
        },
        ending => ending,
    };
    match ending {
        Ending::Left => {
            // What comes next should not stand behind the device's prompt.
            tell("");
            Ok(0)
        }
        Ending::Closed => {
            tell("\nSerial connection closed normally (end of stream).");
            Ok(0)
        }
        Ending::Lost(error) => {
            tell("");
            Err(Failure::Error(format!("Serial connection lost: {error}")))
        }
    }
}

/// Connects the terminal with the port; it is raw exactly as long as this runs.
async fn talk(
    reader: &mut Reader,
    writer: &mut Writer,
    escape: Escape,
    log: Option<&mut Sink>,
) -> Result<Ending, Failure> {
    let mut resumed = listen(SignalKind::from_raw(nix::libc::SIGCONT))?;
    let (queue, queued) = mpsc::channel(PIECES);
    let terminal = RawTerminal::enter()?;
    let mut reading = pin!(read(tokio::io::stdin(), escape, queue));
    let mut sending = pin!(send(queued, writer));
    let mut showing = pin!(show(reader, log));
    loop {
        tokio::select! {
            left = &mut reading => {
                left?;
                // The last keys go out, and what the device says about them comes in.
                timeout(PATIENCE, &mut sending).await.ok();
                timeout(FAREWELL, &mut showing).await.ok();
                return Ok(Ending::Left);
            }
            ending = &mut showing => return ending,
            // It ends before the keys do only when the stream takes no more.
            Err(error) = &mut sending => {
                return match timeout(PATIENCE, &mut showing).await {
                    Ok(ending) => ending,
                    Err(_) => Ok(Ending::Lost(error)),
                };
            }
            // Stopped and continued by hand; the shell in between has a terminal of its own taste.
            _ = resumed.recv() => terminal.again()?,
        }
    }
}

/// Shows what the device sends, until it ends.
async fn show(reader: &mut Reader, mut log: Option<&mut Sink>) -> Result<Ending, Failure> {
    let mut screen = Screen::stdout();
    loop {
        match reader.next().await {
            Some(Ok(chunk)) => {
                if let Some(log) = &mut log {
                    log.write(&chunk).await?;
                }
                screen.show(&chunk).await?;
            }
            Some(Err(error)) => return Ok(Ending::Lost(error)),
            None => return Ok(Ending::Closed),
        }
    }
}
