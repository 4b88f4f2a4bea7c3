//! The asynchronous mock.

use futures_util::stream;
use jumpstarter_driver::{Context, Driver, NoConfig, Result, Stream, driver};
use tracing::info;

use crate::{READINGS, Reading};

/// A power switch that only logs.
pub(crate) struct MockPower;

impl Driver for MockPower {
    type Config = NoConfig;

    async fn open(_config: NoConfig, _cx: Context) -> Result<Self> {
        Ok(Self)
    }
}

/// A power switch that only logs.
#[driver(
    type = "jumpstarter_driver_power.driver.MockPower",
    client = "jumpstarter_driver_power.client.PowerClient",
    category = "power"
)]
impl MockPower {
    /// Power on
    #[export(quick)]
    async fn on(&self) -> Result<()> {
        info!("power on");
        Ok(())
    }

    /// Power off
    #[export(quick)]
    async fn off(&self) -> Result<()> {
        info!("power off");
        Ok(())
    }

    /// Measure voltage and current
    #[export(stream, quick)]
    fn read(&self) -> impl Stream<Item = Result<Reading>> {
        stream::iter(READINGS.map(Ok))
    }
}
