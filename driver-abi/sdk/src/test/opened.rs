//! A driver that a test has opened.

use std::time::Duration;

use jumpstarter_completion::{Answer, Pending};
use jumpstarter_value::from_slice;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::state::number;
use super::{Connection, Host, Messages, Values, functions};
use crate::arguments::{self, Arguments};
use crate::host::{Kind, checked};
use crate::wait::wait;
use crate::{Error, Result};

/// An open driver. It is closed when this is dropped.
#[derive(Debug)]
pub struct Opened {
    host: Host,
    type_name: String,
    handle: u64,
    added: Value,
    /// It belongs to the driver that brought it along.
    brought: bool,
}

/// A call that has not been waited for.
#[derive(Debug)]
pub struct Running {
    pending: Pending,
    driver: u64,
    id: u64,
}

// === impl Opened ===

impl Opened {
    pub(super) fn new(host: Host, type_name: &str, handle: u64, added: Value) -> Self {
        let type_name = type_name.to_owned();
        Self {
            host,
            type_name,
            handle,
            added,
            brought: false,
        }
    }

    pub(super) fn type_name(&self) -> &str {
        &self.type_name
    }

    pub(super) fn handle(&self) -> u64 {
        self.handle
    }

    /// What the driver told about itself when it was opened, null for nothing.
    pub fn added(&self) -> &Value {
        &self.added
    }

    /// A driver that this one has brought along.
    ///
    /// # Errors
    /// It has brought no such driver.
    pub fn child(&self, name: &str) -> Result<Self> {
        let child = &self.added["children"][name];
        match (child["handle"].as_u64(), child["type"].as_str()) {
            (Some(handle), Some(type_name)) => {
                let mut opened = Self::new(self.host.clone(), type_name, handle, child.clone());
                opened.brought = true;
                Ok(opened)
            }
            _ => Err(Error::not_found(format_args!("there is no child `{name}`"))),
        }
    }

    /// Calls a method and waits for its result.
    ///
    /// # Errors
    /// Those that a client would get.
    pub fn call<T: DeserializeOwned>(&self, method: &str, args: impl Arguments) -> Result<T> {
        self.start(method, args)?.wait()
    }

    /// Calls a method with a deadline.
    ///
    /// # Errors
    /// Those that a client would get.
    pub fn call_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        method: &str,
        args: impl Arguments,
    ) -> Result<T> {
        self.begin(Kind::Call, Some(timeout), method, args)?.wait()
    }

    /// Calls a method, for a test that does something else meanwhile.
    ///
    /// # Errors
    /// The arguments have no place in a call.
    pub fn start(&self, method: &str, args: impl Arguments) -> Result<Running> {
        self.begin(Kind::Call, None, method, args)
    }

    /// Opens a stream of values.
    ///
    /// # Errors
    /// Those that a client would get.
    pub fn stream<T: DeserializeOwned>(
        &self,
        method: &str,
        args: impl Arguments,
    ) -> Result<Values<T>> {
        let answer = self.begin(Kind::Stream, None, method, args)?.answer()?;
        Values::new(&answer)
    }

    /// Opens a byte stream. Reading from it and writing to it wait.
    ///
    /// # Errors
    /// Those that a client would get.
    pub fn connect(&self, method: &str, args: impl Arguments) -> Result<Connection> {
        Connection::new(self.begin(Kind::Bytes, None, method, args)?.answer()?)
    }

    /// Opens a byte stream whose method takes a [`MessageStream`](crate::MessageStream), or returns
    /// a socket that keeps messages apart. Receiving and sending wait.
    ///
    /// # Errors
    /// Those that a client would get.
    pub fn connect_messages(&self, method: &str, args: impl Arguments) -> Result<Messages> {
        Messages::new(self.begin(Kind::Bytes, None, method, args)?.answer()?)
    }

    /// Closes the driver. Closing it again does nothing.
    ///
    /// # Errors
    /// It could not be closed.
    pub fn close(&self) -> Result<()> {
        checked(wait(functions::close(self.handle))).map(drop)
    }

    fn begin(
        &self,
        kind: Kind,
        timeout: Option<Duration>,
        method: &str,
        args: impl Arguments,
    ) -> Result<Running> {
        let args = arguments::encode(args)?;
        let id = number();
        let pending = functions::call(kind, self.handle, id, timeout, method, &args);
        Ok(Running {
            pending,
            driver: self.handle,
            id,
        })
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if !self.brought {
            // A test that wants to see an error closes the driver itself.
            drop(self.close());
        }
    }
}

// === impl Running ===

impl Running {
    /// Waits for the result.
    ///
    /// # Errors
    /// Those that a client would get.
    pub fn wait<T: DeserializeOwned>(self) -> Result<T> {
        Ok(from_slice(&self.answer()?.body)?)
    }

    /// Tells the driver that nobody wants the result any more. The call still ends.
    pub fn cancel(&self) {
        functions::cancel(self.driver, self.id);
    }

    fn answer(self) -> Result<Answer> {
        checked(wait(self.pending))
    }
}
