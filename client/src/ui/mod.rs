//! What our commands say, and where: data to stdout, everything else to stderr.

mod console;
mod failure;
mod screen;
pub(crate) mod sentence;
mod signals;
mod terminal;

use std::io::{self, Write};

pub(crate) use console::Console;
pub(crate) use failure::{Failure, Outcome};
pub(crate) use screen::Screen;
pub(crate) use signals::{Signals, listen};
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
