//! Data that the client provides or takes: a disk image to flash, a dump to keep.

use jumpstarter_value::to_vec;
use serde::{Deserialize, Deserializer};

use crate::host::checked;
use crate::{ByteStream, Error, Json, Result, Schema, image, log};

/// A parameter that stands for data of the client.
///
/// ```
/// # use jumpstarter_driver::{Resource, Result};
/// use tokio::io::AsyncReadExt;
///
/// async fn size(image: Resource) -> Result<usize> {
///     let mut data = Vec::new();
///     image.open().await?.read_to_end(&mut data).await?;
///     Ok(data.len())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Resource {
    /// The driver that was called with it.
    node: u64,
    /// What the client sent, as an encoded value.
    handle: Vec<u8>,
}

// === impl Resource ===

impl Resource {
    /// The data, to be read or to be written, whichever the method is about; compression has been
    /// dealt with. A resource can be opened once.
    ///
    /// # Errors
    /// The handle is not valid, or the exporter has no resources.
    pub async fn open(self) -> Result<ByteStream> {
        let services = image::ready()?.services;
        let taken = services.take_resource(self.node, &self.handle)?;
        let socket = checked(taken.await)?
            .fd
            .ok_or_else(|| Error::internal("the exporter answered without the resource"))?;
        ByteStream::from_socket(socket)
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let handle = serde_json::Map::<String, serde_json::Value>::deserialize(deserializer)?;
        let handle = to_vec(&handle).map_err(serde::de::Error::custom)?;
        Ok(Self {
            // Arguments are decoded on the thread of the driver that was called.
            node: log::node(),
            handle,
        })
    }
}

impl Schema for Resource {
    const SCHEMA: Json = Json::Raw(r#"{"type":"object","format":"jumpstarter-resource"}"#);
}
