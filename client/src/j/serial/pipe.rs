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
use tokio::io::Stdout;
use tokio::time::timeout;

use super::keyboard::next;
use super::plan::{Output, Plan};
use super::sink::Sink;
use crate::Device;
use crate::stream::{Reader, StreamError, Writer};
use crate::ui::{Failure, Outcome, RawTerminal, Screen, tell};

/// How long the last bytes of `--no-output` may take on their way.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the port's bytes go.
enum Target {
    Stdout(Screen<Stdout>),
    File(Sink),
}

pub(super) async fn run(device: &Device, matches: &ArgMatches) -> Outcome {
    let plan = Plan::of(matches, !RawTerminal::is_there())?;
    tell(&plan.status());
    let (reader, writer) = super::open(device).await?.split();
    let mut target = match &plan.output {
        Output::Nothing => return fire(reader, writer).await,
        Output::Stdout => Target::Stdout(Screen::stdout()),
        Output::File { path, append } => Target::File(open(path, *append).await?),
    };
    let copied = if plan.input {
        let mut sending = pin!(send(writer));
        let mut receiving = pin!(receive(reader, &mut target));
        tokio::select! {
            copied = &mut receiving => copied?,
            sent = &mut sending => match sent {
                // Whoever takes no more says why in the other direction.
                Ok(()) | Err(Broken::Stream(_)) => receiving.await?,
                Err(Broken::Stdin(failure)) => return Err(failure),
            },
        }
    } else {
        // Dropped, the writer would say nothing; kept, it says that there may be more to come.
        let copied = receive(reader, &mut target).await?;
        drop(writer);
        copied
    };
    match copied {
        Ok(()) => tell("\nSerial connection closed normally (end of stream)."),
        Err(error) => tell(&format!(
            "\nSerial connection lost (broken resource). The connection may have been \
             interrupted.\n{error}"
        )),
    }
    Ok(0)
}

/// Sends stdin, and leaves when all of it is on its way.
async fn fire(mut reader: Reader, writer: Writer) -> Outcome {
    // What the port says is of no interest, but it must not stand in the way.
    let mut ending = pin!(async {
        while let Some(chunk) = reader.next().await {
            chunk?;
        }
        Ok::<(), StreamError>(())
    });
    let lost = |error: StreamError| Failure::Error(format!("Serial connection lost: {error}"));
    let sent = tokio::select! {
        ended = &mut ending => {
            ended.map_err(lost)?;
            return Err(Failure::Error(
                "Serial connection closed before everything was sent".to_owned(),
            ));
        }
        sent = send(writer) => sent,
    };
    match sent {
        Ok(()) => {}
        Err(Broken::Stdin(failure)) => return Err(failure),
        Err(Broken::Stream(error)) => {
            // The reason, if there is one, is on its way.
            return match timeout(PATIENCE, ending).await {
                Ok(Err(reason)) => Err(lost(reason)),
                _ => Err(lost(error)),
            };
        }
    }
    // A port has no end of its own, so this is over when the exporter has had time to take it.
    match timeout(PATIENCE, ending).await {
        Ok(Err(error)) => Err(lost(error)),
        Ok(Ok(())) | Err(_) => Ok(0),
    }
}

/// Why stdin could not be sent.
enum Broken {
    Stdin(Failure),
    Stream(StreamError),
}

/// Sends stdin to its end, then ends this direction.
async fn send(mut writer: Writer) -> Result<(), Broken> {
    let mut stdin = tokio::io::stdin();
    loop {
        let piece = next(&mut stdin).await.map_err(Broken::Stdin)?;
        if piece.is_empty() {
            writer.finish();
            return Ok(());
        }
        writer.send(piece).await.map_err(Broken::Stream)?;
    }
}

/// Copies what the port sends until its end.
async fn receive(
    mut reader: Reader,
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
