//! Drivers as things to call.
//!
//! ```no_run
//! use std::collections::HashMap;
//!
//! use jumpstarter_client::{Host, Session};
//! use jumpstarter_client::connect::{Options, connect};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let connection = connect(&Host::parse("lab-3:8082"), &Options::default()).await?;
//! let session = Session::open(connection).await?;
//! let power = session.root().child("power").ok_or("no power driver")?;
//! power.call::<()>("on", ()).await?;
//! let mut readings = power.stream::<HashMap<String, f64>>("read", ()).await?;
//! while let Some(reading) = readings.next().await? {
//!     println!("{reading:?}");
//! }
//! # Ok(())
//! # }
//! ```

mod args;
mod error;
mod items;
mod session;

use std::sync::Arc;

use bytes::Bytes;
use jumpstarter_proto::v1::exporter_service_client::ExporterServiceClient;
use jumpstarter_proto::v1::{DriverCallRequest, StreamingDriverCallRequest};
use serde::de::DeserializeOwned;
use tonic::metadata::MetadataMap;

use crate::connect::Transport;
use crate::report::{Node, Tree};
use crate::stream::{self, ByteStream, Purpose};

pub use args::Args;
pub use error::{Answer, CallError, code_name};
pub use items::{Items, RawItems};
pub use session::{OpenError, Session};

/// One driver of an exporter.
#[derive(Debug, Clone)]
pub struct Device {
    transport: Transport,
    tree: Arc<Tree>,
    index: usize,
}

// === impl Device ===

impl Device {
    /// What the report says about it.
    pub fn node(&self) -> &Node {
        self.tree.node(self.index)
    }

    /// Its name among its siblings.
    pub fn name(&self) -> &str {
        self.node().name()
    }

    /// The child called `name`.
    pub fn child(&self, name: &str) -> Option<Self> {
        let index = self.tree.child(self.index, name)?;
        Some(self.at(index))
    }

    /// Its children, in the order of the report.
    pub fn children(&self) -> impl Iterator<Item = Self> + '_ {
        self.node().children().iter().map(|index| self.at(*index))
    }

    fn client(&self) -> ExporterServiceClient<Transport> {
        ExporterServiceClient::new(self.transport.clone())
    }

    fn at(&self, index: usize) -> Self {
        Self {
            transport: self.transport.clone(),
            tree: Arc::clone(&self.tree),
            index,
        }
    }

    /// Calls `method` and decodes its result.
    ///
    /// # Errors
    ///
    /// What the driver or the exporter answered instead.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Args,
    ) -> Result<T, CallError> {
        let result = self.call_raw(method, args).await?;
        items::decode(method, &result)
    }

    /// Calls `method`; the result stays an encoded `google.protobuf.Value`.
    ///
    /// # Errors
    ///
    /// What the driver or the exporter answered instead.
    pub async fn call_raw(&self, method: &str, args: impl Args) -> Result<Bytes, CallError> {
        let request = DriverCallRequest {
            uuid: self.node().uuid().to_owned(),
            method: method.to_owned(),
            args: args.encode(method)?,
        };
        match self.client().driver_call(request).await {
            Ok(response) => Ok(response.into_inner().result),
            Err(status) => Err(CallError::from_call(method, status)),
        }
    }

    /// Calls a `method` that has many results, one after the other.
    ///
    /// # Errors
    ///
    /// What the driver or the exporter answered instead; most errors come with the first item.
    pub async fn stream<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Args,
    ) -> Result<Items<T>, CallError> {
        Ok(Items::new(self.stream_raw(method, args).await?))
    }

    /// Calls a `method` that has many results, each left as an encoded `google.protobuf.Value`.
    ///
    /// # Errors
    ///
    /// What the driver or the exporter answered instead.
    pub async fn stream_raw(&self, method: &str, args: impl Args) -> Result<RawItems, CallError> {
        let request = StreamingDriverCallRequest {
            uuid: self.node().uuid().to_owned(),
            method: method.to_owned(),
            args: args.encode(method)?,
        };
        match self.client().streaming_driver_call(request).await {
            Ok(response) => Ok(RawItems::new(method, response.into_inner())),
            Err(status) => Err(CallError::from_stream(status)),
        }
    }

    /// Opens a byte stream by a `method` of the driver, usually `connect`.
    ///
    /// It returns when the driver has opened its side.
    ///
    /// ```no_run
    /// # use jumpstarter_client::Device;
    /// use tokio::io::AsyncWriteExt;
    ///
    /// # async fn example(serial: &Device) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut console = serial.connect("connect").await?;
    /// console.write_all(b"reboot\n").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What the driver or the exporter answered instead.
    pub async fn connect(&self, method: &str) -> Result<ByteStream, CallError> {
        let purpose = Purpose::Driver {
            uuid: self.node().uuid(),
            method,
        };
        match stream::open(self.transport.clone(), &purpose).await {
            Ok((stream, _)) => Ok(stream),
            Err(status) => Err(CallError::from_connect(method, status)),
        }
    }

    /// Opens the stream for the data of a call to this driver.
    pub(crate) async fn connect_resource(
        &self,
        encoding: Option<&str>,
    ) -> Result<(ByteStream, MetadataMap), CallError> {
        let purpose = Purpose::Resource {
            uuid: self.node().uuid(),
            x_jmp_content_encoding: encoding,
        };
        let opened = stream::open(self.transport.clone(), &purpose).await;
        opened.map_err(|status| CallError::from_connect("resource", status))
    }
}
