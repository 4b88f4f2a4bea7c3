//! The driver.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jumpstarter_driver::{ByteStream, Context, Driver, Result, driver};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::{debug, info};

use crate::address::Address;
use crate::config::Config;
use crate::device::Device;
use crate::errno::is_busy;
use crate::lines::Line;
use crate::streams::Streams;
use crate::tty::{Settings, Tty};
use crate::{loopback, present, pump};

/// How long an exclusive port may be taken: that a client has left is noticed, and the port is closed,
/// a moment after the next client may already have come.
const LEAVING: Duration = Duration::from_millis(500);
/// How often it is tried in that time.
const AGAIN: Duration = Duration::from_millis(10);

/// A serial port.
pub(crate) struct PySerial {
    config: Config,
    address: Address,
    settings: Settings,
    streams: Streams,
}

impl Driver for PySerial {
    type Config = Config;

    async fn open(config: Config, _cx: Context) -> Result<Self> {
        config.check()?;
        let address = Address::new(&config.url)?;
        if config.check_present {
            match &address {
                Address::Loop => {}
                Address::Path(path) => present::check(path, &config.url)?,
                Address::Socket(socket) => drop(Device::dial(&config.url, socket).await?),
            }
        }
        let settings = Settings {
            url: config.url.clone(),
            baudrate: config.baudrate,
            disable_hupcl: config.disable_hupcl,
            exclusive: config.exclusive,
            dtr: config.dtr,
            rts: config.rts,
        };
        Ok(Self {
            config,
            address,
            settings,
            streams: Streams::default(),
        })
    }
}

/// A serial port.
#[driver(
    type = "jumpstarter_driver_pyserial.driver.PySerial",
    client = "jumpstarter_driver_pyserial.client.PySerialClient",
    category = "serial"
)]
impl PySerial {
    /// Talk to the device
    #[export(bytes)]
    async fn connect(&self, io: ByteStream) -> Result<()> {
        let Config {
            url, baudrate, cps, ..
        } = &self.config;
        let cps = cps.map(|cps| format!(", cps: {cps}")).unwrap_or_default();
        info!("Connecting to {url}, baudrate: {baudrate}{cps}");
        let pace = self.config.pace()?;
        let device = match &self.address {
            Address::Loop => return loopback::echo(io, pace).await,
            Address::Path(path) => self.open_port(path).await?,
            Address::Socket(address) => Device::dial(url, address).await?,
        };
        let stream = self.streams.list(url, device);
        tokio::select! {
            ended = pump::pump(&stream, io, pace) => ended,
            () = stream.closed() => Ok(()),
        }
    }

    /// End the stream that was opened last
    #[export(name = "close")]
    async fn close_stream(&self) -> Result<()> {
        match self.streams.last() {
            Some(stream) => stream.close(),
            None => debug!("close() called but no active connection"),
        }
        Ok(())
    }

    /// Raise or lower DTR
    #[export]
    async fn set_dtr(&self, value: bool) -> Result<()> {
        self.set(Line::Dtr, value).await
    }

    /// Raise or lower RTS
    #[export]
    async fn set_rts(&self, value: bool) -> Result<()> {
        self.set(Line::Rts, value).await
    }

    /// Opens the port for a stream.
    async fn open_port(&self, path: &Path) -> Result<Device> {
        let exclusive = self.settings.exclusive;
        let patience = Instant::now() + LEAVING;
        loop {
            if exclusive {
                self.streams.end_leftovers().await;
            }
            let fresh = self.streams.last().is_none();
            match Device::open(path, &self.settings, fresh).await {
                Err(error) if exclusive && is_busy(&error) && Instant::now() < patience => {
                    sleep(AGAIN).await;
                }
                opened => return opened,
            }
        }
    }

    async fn set(&self, line: Line, high: bool) -> Result<()> {
        let Address::Path(path) = &self.address else {
            debug!("{} has no {line:?} to be set", self.config.url);
            return Ok(());
        };
        // Not by opening the port once more, which would move the other line, too.
        if let Some(stream) = self.streams.last() {
            return spawn_blocking(move || stream.device.set(line, high)).await?;
        }
        let (path, settings) = (Arc::<Path>::from(path.as_path()), self.settings.clone());
        spawn_blocking(move || Tty::open(&path, &settings, false)?.set(line, high)).await?
    }
}
