//! A board that is flashed into files.

use jumpstarter_driver::{Context, Driver, NoConfig, Resource, Result, driver};

use crate::scratch::Scratch;

/// A flasher without a board: it keeps what it was given, partition by partition.
#[derive(Debug)]
pub(crate) struct MockFlasher {
    partitions: Scratch,
}

impl Driver for MockFlasher {
    type Config = NoConfig;

    async fn open(_config: NoConfig, _cx: Context) -> Result<Self> {
        Ok(Self {
            partitions: Scratch::default(),
        })
    }

    async fn close(&self) {
        self.partitions.clear();
    }
}

/// A flasher without a board: it keeps what it was given, partition by partition.
#[driver(
    type = "jumpstarter_driver_opendal.driver.MockFlasher",
    client = "jumpstarter_driver_opendal.client.FlasherClient",
    category = "storage"
)]
impl MockFlasher {
    /// Flash an image to a partition
    #[export]
    async fn flash(&self, source: Resource, partition: Option<String>) -> Result<()> {
        self.partitions.receive(named(partition), source).await
    }

    /// Read a partition back
    #[export]
    async fn dump(&self, target: Resource, partition: Option<String>) -> Result<()> {
        self.partitions.send(&named(partition), target).await
    }
}

/// What a partition is called.
fn named(partition: Option<String>) -> String {
    partition.unwrap_or_else(|| "default".to_owned())
}
