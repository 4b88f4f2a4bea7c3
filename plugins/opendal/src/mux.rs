//! Cards that hosts and devices take turns at, without a card and without a switch.
//!
//! The two differ in what clients make of them: with `MockStorageMuxFlasher` they flash, which is to
//! switch to the host, write, and switch back to the device.

use jumpstarter_driver::{Context, Driver, NoConfig, Resource, Result, driver};

use crate::scratch::Scratch;

/// The file that stands for the card.
const CARD: &str = "card";

macro_rules! mux {
    ($name:ident, $type:literal, $client:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug)]
        pub(crate) struct $name {
            card: Scratch,
        }

        impl Driver for $name {
            type Config = NoConfig;

            async fn open(_config: NoConfig, _cx: Context) -> Result<Self> {
                Ok(Self {
                    card: Scratch::default(),
                })
            }

            async fn close(&self) {
                self.card.clear();
            }
        }

        #[doc = $doc]
        #[driver(type = $type, client = $client, category = "storage")]
        impl $name {
            /// Connect storage to host
            #[export(quick)]
            async fn host(&self) -> Result<()> {
                Ok(())
            }

            /// Connect storage to dut
            #[export(quick)]
            async fn dut(&self) -> Result<()> {
                Ok(())
            }

            /// Disconnect storage
            #[export(quick)]
            async fn off(&self) -> Result<()> {
                Ok(())
            }

            /// Write an image to the storage
            #[export]
            async fn write(&self, src: Resource) -> Result<()> {
                self.card.receive(CARD.to_owned(), src).await
            }

            /// Read the storage
            #[export]
            async fn read(&self, dst: Resource) -> Result<()> {
                if self.card.has(CARD) {
                    self.card.send(CARD, dst).await
                } else {
                    // A card that nobody has written to is empty.
                    dst.write().await?.finish().await
                }
            }
        }
    };
}

mux! {
    MockStorageMux,
    "jumpstarter_driver_opendal.driver.MockStorageMux",
    "jumpstarter_driver_opendal.client.StorageMuxClient",
    "A storage switch without a card: a file takes what is written."
}

mux! {
    MockStorageMuxFlasher,
    "jumpstarter_driver_opendal.driver.MockStorageMuxFlasher",
    "jumpstarter_driver_opendal.client.StorageMuxFlasherClient",
    "A storage switch without a card, to be flashed: a file takes what is written."
}
