//! The configuration.

use jumpstarter_driver::{Error, Result, Schema};
use serde::Deserialize;

use crate::lines::Level;
use crate::pace::Pace;

/// The `config` block.
#[derive(Deserialize, Schema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Path of the port, `socket://HOST:PORT`, or `loop://`.
    pub(crate) url: String,
    /// Bits per second; any rate that the device can do.
    #[serde(default = "fast")]
    #[schema(default = 115200)]
    pub(crate) baudrate: u32,
    /// Whether the exporter starts only if the port is there.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) check_present: bool,
    /// Characters per second that are sent to the device; any number if 0 or left out.
    #[serde(default)]
    pub(crate) cps: Option<f64>,
    /// Whether DTR and RTS keep their level when the port is closed, so that boards whose reset
    /// hangs on them go on.
    #[serde(default)]
    pub(crate) disable_hupcl: bool,
    /// Whether one stream keeps all others, and all other programs, from the port.
    #[serde(default)]
    pub(crate) exclusive: bool,
    /// Level of DTR when the port is opened.
    #[serde(default)]
    #[schema(default = "assert")]
    pub(crate) dtr: Level,
    /// Level of RTS when the port is opened.
    #[serde(default)]
    #[schema(default = "assert")]
    pub(crate) rts: Level,
}

fn fast() -> u32 {
    115_200
}

fn yes() -> bool {
    true
}

// === impl Config ===

impl Config {
    /// Finds what no schema can say.
    pub(crate) fn check(&self) -> Result<()> {
        if self.baudrate == 0 {
            let text = "baudrate: must be positive: 0 means to hang up";
            return Err(Error::invalid_argument(text));
        }
        self.pace().map(drop)
    }

    /// How fast characters are sent, if there is a limit.
    pub(crate) fn pace(&self) -> Result<Option<Pace>> {
        Pace::new(self.cps)
    }
}
