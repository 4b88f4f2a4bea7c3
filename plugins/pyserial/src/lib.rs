//! Serial ports: consoles of boards as byte streams.
//!
//! ```text
//!  connect ─► Address ─┬─ loop://      echo
//!                      ├─ socket://    TCP ──────────┐
//!                      └─ a path       Port: a tty ──┴─► pump: both directions, until the client,
//!                                                        the device or `close` ends them
//! ```
//!
//! Every stream opens the port anew, by its path, so a device that was unplugged and came back is
//! found again, also under a `/dev/serial/by-id` name that leads elsewhere now.

mod address;
mod config;
mod device;
mod errno;
mod lines;
mod loopback;
mod pace;
mod port;
mod present;
mod pump;
mod pyserial;
mod streams;
mod tty;

use jumpstarter_driver::plugin;

use pyserial::PySerial;

plugin! {
    name: "jumpstarter_driver_pyserial",
    vendor: "Jumpstarter",
    drivers: [PySerial],
}

#[cfg(test)]
mod tests;
