//! `pipe`: the port on stdin and stdout, or a file, for scripts.
//!
//! ```text
//! stdin ─► writer ─► the port ─► reader ─► stdout, or the file of -o
//! ```
//!
//! The end of stdin ends only its own direction: what the device answers is still to come. With
//! `--no-output` nobody waits for that.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use clap::ArgMatches;
use tokio::io::{AsyncWriteExt, Stdout};
use tokio::time::timeout;

use super::keyboard::next;
use super::plan::{Output, Plan};
use super::sink::Sink;
use crate::Device;
use crate::cli::printable;
use crate::stream::{Reader, StreamError, Writer};
use crate::ui::{Failure, Outcome, RawTerminal, Screen, tell};

/// How long the last bytes of `--no-output` may take on their way, or the reason why they do not.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the port's bytes go.
enum Target {
    Stdout(Screen<Stdout>),
    File(Sink),
}

pub(super) async fn run(device: &Device, matches: &ArgMatches) -> Outcome {
    let plan = Plan::of(matches, !RawTerminal::is_there())?;
    tell(&plan.status());
    let (mut reader, mut writer) = super::open(device).await?.split();
    let mut target = match &plan.output {
        Output::Nothing => return fire(&mut reader, &mut writer).await,
        Output::Stdout => Target::Stdout(Screen::stdout()),
        Output::File { path, append } => Target::File(open(path, *append).await?),
    };
    let copied = if plan.input {
        let mut sending = pin!(send(&mut writer));
        let mut receiving = pin!(receive(&mut reader, &mut target));
        tokio::select! {
            copied = &mut receiving => copied?,
            sent = &mut sending => match sent {
                // Whoever takes no more says why in the other direction.
                Ok(()) | Err(Broken::Stream(_)) => receiving.await?,
                Err(Broken::Stdin(failure)) => return Err(failure),
            },
        }
    } else {
        receive(&mut reader, &mut target).await?
    };
    let ended = match copied {
        Ok(()) => super::outcome(reader, writer).await,
        lost => lost,
    };
    match ended {
        Ok(()) => tell("\nSerial connection closed normally (end of stream)."),
        Err(error) => tell(&format!(
            "\nSerial connection lost (broken resource). The connection may have been \
             interrupted.\n{}",
            printable(&error.to_string())
        )),
    }
    Ok(0)
}

/// Sends stdin, and leaves when all of it is on its way.
async fn fire(reader: &mut Reader, writer: &mut Writer) -> Outcome {
    let sent = tokio::select! {
        // What the port says is of no interest, but it must not stand in the way.
        ended = skip(reader) => match ended {
            Ok(()) => Err("Serial connection closed before everything was sent".to_owned()),
            Err(error) => Err(lost(&error)),
        },
        sent = send(writer) => match sent {
            Ok(()) => Ok(()),
            Err(Broken::Stdin(failure)) => return Err(failure),
            Err(Broken::Stream(error)) => Err(lost(&error)),
        },
    };
    // A port has no end of its own, so this is over when the exporter has had time to take it, or
    // to say what is wrong.
    let outcome = timeout(PATIENCE, reader.outcome()).await;
    match (outcome, sent) {
        (Ok(Err(error)), _) => Err(Failure::Error(lost(&error))),
        (_, Err(why)) => Err(Failure::Error(why)),
        (_, Ok(())) => Ok(0),
    }
}

/// Throws away what the port sends until its end.
async fn skip(reader: &mut Reader) -> Result<(), StreamError> {
    while let Some(chunk) = reader.next().await {
        chunk?;
    }
    Ok(())
}

fn lost(error: &StreamError) -> String {
    format!("Serial connection lost: {error}")
}

/// Why stdin could not be sent.
enum Broken {
    Stdin(Failure),
    Stream(StreamError),
}

/// Sends stdin to its end, then ends this direction.
async fn send(writer: &mut Writer) -> Result<(), Broken> {
    let mut stdin = tokio::io::stdin();
    loop {
        let piece = next(&mut stdin).await.map_err(Broken::Stdin)?;
        if piece.is_empty() {
            let ended = writer.shutdown().await;
            return ended.map_err(|_| Broken::Stream(StreamError::Closed));
        }
        writer.send(piece).await.map_err(Broken::Stream)?;
    }
}

/// Copies what the port sends until its end.
async fn receive(
    reader: &mut Reader,
    target: &mut Target,
) -> Result<Result<(), StreamError>, Failure> {
    while let Some(chunk) = reader.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return Ok(Err(error)),
        };
        match target {
            Target::Stdout(screen) => screen.show(&chunk).await?,
            Target::File(file) => file.write(&chunk).await?,
        }
    }
    Ok(Ok(()))
}

async fn open(path: &Path, append: bool) -> Result<Sink, Failure> {
    if append {
        Sink::append(path).await
    } else {
        Sink::replace(path).await
    }
}
