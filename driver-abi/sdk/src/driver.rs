//! What a driver is: configuration in, an object out, and what it tells about itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::class::{Class, Dispatch, Exports};
use crate::{Context, DynamicMethod, Json, Result, Schema};

/// A driver. `#[driver]` on the `impl` block with its methods does the rest.
pub trait Driver: Sized + Send + Sync + 'static {
    /// The `config` block.
    type Config: DeserializeOwned + Schema;

    /// Opens the device.
    fn open(config: Self::Config, cx: Context) -> impl Future<Output = Result<Self>> + Send;

    /// Lets go of the device. Called once, after the last call has been answered or given up.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// What this instance adds to the metadata of its type. Asked once, after `open`.
    fn describe(&self) -> Description {
        Description::default()
    }

    /// Drivers that this one brings along, as its children in the tree. Asked once, after `open`.
    fn children(&self) -> Vec<SubDriver> {
        Vec::new()
    }
}

/// For drivers without configuration: accepts any keys and ignores them. Exporters warn of such
/// keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoConfig;

/// What an instance of a driver adds to the metadata of its type.
#[derive(Debug, Default)]
pub struct Description {
    /// Another client class.
    pub client: Option<String>,
    /// Another category.
    pub category: Option<String>,
    /// A sentence for people, shown in help texts.
    pub description: Option<String>,
    /// Further labels of the driver in the exporter's report.
    pub labels: BTreeMap<String, String>,
    /// Help texts of methods, by the name that clients show, in the exporter's report. They take
    /// precedence over those of the same name in the configuration.
    pub methods_description: BTreeMap<String, String>,
    /// Methods that only this instance has. Its type says `#[driver(dynamic, ...)]`.
    pub methods: Vec<DynamicMethod>,
}

/// A driver that another one brings along.
pub struct SubDriver {
    pub(crate) name: String,
    pub(crate) class: Class,
    pub(crate) driver: Box<dyn Dispatch>,
}

// === impl NoConfig ===

impl<'de> Deserialize<'de> for NoConfig {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Schema for NoConfig {
    // No settings are known, and others are not refused: that is what exporters warn of.
    const SCHEMA: Json = Json::Raw(r#"{"type":"object","properties":{}}"#);
}

// === impl SubDriver ===

impl SubDriver {
    /// The child `name`. Its parent may keep another reference to it.
    pub fn new<D: Exports>(name: impl Into<String>, driver: Arc<D>) -> Self {
        Self {
            name: name.into(),
            class: Class::of::<D>(),
            driver: Box::new(driver),
        }
    }
}

impl std::fmt::Debug for SubDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubDriver({}: {})", self.name, self.class.name())
    }
}
