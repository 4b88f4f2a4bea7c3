//! Scripts of the lab host as methods: what a configuration lists, clients may run, and nothing else.
//!
//! ```text
//!  call_method ─► Order: checked, nothing started yet
//!                  └─► Script: process group + both pipes ─► Progress: what a client gets to read
//!                        │ a task of the driver's; it goes on when the client reads nothing,
//!                        │ so that a time limit is kept and a client that leaves is noticed
//!                        └─► Group: SIGTERM, patience, SIGKILL, however the task ends
//! ```

mod blocked;
mod config;
mod group;
mod order;
mod progress;
mod python;
mod script;
mod shell;
mod text;

use jumpstarter_driver::plugin;

use shell::Shell;

plugin! {
    name: "jumpstarter_driver_shell",
    vendor: "Jumpstarter",
    drivers: [Shell],
}

#[cfg(test)]
mod tests;
