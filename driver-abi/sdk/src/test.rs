//! Testing a driver without an exporter.
//!
//! [`Host`] plays the exporter, in this process and without a shared library, but through the very
//! functions that an exporter calls. Its methods wait for the answer, so tests need no runtime.
//!
//! ```
//! use jumpstarter_driver::test::Host;
//! use jumpstarter_driver::{Code, Context, Driver, NoConfig, Result, driver};
//! use serde_json::json;
//!
//! struct Relay { supply: jumpstarter_driver::Child }
//!
//! impl Driver for Relay {
//!     type Config = NoConfig;
//!     async fn open(_: NoConfig, cx: Context) -> Result<Self> {
//!         Ok(Self { supply: cx.child("supply") })
//!     }
//! }
//!
//! #[driver(type = "test.Relay")]
//! impl Relay {
//!     #[export]
//!     async fn on(&self) -> Result<f64> {
//!         tracing::info!("click");
//!         self.supply.call("volts", (1,)).await
//!     }
//! }
//!
//! // Another driver stands in for the child.
//! struct Supply;
//! # impl Driver for Supply {
//! #     type Config = NoConfig;
//! #     async fn open(_: NoConfig, _: Context) -> Result<Self> { Ok(Self) }
//! # }
//!
//! #[driver(type = "test.Supply")]
//! impl Supply {
//!     #[export]
//!     async fn volts(&self, channel: u8) -> Result<f64> {
//!         Ok(f64::from(channel) * 12.0)
//!     }
//! }
//!
//! let host = Host::new();
//! let relay = host.open::<Relay>(json!({}))?;
//! assert_eq!(relay.call::<f64>("on", ()).unwrap_err().code(), Code::NotFound);
//!
//! let supply = host.open::<Supply>(json!({}))?;
//! host.child("supply", &supply);
//! assert_eq!(relay.call::<f64>("on", ())?, 12.0);
//! assert_eq!(host.messages(), ["click", "click"]);
//! # Result::<()>::Ok(())
//! ```
//!
//! It is the client, too: of data for a [`Resource`](crate::Resource), and of byte streams.
//!
//! ```
//! # use jumpstarter_driver::{ByteStream, Context, Driver, Error, NoConfig, Resource, Result, driver};
//! # use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # struct Board;
//! # impl Driver for Board {
//! #     type Config = NoConfig;
//! #     async fn open(_: NoConfig, _: Context) -> Result<Self> { Ok(Self) }
//! # }
//! # #[driver(type = "test.Board")]
//! # impl Board {
//! #     #[export]
//! #     async fn flash(&self, image: Resource) -> Result<u64> {
//! #         image.read().await?.copy_to(&mut tokio::io::sink()).await
//! #     }
//! #     #[export]
//! #     async fn dump(&self, target: Resource) -> Result<u64> {
//! #         target.write().await?.copy_from(&mut &b"content"[..]).await
//! #     }
//! #     #[export(bytes)]
//! #     async fn console(&self, mut io: ByteStream) -> Result<()> {
//! #         io.write_all(b"login: ").await?;
//! #         io.read_to_end(&mut Vec::new()).await?;
//! #         Ok(())
//! #     }
//! # }
//! use std::io::Read;
//!
//! use jumpstarter_driver::test::Host;
//!
//! let host = Host::new();
//! let board = host.open::<Board>(serde_json::json!({}))?;
//!
//! // Data for a driver that reads, whole and broken off.
//! let image = host.data(vec![0; 1 << 20]);
//! board.call::<u64>("flash", (&image,))?;
//! let gone = Error::cancelled("the client went away");
//! let image = host.data("half of it").failing_after(5, gone.clone());
//! assert_eq!(board.call::<u64>("flash", (&image,)), Err(gone));
//!
//! // A place for one that writes.
//! let target = host.data("");
//! board.call::<u64>("dump", (&target,))?;
//! assert_eq!(target.written()?, b"content");
//!
//! // A byte stream, and what the method returns in the end. For messages: `connect_messages`.
//! let mut console = board.connect("console", ())?;
//! let mut prompt = [0; 7];
//! console.read_exact(&mut prompt)?;
//! console.finish()?;
//! console.outcome()?;
//! # Result::<()>::Ok(())
//! ```

mod connection;
#[allow(unsafe_code)]
mod functions;
mod messages;
mod opened;
mod resource;
mod state;
#[allow(unsafe_code)]
mod tables;
mod values;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::class::Class;
use crate::host::checked;
use crate::wait::wait;
use crate::{Error, Exports, Result, image};

pub use connection::Connection;
pub use messages::Messages;
pub use opened::{Opened, Running};
pub use resource::ClientData;
pub use state::Line;
pub use values::Values;

use state::{Child, State};

/// An exporter for tests. Drivers opened in it are siblings, and children of each other if
/// [`child`](Self::child) says so.
#[derive(Clone, Debug)]
pub struct Host {
    state: Arc<State>,
}

// === impl Host ===

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A host without drivers.
    pub fn new() -> Self {
        let code = functions::start();
        assert_eq!(code, 0, "the plugin cannot be used with this host");
        Self {
            state: Arc::new(State::default()),
        }
    }

    /// Opens a driver, named like its type.
    ///
    /// # Errors
    /// Those of `Driver::open`, and of reading its configuration.
    pub fn open<D: Exports>(&self, config: Value) -> Result<Opened> {
        let class = Class::of::<D>();
        image::ready()?.add(&[class]);
        let name = class.name().rsplit('.').next().unwrap_or_default();
        let node = self.state.node(name);
        let config = config.to_string();
        let pending = functions::open(node, class.name(), name, &config);
        let answer = checked(wait(pending))?;
        let added = jumpstarter_value::from_slice(&answer.body)?;
        Ok(Opened::new(
            self.clone(),
            class.name(),
            answer.handle,
            added,
        ))
    }

    /// Makes `driver` the child `name` of every driver in this host.
    pub fn child(&self, name: &str, driver: &Opened) {
        let child = Child {
            type_name: driver.type_name().to_owned(),
            handle: driver.handle(),
        };
        self.state.children().insert(name.to_owned(), child);
    }

    /// What the drivers have logged, in order.
    pub fn lines(&self) -> Vec<Line> {
        self.state.lines().clone()
    }

    /// The texts of what they have logged.
    pub fn messages(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.message).collect()
    }

    /// Data of a client, for a parameter of type [`Resource`](crate::Resource): `content` for a
    /// driver that reads it, and where the data of one that writes is kept.
    pub fn data(&self, content: impl Into<Vec<u8>>) -> ClientData {
        ClientData::new(&self.state, content.into())
    }

    /// The session folder; removed with the host.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn folder(&self) -> Result<PathBuf> {
        self.state.folder().map_err(Error::from)
    }
}
