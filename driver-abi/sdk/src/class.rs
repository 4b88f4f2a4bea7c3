//! The bridge between a driver's type and the entry points, which know drivers by name only.
//!
//! ```text
//!   #[driver] impl MockPower { .. }  ──►  impl Exports for MockPower   constants: metadata, methods
//!   plugin! { drivers: [MockPower] } ──►  Class::of::<MockPower>()     how to open one
//!   open()                           ──►  Box<dyn Dispatch>            one that is open
//! ```

use std::pin::Pin;
use std::sync::Arc;

use crate::args::Args;
use crate::job::{BytesJob, CallJob, StreamJob};
use crate::{Context, Driver, Error, Json, Result, config};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Opens a driver with a configuration in JSON.
type OpenFn = fn(String, Context) -> BoxFuture<Result<Box<dyn Dispatch>>>;

/// What `#[driver]` writes about a type.
pub trait Exports: Driver {
    /// The names that a configuration may use.
    const TYPES: &'static [&'static str];
    /// Whether a method blocks its thread.
    const BLOCKING: bool;
    /// Its entry in the metadata.
    const METADATA: Json;
    /// Its methods.
    const METHODS: &'static [Method<Self>];
}

/// A method of a driver.
#[derive(Debug)]
pub struct Method<D> {
    /// The name on the wire.
    pub name: &'static str,
    /// Its arguments, in order.
    pub params: &'static [&'static str],
    /// What starts it.
    pub start: Start<D>,
}

/// Decodes the arguments of a call and makes the work out of them. Nothing of the driver runs yet.
#[derive(Debug)]
pub enum Start<D> {
    /// A unary call.
    Call(fn(&Arc<D>, Args<'_>) -> Result<CallJob>),
    /// A stream of values.
    Stream(fn(&Arc<D>, Args<'_>) -> Result<StreamJob>),
    /// A byte stream.
    Bytes(fn(&Arc<D>, Args<'_>) -> Result<BytesJob>),
}

/// A type of driver that this plugin can open.
#[derive(Clone, Copy)]
pub struct Class {
    pub(crate) types: &'static [&'static str],
    pub(crate) blocking: bool,
    pub(crate) metadata: Json,
    pub(crate) open: OpenFn,
}

/// An open driver, whatever its type.
pub(crate) trait Dispatch: Send + Sync {
    fn call(&self, method: &str, args: &[u8]) -> Result<CallJob>;
    fn stream(&self, method: &str, args: &[u8]) -> Result<StreamJob>;
    fn connect(&self, method: &str, args: &[u8]) -> Result<BytesJob>;
    fn close(&self) -> BoxFuture<()>;
    fn describe(&self) -> crate::Description;
    fn children(&self) -> Vec<crate::SubDriver>;
}

// === impl Class ===

impl Class {
    /// The class of the driver `D`.
    pub const fn of<D: Exports>() -> Self {
        Self {
            types: D::TYPES,
            blocking: D::BLOCKING,
            metadata: D::METADATA,
            open: |config, cx| {
                Box::pin(async move {
                    let config = config::read(&config)?;
                    let driver = D::open(config, cx).await?;
                    Ok(Box::new(Arc::new(driver)) as Box<dyn Dispatch>)
                })
            },
        }
    }

    /// Its first name.
    pub(crate) fn name(&self) -> &'static str {
        self.types.first().copied().unwrap_or_default()
    }
}

impl std::fmt::Debug for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Class({})", self.name())
    }
}

// === impl Dispatch ===

impl<D: Exports> Dispatch for Arc<D> {
    fn call(&self, method: &str, args: &[u8]) -> Result<CallJob> {
        match find(D::METHODS, method) {
            Some(Method {
                start: Start::Call(start),
                params,
                name,
            }) => start(self, Args::new(name, params, args)),
            found => Err(refuse(method, found.is_some(), "drivercall")),
        }
    }

    fn stream(&self, method: &str, args: &[u8]) -> Result<StreamJob> {
        match find(D::METHODS, method) {
            Some(Method {
                start: Start::Stream(start),
                params,
                name,
            }) => start(self, Args::new(name, params, args)),
            found => Err(refuse(method, found.is_some(), "streamingdrivercall")),
        }
    }

    fn connect(&self, method: &str, args: &[u8]) -> Result<BytesJob> {
        match find(D::METHODS, method) {
            Some(Method {
                start: Start::Bytes(start),
                params,
                name,
            }) => start(self, Args::new(name, params, args)),
            found => Err(refuse(method, found.is_some(), "streamcall")),
        }
    }

    fn close(&self) -> BoxFuture<()> {
        let driver = Self::clone(self);
        Box::pin(async move { driver.as_ref().close().await })
    }

    fn describe(&self) -> crate::Description {
        self.as_ref().describe()
    }

    fn children(&self) -> Vec<crate::SubDriver> {
        self.as_ref().children()
    }
}

fn find<D>(methods: &'static [Method<D>], name: &str) -> Option<&'static Method<D>> {
    methods.iter().find(|method| method.name == name)
}

/// The error for a method that is not there, or not of this kind; clients match on the texts.
pub(crate) fn refuse(method: &str, exists: bool, marker: &str) -> Error {
    if exists {
        Error::not_found(format_args!(
            "method {method} missing marker marker_{marker}"
        ))
    } else {
        Error::not_found(format_args!("method {method} not found on driver"))
    }
}
