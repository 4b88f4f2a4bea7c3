//! The way out of the process.

use std::io::Write;

use nix::libc;

use crate::log;

/// Ends the process with this exit code, after everything printed and logged so far is out.
///
/// The destructors that libraries register for the end of a process do not run: plugins are never
/// unloaded, and their threads may still be using what those would tear down.
pub fn leave(code: u8) -> ! {
    log::flush();
    // Whoever read our output may be gone; that changes nothing now.
    std::io::stdout().flush().ok();
    // SAFETY: ends the process whatever state it is in; takes no pointers.
    unsafe { libc::_exit(code.into()) }
}
