//! What our commands say, and where: data to stdout, everything else to stderr.

mod console;
mod failure;
mod output;
pub(crate) mod prompt;
mod screen;
pub(crate) mod sentence;
mod signals;
mod table;
mod terminal;

use std::io::{self, Write};

use crate::cli::printable;
pub(crate) use console::Console;
pub(crate) use failure::{Failure, Outcome};
pub(crate) use output::{Format, Resource, show, value};
pub(crate) use screen::Screen;
pub(crate) use signals::{Signals, listen};
pub(crate) use table::{Table, terminal_width};
pub(crate) use terminal::RawTerminal;

/// Prints one line of data.
///
/// # Errors
///
/// [`Failure::Quiet`] when nobody reads it any more, as in `j power read -n 0 | head -1`.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Quiet(1)),
        Err(error) => Err(Failure::Error(format!("cannot write to stdout: {error}"))),
    }
}

/// Prints whole lines of data, if there are any.
pub(crate) fn print_all(lines: &str) -> Outcome {
    if !lines.is_empty() {
        print(lines.trim_end_matches('\n'))?;
    }
    Ok(0)
}

/// A colour for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
}

/// The text in a colour, where `stream` is a terminal that shows colours.
pub(crate) fn paint(text: &str, colour: Colour, stream: &impl io::IsTerminal) -> String {
    let plain = !stream.is_terminal()
        || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let code = match colour {
        _ if plain => return text.to_owned(),
        Colour::Red => 31,
        Colour::Green => 32,
        Colour::Yellow => 33,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// Prints a warning for people.
pub(crate) fn warn(text: &str) {
    let label = paint("Warning: ", Colour::Yellow, &io::stderr());
    tell(&format!("{label}{}", printable(text)));
}

/// Does `command` unless Ctrl-C comes first.
pub(crate) async fn cancellable(command: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        // A question that Ctrl-C ended has its own words for that.
        biased;
        outcome = command => outcome,
        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::Error("Cancelled by user.".to_owned())),
    }
}

/// Prints one line for whoever watches.
pub(crate) fn tell(text: &str) {
    // Without stderr there is nobody to tell.
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Runs a command on this thread, and does not wait for what it leaves behind.
pub(crate) fn block_on(command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Error(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(command);
    // A name that is still being resolved would keep us for seconds.
    runtime.shutdown_background();
    outcome
}
