//! Power switches that switch nothing: the smallest real driver, and what to try an exporter with.
//!
//! Both behave alike. `MockPower` is written with `async fn`s, `SyncMockPower` with plain ones,
//! which is how a driver for a blocking vendor library looks.

mod mock;
mod sync;

use jumpstarter_driver::{Schema, plugin};
use serde::{Deserialize, Serialize};

use mock::MockPower;
use sync::SyncMockPower;

/// What a power supply measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
struct Reading {
    /// Volts.
    voltage: f64,
    /// Amperes.
    current: f64,
}

/// What the mocks measure, one after the other.
const READINGS: [Reading; 2] = [
    Reading {
        voltage: 0.0,
        current: 0.0,
    },
    Reading {
        voltage: 5.0,
        current: 2.0,
    },
];

plugin! {
    name: "jumpstarter_driver_power",
    vendor: "Jumpstarter",
    drivers: [MockPower, SyncMockPower],
}

#[cfg(test)]
mod tests;
