//! The blocking mock.

use jumpstarter_driver::{Context, Driver, NoConfig, Result, driver};
use tracing::info;

use crate::{READINGS, Reading};

/// A power switch that only logs, written without `async`.
pub(crate) struct SyncMockPower;

impl Driver for SyncMockPower {
    type Config = NoConfig;

    async fn open(_config: NoConfig, _cx: Context) -> Result<Self> {
        Ok(Self)
    }
}

/// A power switch that only logs, written without `async`.
#[driver(
    type = "jumpstarter_driver_power.driver.SyncMockPower",
    client = "jumpstarter_driver_power.client.PowerClient",
    category = "power"
)]
impl SyncMockPower {
    /// Power on
    #[export]
    fn on(&self) -> Result<()> {
        info!("power on");
        Ok(())
    }

    /// Power off
    #[export]
    fn off(&self) -> Result<()> {
        info!("power off");
        Ok(())
    }

    /// Measure voltage and current
    #[export(stream)]
    fn read(&self) -> impl Iterator<Item = Result<Reading>> {
        READINGS.into_iter().map(Ok)
    }
}
