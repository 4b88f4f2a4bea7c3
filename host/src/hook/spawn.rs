//! Starts a hook as the leader of a session of its own.
//!
//! In a session of its own a hook cannot reach the exporter's terminal, a signal from the keyboard
//! does not reach the hook, and all that it starts can be found by the session's number. Only the new
//! process itself can make the session, between `fork` and `exec`, and that takes `unsafe`.

use std::fs::File;
use std::io;
use std::process::Stdio;

use nix::libc;
use nix::unistd::setsid;
use tokio::process::{Child, Command};

use super::argv::Argv;
use super::environment::Variable;

/// Starts `argv` with `terminal` as its input and output.
pub(super) fn spawn(
    argv: &Argv,
    variables: impl IntoIterator<Item = Variable>,
    terminal: File,
) -> io::Result<Child> {
    let mut command = Command::new(&argv.program);
    command
        .args(&argv.args)
        .stdin(Stdio::from(terminal.try_clone()?))
        .stdout(Stdio::from(terminal.try_clone()?))
        .stderr(Stdio::from(terminal));
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let lead = || {
        setsid()?;
        keep_to_ourselves();
        Ok(())
    };
    // SAFETY: in the new process only this thread lives, so the closure must not wait for a lock, and
    // must not allocate. It makes two system calls and touches no memory but its own stack.
    unsafe { command.pre_exec(lead) };
    command.spawn()
}

/// Closes everything but the terminal when the new program starts. What we open is closed anyway; a
/// plugin written in C may have forgotten to say so of its device, which would then stay busy for as
/// long as the hook runs.
fn keep_to_ourselves() {
    let (first, last) = (3_u32, u32::MAX);
    // SAFETY: takes numbers only, and marks descriptors without closing any here. Kernels that are too
    // old for it answer ENOSYS, and nothing has changed then.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            last,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
}
